import { basename, dirname, extname, join } from 'node:path';

/** When a file is put aside: never, or when a day or an hour of local time is over. */
export type Period = 'day' | 'hour';

const two = (n: number): string => String(n).padStart(2, '0');

/** The day, or the hour, of local time, as it stands in a file's name. */
export function periodOf(ms: number, period: Period): string {
  const at = new Date(ms);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return period === 'day' ? day : `${day}T${two(at.getHours())}`;
}

/** Date and time to the second, as it stands in a file's name. */
export function momentOf(ms: number): string {
  const at = new Date(ms);
  return `${periodOf(ms, 'hour')}-${two(at.getMinutes())}-${two(at.getSeconds())}`;
}

/**
 * `readings.ndjson`, put aside with `2026-03-01`, is `readings-2026-03-01.ndjson`, further ones of that stamp get numbers: `…-2`. A number
 * that has become free is not used again: the newest file has the highest.
 *
 * @param names what is in its folder
 */
export function asideName(path: string, stamp: string, names: readonly string[]): string {
  const end = extname(path);
  const stem = join(dirname(path), basename(path, end));
  const last = asidesOf(path, names).findLast((one) => one.stamp === stamp)?.number ?? 0;
  return `${stem}-${stamp}${last === 0 ? '' : `-${last + 1}`}${end}`;
}

interface Aside {
  /** Without its `.gz`. */
  name: string;
  packed: boolean;
  stamp: string;
  number: number;
}

/** Of the names in a folder those of files that were put aside, oldest first. */
export function asidesOf(path: string, names: readonly string[]): Aside[] {
  const end = extname(path);
  const stem = basename(path, end);
  const pattern = new RegExp(
    `^(${literally(stem)}-(\\d{4}-\\d\\d-\\d\\d(?:T\\d\\d(?:-\\d\\d-\\d\\d)?)?)(?:-(\\d+))?${literally(end)})(\\.gz)?$`,
  );
  return names
    .map((name) => pattern.exec(name))
    .filter((match) => match !== null)
    .map(([, name, stamp, number, packed]) => ({
      name: name!,
      packed: packed !== undefined,
      stamp: stamp!,
      number: Number(number ?? 1),
    }))
    .sort((a, b) => compare(sortable(a.stamp), sortable(b.stamp)) || a.number - b.number);
}

/** What has the name of a day or an hour was put aside when that was over: behind all that was put aside within it. */
const sortable = (stamp: string): string => stamp.padEnd('2026-03-01T12-00-00'.length, '~');

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const literally = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
