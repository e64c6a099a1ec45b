import type { Codec, CodecOptions, Request } from '../../protocols/bms/codec.ts';
import { CommandError, exit, fail } from '../../runtime/exit.ts';
import type { Link } from '../../transports/link.ts';
import type { Tally, Totals } from './tally.ts';

/** What to do when what comes makes no sense. */
export const wrongType = 'Is --type right? --raw shows what comes.';

/** The failure of a request that nobody answered: why, as far as what came instead tells. 69, or 76 when it was something else. */
export function unanswered(
  link: Link,
  codec: Codec,
  options: CodecOptions,
  { what }: Request,
  attempts: number,
  wait: number,
  tally: Tally,
): CommandError {
  const asked = `no answer to ${what} (${attempts} × ${wait} ms)`;
  const { bytes, frames, rejected, preview } = tally.totals();
  if (bytes === 0)
    return fail('unavailable', `${link.name}: ${asked}: nothing came at all`, codec.whenSilent?.(options) ?? silence);
  if (frames === 0 && rejected.request && !rejected.checksum) {
    return fail('unavailable', `${link.name}: ${asked}: nothing but the questions of another master came`, oneMaster);
  }
  if (frames === 0 && rejected.echo && !rejected.checksum) {
    return fail('unavailable', `${link.name}: ${asked}: only an echo of our own bytes came`, swapped);
  }
  if (frames === 0 && !rejected.checksum && !rejected.cut) {
    return fail(
      'protocol',
      `${link.name}: ${asked}: ${bytes} bytes came that are no ${codec.name}: ${preview}`,
      wrongType,
    );
  }
  return fail('unavailable', `${link.name}: ${asked}; ${tally.summary()}`, noisy);
}

/** What was heard after one question of a search. */
export interface Heard extends Totals {
  codec: Codec;
}

/** Whether somebody answers in this language, only badly. */
export const isDamaged = ({ rejected: { checksum = 0, cut = 0, tail = 0 } }: Totals): boolean =>
  checksum + cut + tail > 0;

/** Whether it is our own bytes and nothing else. */
const isEcho = ({ frames, rejected }: Totals): boolean =>
  frames === 0 && rejected.echo !== undefined && !rejected.noise && !rejected.request;

/** Whether others ask there, and nobody answers. */
const isForeign = ({ frames, rejected }: Totals): boolean => frames === 0 && rejected.request !== undefined;

/** Nothing that is known here answered, whatever came. */
export class Unrecognised extends CommandError {}

const unrecognised = (status: 'unavailable' | 'protocol', message: string, next: string): Unrecognised =>
  new Unrecognised(exit[status], message, next);

/** The failure of a search that no candidate answered. 69, or 76 when what came is something else. */
export function unknown(
  { name, shared }: { name: string; shared?: true },
  options: CodecOptions,
  heard: readonly Heard[],
): Unrecognised {
  const codecs = [...new Map(heard.map(({ codec }) => [codec.name, codec])).values()];
  const what = `${name}: no answer as ${codecs.map((codec) => codec.name).join(', ')}`;
  const sounds = heard.filter(({ bytes }) => bytes > 0);
  if (sounds.length === 0) {
    // On the air the likeliest comes first.
    const next = codecs.length === 1 || shared ? codecs[0]?.whenSilent?.(options) : undefined;
    return unrecognised('unavailable', `${what}: nothing came at all`, next ?? 'Is it awake? --raw shows what comes.');
  }
  const damaged = sounds.find(isDamaged);
  const strange = sounds.find((sound) => !isDamaged(sound) && !isEcho(sound) && !isForeign(sound));
  if (strange) {
    const sort = `what came is no monitor known here: ${strange.preview}`;
    return unrecognised('protocol', `${what}: ${sort}`, '--raw shows what comes.');
  }
  if (damaged)
    return unrecognised('unavailable', `${what}: answers came damaged, as of a ${damaged.codec.name}`, noisy);
  if (sounds.some(isForeign)) {
    return unrecognised('unavailable', `${what}: nothing but the questions of another master came`, oneMaster);
  }
  return unrecognised('unavailable', `${what}: only an echo of our own bytes came`, swapped);
}

const noisy = 'A long wire, a second master or noise does this.';
const oneMaster = 'Only one may ask on a bus.';
const swapped = 'Check the wires A and B.';
const silence = 'Is it awake, and are the wires right? --raw shows what comes.';
