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

/** `readings.ndjson`, put aside with `2026-03-01`, is `readings-2026-03-01.ndjson`; what is there already gets a number: `…-2`. */
export function asideName(path: string, stamp: string, taken: (path: string) => boolean): string {
  const end = extname(path);
  const stem = join(dirname(path), basename(path, end));
  for (let n = 1; ; n++) {
    const name = `${stem}-${stamp}${n === 1 ? '' : `-${n}`}${end}`;
    if (!taken(name) && !taken(`${name}.gz`)) return name;
  }
}

/** Of the names in a folder those of files that were put aside, oldest first, each without its `.gz`. */
export function asideNames(path: string, names: readonly string[]): { name: string; packed: boolean }[] {
  const end = extname(path);
  const stem = basename(path, end);
  const pattern = new RegExp(
    `^${literally(stem)}-(\\d{4}-\\d\\d-\\d\\d(?:T\\d\\d(?:-\\d\\d-\\d\\d)?)?)(?:-(\\d+))?${literally(end)}(\\.gz)?$`,
  );
  return names
    .map((name) => ({ name, match: pattern.exec(name) }))
    .filter((one): one is { name: string; match: RegExpExecArray } => one.match !== null)
    .sort((a, b) => compare(a.match[1]!, b.match[1]!) || Number(a.match[2] ?? 1) - Number(b.match[2] ?? 1))
    .map(({ name, match }) => ({ name: name.replace(/\.gz$/, ''), packed: match[3] !== undefined }));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const literally = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
