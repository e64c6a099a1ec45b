import { after } from 'node:test';
import { command } from '../../src/commands/influx-write.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { type InfluxOptions, type InfluxSimulator, startInflux } from '../../src/simulators/influx/index.ts';
import { fakeClock } from './clock.ts';
import type { RunOptions } from './command.ts';
import { type Turned, turned } from './turned.ts';

/** What the clock says when influx-write starts. */
export const start = Date.parse('2026-03-01T12:00:00.000Z');

/** One reading each second, of these seconds after {@link start}. */
export const readings = (from: number, to: number): VoltRecord[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    type: 'battery_reading',
    time: new Date(start + (from + i) * 1000).toISOString(),
    device_id: 'X',
    voltage: 12 + i,
  }));

const running: InfluxSimulator[] = [];
after(() => Promise.all(running.map((influx) => influx.close())));

/** A simulated server, closed when the tests of the file are over. It has the database that influx-write takes unless told otherwise. */
export async function simulated(options: InfluxOptions = {}): Promise<InfluxSimulator> {
  const influx = await startInflux({ databases: ['battery_hawk'], ...options });
  running.push(influx);
  return influx;
}

/** influx-write beside whatever answers at `url`. */
export const writingTo = (
  url: string,
  { flags, ...more }: Partial<RunOptions> = {},
  clock = fakeClock(start),
): Turned => turned(command, { flags: { url, receipts: true, readTimeout: '30m', ...flags }, ...more }, clock);

/** influx-write with its server. */
export interface Beside extends Turned {
  influx: InfluxSimulator;
}

/** influx-write beside a simulated server, both on one clock. */
export async function writing(simulator: InfluxOptions = {}, options: Partial<RunOptions> = {}): Promise<Beside> {
  const clock = fakeClock(start);
  const influx = await simulated({ clock, ...simulator });
  return { ...writingTo(influx.url, options, clock), influx };
}
