import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { VoltRecord } from '../../src/records/record.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { createLog, createRedactor } from '../../src/runtime/logger.ts';
import { type Disk, disk as realDisk } from '../../src/spool/disk.ts';
import { openInlet } from '../../src/spool/inlet.ts';
import type { LogOptions } from '../../src/spool/log.ts';
import { openOutlet } from '../../src/spool/outlet.ts';
import type { Inlet, Outlet, ReadOptions } from '../../src/spool/sides.ts';
import { openSpool } from '../../src/spool/spool.ts';

/** A folder for one spool. */
export const spoolFolder = (): string => mkdtempSync(join(tmpdir(), 'voltpipe-spool-'));

/** A spool at work in a test. */
export interface Worked {
  folder: string;
  /** Its messages. */
  log: string[];
  /** Records that it has taken over, by --sync. */
  accepted(): number;
  dropped: { count: number; reason: string }[];
  damaged: number[];
}

export interface WorkOptions extends Partial<LogOptions & ReadOptions> {
  folder?: string;
  disk?: Disk;
  clock?: Clock;
}

function parts(options: WorkOptions) {
  const { folder = spoolFolder(), disk = realDisk, clock = systemClock } = options;
  const log: string[] = [];
  let accepted = 0;
  const worked: Worked = { folder, log, accepted: () => accepted, dropped: [], damaged: [] };
  const sink = { clock, redactor: createRedactor(), write: (line: string) => void log.push(line.trimEnd()) };
  return {
    worked,
    made: {
      folder,
      disk,
      clock,
      log: createLog('spool', { level: 'info', format: 'text' as const, journal: false }, sink),
      onAccepted: (records: number) => {
        accepted += records;
      },
      onDropped: (count: number, reason: string) => void worked.dropped.push({ count, reason }),
      onDamaged: (bytes: number) => void worked.damaged.push(bytes),
    },
  };
}

const logDefaults: LogOptions = {
  sync: 'always',
  maxBytes: 64 * 1024 * 1024,
  maxAge: undefined,
  minFree: undefined,
  whenFull: 'drop-oldest',
};
const readDefaults: ReadOptions = { order: 'fifo', drainRate: undefined, keepSent: 0 };

/** Opens both sides. */
export async function work(options: WorkOptions = {}): Promise<Worked & Inlet & Outlet> {
  const { worked, made } = parts(options);
  const spool = await openSpool(made, { ...logDefaults, ...readDefaults, ...options });
  return Object.assign(spool, worked);
}

/** Opens the writing side. */
export async function workIn(options: WorkOptions = {}): Promise<Worked & Inlet> {
  const { worked, made } = parts(options);
  return Object.assign(await openInlet(made, { ...logDefaults, ...options }), worked);
}

/** Opens the reading side. */
export async function workOut(options: WorkOptions = {}): Promise<Worked & Outlet> {
  const { worked, made } = parts(options);
  return Object.assign(await openOutlet(made, { ...readDefaults, ...options }), worked);
}

/** The `n`-th record of a test. */
export const recordOf = (n: number, pad = 0): VoltRecord => ({
  type: 'x',
  time: new Date(1.7e12 + n * 1000).toISOString(),
  n,
  ...(pad > 0 ? { pad: 'x'.repeat(pad) } : {}),
});

/** Puts records `from` to `to` in, all at once. */
export async function fill({ writer }: Pick<Inlet, 'writer'>, from: number, to: number, pad = 0): Promise<void> {
  for (let n = from; n <= to; n++) {
    const full = writer.append(JSON.stringify(recordOf(n, pad)));
    if (full) await full;
  }
  await writer.flush();
}

/** Takes out all that there is now; `ack` calls it delivered at once. */
export async function takeAll({ feed, keeper }: Pick<Outlet, 'feed' | 'keeper'>, ack = true): Promise<VoltRecord[]> {
  const records: VoltRecord[] = [];
  for (let chunk = await feed.next(); chunk; chunk = await feed.next()) {
    for (const line of chunk.bytes.toString('utf8').trimEnd().split('\n')) records.push(JSON.parse(line));
    if (ack) keeper.delivered(chunk.first, chunk.last);
  }
  return records;
}

/** Takes out all that waits, as a reader of its own that ends then; resolves with the {@link numbers}. */
export async function takeOut(folder: string): Promise<unknown[]> {
  const outlet = await workOut({ folder });
  const records = await takeAll(outlet);
  await outlet.close();
  return numbers(records);
}

/** The numbers of test records; a gap is shown as `gap 3`. */
export const numbers = (records: readonly VoltRecord[]): unknown[] =>
  records.map((record) => (record.type === 'gap' ? `gap ${record.count}` : record.n));

/** From, to, both included. */
export const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);

/** What cursor.json of a spool says, without its checksum. */
export function cursorIn(folder: string): unknown {
  const { crc32: sum, ...cursor } = JSON.parse(readFileSync(join(folder, 'cursor.json'), 'utf8'));
  return typeof sum === 'string' ? cursor : undefined;
}

/** The text of a cursor.json. */
export function cursorText(cursor: { upTo: number; ranges?: [number, number][] }): string {
  const sum = crc32(JSON.stringify(cursor)).toString(16).padStart(8, '0');
  return `${JSON.stringify({ ...cursor, crc32: sum })}\n`;
}

/** The segments of a spool as they are on disk. */
export const logFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => join(folder, name));

/** All bytes of all segments. */
export const logText = (folder: string): string =>
  logFiles(folder)
    .map((file) => readFileSync(file, 'utf8'))
    .join('');
