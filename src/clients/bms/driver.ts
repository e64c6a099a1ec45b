import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Codec } from '../../protocols/bms/codec.ts';
import { fail } from '../../runtime/exit.ts';

/** What a codec must have, and of which kind. */
const needs: readonly [path: string, kind: string][] = [
  ['name', 'string'],
  ['family', 'string'],
  ['parser', 'function'],
  ['reading.requests', 'function'],
  ['reading.decode', 'function'],
  ['timing.response', 'number'],
  ['timing.gap', 'number'],
  ['timing.torn', 'number'],
];

/** What it must have besides, if it has `pushed`. */
const needsPushed: typeof needs = [
  ['pushed.what', 'string'],
  ['pushed.accepts', 'function'],
  ['pushed.decode', 'function'],
];

const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);

/**
 * Loads a user's own codec, an ES module that exports `codec` of the shape of {@link Codec}. It runs with all rights of the user: it
 * is code, and only ever named on the command line.
 *
 * @throws exit status 78 when the file is not there, does not load or has not the shape
 */
export async function loadDriver(file: string): Promise<Codec> {
  const path = resolve(file);
  const wrong = (why: string): Error => fail('config', `driver ${file}: ${why}`, 'See examples/drivers/.');
  if (!existsSync(path)) throw wrong('no such file');
  let module: unknown;
  try {
    module = await import(path);
  } catch (error) {
    throw wrong(`does not load: ${(error as Error).message}`);
  }
  const codec = at(module, 'codec');
  if (typeof codec !== 'object' || codec === null) throw wrong("exports no 'codec'");
  const all = 'pushed' in codec && codec.pushed !== undefined ? [...needs, ...needsPushed] : needs;
  const missing = all.find(([key, kind]) => typeof at(codec, key) !== kind);
  if (missing) throw wrong(`codec.${missing[0]} is no ${missing[1]}`);
  if (!('serial' in codec) && !('gatt' in codec)) throw wrong("codec has neither 'serial' nor 'gatt'");
  return codec as Codec;
}
