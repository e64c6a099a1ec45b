import type { Frame, Rejection, Request } from '../../protocols/bms/codec.ts';
import { hex } from '../../protocols/bms/framing.ts';
import type { Log } from '../../runtime/log.ts';
import { createSaid, type Said } from './said.ts';

/** What came over a link and was not used, so that a failure can say why. */
export interface Tally {
  /** A new question begins: what {@link totals} and {@link summary} tell is about it alone. */
  begin(): void;
  sent(request: Request): void;
  received(bytes: Uint8Array): void;
  /** Returns what it counts as: its name, or `echo` for a request of ours. */
  reject(rejection: Rejection): string;
  /** A valid frame that the present request wanted. */
  accepted(): void;
  /** A valid frame that the present request did not want. */
  unasked(frame: Frame): void;
  totals(): Totals;
  /** `2 bad checksums, 1 cut`. */
  summary(): string;
}

/** What came since a question was asked. */
export interface Totals {
  bytes: number;
  /** Valid ones, wanted or not. */
  frames: number;
  /** How many of each rejection; a `request` that is ours is an `echo`. */
  rejected: Readonly<Record<string, number>>;
  /** The first bytes, printable. */
  preview: string;
}

const previewBytes = 24;
/** Late answers to a request that was repeated are no sign of another master; this many strange frames are. */
const strange = 2;

/**
 * Counts; and tells `said` when another master is on the bus, or when the adapter hears itself.
 *
 * @param isBus others may ask there too; a Bluetooth connection is ours alone, what comes unasked is the device's own doing
 */
export function createTally(name: string, log: Log, isBus = true, said: Said = createSaid(log)): Tally {
  let rejected: Record<string, number> = {};
  const own = new Map<string, Request>();
  let bytes = 0;
  let frames = 0;
  let foreign = 0;
  let preview = new Uint8Array(0);

  const stranger = (what: string): void => {
    foreign++;
    if (isBus && foreign >= strange) said.stranger(name, what);
  };

  return {
    begin() {
      rejected = {};
      bytes = 0;
      frames = 0;
      preview = new Uint8Array(0);
    },
    sent(request) {
      if (request.bytes) own.set(hex(request.bytes), request);
    },
    received(chunk) {
      // A Bluetooth module that is subscribed to sends a zero, a wire that is plugged in makes some: nobody has said anything.
      if (chunk.every((byte) => byte === 0)) return;
      bytes += chunk.length;
      if (preview.length < previewBytes) preview = Uint8Array.of(...preview, ...chunk.subarray(0, previewBytes));
    },
    reject({ rejected: why, bytes: of, detail }) {
      const isEcho = why === 'request' && of !== undefined && own.has(hex(of));
      const sort = isEcho ? 'echo' : why;
      rejected[sort] = (rejected[sort] ?? 0) + 1;
      if (isEcho) said.echo(name);
      else if (why === 'request') stranger('requests that are not ours');
      else log.debug(`${name}: rejected: ${why}`, { ...(detail && { detail }), ...(of && { bytes: hex(of) }) });
      return sort;
    },
    accepted() {
      frames++;
    },
    unasked(frame) {
      frames++;
      if (frame.layer !== undefined) return;
      if (![...own.values()].some((request) => request.accepts(frame))) stranger('answers that nobody here asked for');
    },
    totals: () => ({ bytes, frames, rejected, preview: printable(preview) }),
    summary: () =>
      Object.entries(rejected)
        .map(([why, count]) => `${count} × ${why}`)
        .join(', '),
  };
}

/** Text as text, anything else as hexadecimal. */
function printable(bytes: Uint8Array): string {
  const head = bytes.subarray(0, previewBytes);
  const isText = head.length > 3 && head.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 10 || byte === 13);
  return isText
    ? `text "${String.fromCharCode(...head)
        .replaceAll(/[\r\n]+/g, ' ')
        .trim()}"`
    : hex(head);
}
