import { createReadStream } from 'node:fs';
import { openEnvelope } from '../../protocols/bmw/telematics.ts';
import { parseTime } from '../../records/time.ts';
import type { Clock } from '../../runtime/clock.ts';

/** A message out of a capture. */
export interface CapturedMessage {
  /** Absent when the line names no car. */
  vin: string | undefined;
  data: Record<string, unknown>;
  /** When it was received or sent, in milliseconds since 1970; NaN when the line doesn't say. */
  at: number;
}

const timeKeys = ['received_at', 'at', 'sent_at', 'timestamp', 'time'];

function readMessage(line: unknown): CapturedMessage | undefined {
  const envelope = openEnvelope(line);
  if (!envelope) return undefined;
  const times = timeKeys.map((key) => parseTime((line as Record<string, unknown>)[key]));
  const sentAt = parseTime(envelope.sentAt);
  return { vin: envelope.vin, data: envelope.data, at: times.find((time) => !Number.isNaN(time)) ?? sentAt };
}

/**
 * The messages of a capture file: NDJSON as bmw-stream writes it, BMW's own lines, or those of a subscriber. Lines that are
 * neither are left out, a torn last line of a recorder that was killed included.
 */
export async function* readCapture(file: string): AsyncGenerator<CapturedMessage, void, void> {
  const ndjson = await import('ndjson');
  const lines = createReadStream(file).pipe((ndjson.default ?? ndjson).parse({ strict: false }));
  for await (const line of lines) {
    const message = readMessage(line);
    if (message) yield message;
  }
}

/** The cars that a capture is about, and how many messages it holds. Reads the whole file. */
export async function capturedVins(file: string): Promise<{ vins: string[]; messages: number }> {
  const vins = new Set<string>();
  let messages = 0;
  for await (const { vin } of readCapture(file)) {
    messages++;
    if (vin !== undefined) vins.add(vin);
  }
  return { vins: [...vins], messages };
}

/** How a capture is played. */
export interface PlaybackOptions {
  /** Times the speed at which it was recorded (default 1). */
  speedUp?: number;
  /** Messages a second, whatever the capture's own times are. */
  rate?: number;
}

/** Longest wait between two messages: nights are skipped. */
const longestWait = 60_000;

/**
 * Plays messages at the pace at which they were recorded; their values and time stamps stay untouched.
 *
 * @returns how many were played
 */
export async function playCapture(
  messages: AsyncIterable<CapturedMessage>,
  options: PlaybackOptions,
  clock: Clock,
  signal: AbortSignal,
  publish: (message: CapturedMessage) => Promise<unknown>,
): Promise<number> {
  const { speedUp = 1, rate } = options;
  let last = Number.NaN;
  let count = 0;
  // Waits are counted from the start, so that what publishing takes doesn't add up.
  let due = clock.monotonic();
  for await (const message of messages) {
    const gap = rate === undefined ? (message.at - last) / speedUp : 1000 / rate;
    if (count > 0 && gap > 0) due += Math.min(gap, longestWait);
    if (!Number.isNaN(message.at)) last = message.at;
    const wait = due - clock.monotonic();
    if (wait > 0) await clock.sleep(wait, signal);
    signal.throwIfAborted();
    await publish(message);
    count++;
  }
  return count;
}
