import type { Codec, Request } from '../../protocols/bms/codec.ts';
import { type CommandError, fail } from '../../runtime/exit.ts';
import type { Link } from '../../transports/link.ts';
import type { Tally } from './tally.ts';

/** What to do when what comes makes no sense. */
export const wrongType = 'Is --type right? --raw shows what comes.';

/** The failure of a request that nobody answered: why, as far as what came instead tells. 69, or 76 when it was something else. */
export function unanswered(
  link: Link,
  codec: Codec,
  { what }: Request,
  attempts: number,
  wait: number,
  tally: Tally,
): CommandError {
  const asked = `no answer to ${what} (${attempts} × ${wait} ms)`;
  const { bytes, frames, rejected, preview } = tally.totals();
  if (bytes === 0)
    return fail('unavailable', `${link.name}: ${asked}: nothing came at all`, codec.whenSilent ?? silence);
  if (frames === 0 && rejected.request && !rejected.checksum) {
    return fail(
      'unavailable',
      `${link.name}: ${asked}: only an echo of our own bytes came`,
      'Check the wires A and B.',
    );
  }
  if (frames === 0 && !rejected.checksum && !rejected.cut) {
    return fail(
      'protocol',
      `${link.name}: ${asked}: ${bytes} bytes came that are no ${codec.name}: ${preview}`,
      wrongType,
    );
  }
  return fail(
    'unavailable',
    `${link.name}: ${asked}; ${tally.summary()}`,
    'A long wire, a second master or noise does this.',
  );
}

const silence = 'Is it awake, and are the wires right? --raw shows what comes.';
