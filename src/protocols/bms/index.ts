import { codec as bm2 } from './bm2.ts';
import { codec as bm6 } from './bm6.ts';
import { codec as bm7 } from './bm7.ts';
import type { Codec } from './codec.ts';
import { codec as dalyA5 } from './daly-a5.ts';
import { codec as dalyD2 } from './daly-d2.ts';
import { codec as dalyP81 } from './daly-p81.ts';
import { codec as jbd } from './jbd.ts';

/** Every battery monitor of the toolkit, in the order in which a probe tries them. A new one is a line here. */
export const codecs: readonly Codec[] = [jbd, dalyA5, dalyD2, dalyP81, bm6, bm2, bm7];

/** All that `--type` may say beside `auto`: families, and the dialects of those that have several. */
export const typeNames: readonly string[] = [...new Set(codecs.flatMap(({ family, name }) => [family, name]))];

/** The codecs that `--type` means: one by its name, or all dialects of a family; all for `auto`; none when nothing is called so. */
export const codecsOf = (type: string): readonly Codec[] =>
  type === 'auto' ? codecs : codecs.filter(({ name, family }) => name === type || family === type);

/** How a monitor is reached: on a serial line, or over Bluetooth. */
export type Way = 'serial' | 'gatt';

/** Those of {@link codecsOf} that speak on this way, in the order in which a probe tries them; none when it does not. */
export const codecsFor = (type: string, way: Way): readonly Codec[] =>
  codecsOf(type).filter((codec) => codec[way] !== undefined);

/** What a type is taken for where no answer tells: the first of {@link codecsFor}, but a Daly on the air, whose modules speak D2. */
export function usualFor(type: string, way: Way): Codec | undefined {
  const fitting = codecsFor(type, way);
  return (way === 'gatt' ? fitting.find(({ name }) => name === dalyD2.name) : undefined) ?? fitting[0];
}

/** The family of a type that may name one of its dialects: `daly-d2` is a `daly`. What is not known stays as it is. */
export const familyOf = (type: string): string => codecsOf(type)[0]?.family ?? type;
