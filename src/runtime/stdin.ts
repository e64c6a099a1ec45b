import { read } from 'node:fs';
import type { Batch, Stream } from './batch.ts';
import { earlyInput } from './early-pipe.ts';
import { fail } from './exit.ts';
import { descriptorKind } from './host.ts';
import { type BadLine, createParser, type Parsed, type ParserOptions } from './ndjson.ts';
import { cannotRead } from './text-file.ts';

/** What the reader tells beside the records. */
export interface ReaderEvents {
  onBad(bad: BadLine): void;
  /** Lines up to this number are safe on the far side, or were no records at all. */
  onDelivered?(lines: number): void;
}

const fileChunk = 64 * 1024;

/** stdin as a stream of batches: what one read brought is one batch. A regular file is read in large pieces, a pipe as it comes. */
export function stdinStream(options: ParserOptions, events: ReaderEvents): Stream & { stop(): void } {
  const parser = createParser(options);
  // Made with the first read: what a command doesn't ask for stays for others that share stdin.
  let chunks: Chunks | undefined;
  const ledger = events.onDelivered ? deliveryLedger(events.onDelivered) : undefined;
  let ended = false;
  let failure: { error: unknown } | undefined;

  const stop = (): void => {
    ended = true;
    chunks?.stop();
  };

  /** Tells of bad lines; with --strict the first one ends the input, after the records before it. */
  const tell = (parsed: Parsed): Batch => {
    for (const bad of parsed.bad) {
      try {
        events.onBad(bad);
      } catch (error) {
        failure = { error };
        return before(parsed, bad.line);
      }
    }
    return parsed;
  };

  return {
    async next() {
      while (!ended && !failure) {
        chunks ??= descriptorKind(0) === 'file' ? fileChunks() : earlyChunks();
        const chunk = await chunks.next();
        // Stopped in the middle of a line: that it is cut is nobody's fault.
        if (!chunk && ended) break;
        if (!chunk) ended = true;
        const parsed = chunk ? parser.push(chunk) : parser.end();
        const batch = parsed.bad.length > 0 ? tell(parsed) : parsed;
        ledger?.read(batch, failure ? parsed.bad[0]!.line - 1 : parsed.seen);
        if (batch.items.length > 0) return batch;
      }
      if (failure) throw failure.error;
      return undefined;
    },
    cancel: stop,
    stop,
    waits: events.onDelivered !== undefined || descriptorKind(0) === 'file',
    delivered(count) {
      ledger?.delivered(count);
    },
  };
}

/** The records above a line. */
function before({ items, texts, lines }: Batch, line: number): Batch {
  const count = lines.filter((number) => number < line).length;
  return { items: items.slice(0, count), texts: texts.slice(0, count), lines: lines.slice(0, count) };
}

/** Turns a count of records into a count of lines: skipped lines are safe as soon as the records before them are. */
function deliveryLedger(report: (lines: number) => void): {
  read(batch: Batch, seen: number): void;
  delivered(count: number): void;
} {
  const waiting: number[] = [];
  let head = 0;
  let done = 0;
  let seen = 0;
  let reported = 0;
  const tell = (): void => {
    const next = waiting[head];
    const lines = next === undefined ? seen : next - 1;
    if (lines > reported) {
      reported = lines;
      report(lines);
    }
  };
  return {
    read(batch, linesSeen) {
      for (const line of batch.lines) waiting.push(line);
      seen = linesSeen;
      tell();
    },
    delivered(count) {
      head += count - done;
      done = count;
      if (head > 4096 && head * 2 > waiting.length) {
        waiting.splice(0, head);
        head = 0;
      }
      tell();
    },
  };
}

interface Chunks {
  next(): Promise<Buffer | undefined>;
  stop(): void;
}

function fileChunks(): Chunks {
  return {
    next: () =>
      new Promise((resolve, reject) => {
        const buffer = Buffer.allocUnsafeSlow(fileChunk);
        read(0, buffer, 0, fileChunk, null, (error, bytes) => {
          if (error) reject(fail('io', cannotRead('stdin', error)));
          else resolve(bytes > 0 ? buffer.subarray(0, bytes) : undefined);
        });
      }),
    stop() {},
  };
}

/** The beginning of a pipe as it is there already, the rest through the event loop. */
function earlyChunks(): Chunks {
  let early = earlyInput();
  if (!early) return pipeChunks();
  let rest: Chunks | undefined;
  let ended = false;
  const leave = (): void => {
    early?.close();
    early = undefined;
  };
  return {
    async next() {
      if (ended) return undefined;
      if (early) {
        const bytes = early.read();
        if (bytes && bytes.length > 0) return bytes;
        leave();
        if (bytes) {
          ended = true;
          return undefined;
        }
      }
      rest ??= pipeChunks();
      return rest.next();
    },
    stop() {
      ended = true;
      leave();
      rest?.stop();
    },
  };
}

function pipeChunks(): Chunks {
  const { stdin } = process;
  let wake: (() => void) | undefined;
  let ended = false;
  let failure: Error | undefined;
  const ring = (): void => {
    wake?.();
    wake = undefined;
  };
  stdin.on('readable', ring);
  stdin.on('end', () => {
    ended = true;
    ring();
  });
  stdin.on('error', (error: NodeJS.ErrnoException) => {
    ended = true;
    if (error.code !== 'ECONNRESET') failure = fail('io', cannotRead('stdin', error));
    ring();
  });
  return {
    async next() {
      for (;;) {
        const chunk = stdin.read() as Buffer | null;
        if (chunk) return chunk;
        if (failure) throw failure;
        if (ended) return undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    stop() {
      ended = true;
      stdin.destroy();
      ring();
    },
  };
}
