import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openRegistry } from '../../src/registry/store.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { jbdDevice } from '../../src/simulators/bms/jbd.ts';
import { type SimulatedLine, startLine } from '../../src/simulators/bms/line.ts';
import { createPack } from '../../src/simulators/bms/pack.ts';
import { type Background, background } from '../support/background.ts';
import { cleanEnvironment, temporaryFolder } from '../support/shell.ts';

/** A registry of packs behind serial servers on this machine, and the environment that leads to it. */
export interface FleetOfPacks {
  lines: SimulatedLine[];
  ids: string[];
  env: NodeJS.ProcessEnv;
  dataDir: string;
}

/** Starts `count` packs and registers them, to be polled every `interval` seconds. */
export async function packs(t: TestContext, count: number, interval: number): Promise<FleetOfPacks> {
  const home = temporaryFolder('fleet');
  const dataDir = join(home, 'data');
  const lines = await Promise.all(
    Array.from({ length: count }, () =>
      startLine(jbdDevice(createPack({}, systemClock)), { clock: systemClock, strangerAsks: new Uint8Array() }),
    ),
  );
  t.after(() => Promise.all(lines.map((line) => line.close())));
  const registry = openRegistry({ dataDir, clock: systemClock });
  const ids: string[] = [];
  for (const { url } of lines) {
    ids.push(await registry.addDevice({ port: url, device_type: 'jbd' }, { polling_interval: interval }));
  }
  return { lines, ids, dataDir, env: cleanEnvironment(home, { VOLTPIPE_DATA_DIR: dataDir }) };
}

/** Runs `bms-read --registry` until the test is over. */
export function readRegistry(t: TestContext, { env }: FleetOfPacks, ...flags: string[]): Background {
  const reader = background(['bms-read', '--registry', '--no-initial-scan', ...flags], env);
  t.after(() => reader.stop());
  return reader;
}

const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length;

/** The address of the process's `--http 0`. */
export async function listenerOf(reader: Background): Promise<string> {
  for (;;) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(reader.stderr())?.[0];
    if (url !== undefined) return url;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Polls by device and result, as `/metrics` of a fleet tells them. */
export async function pollsOf(url: string): Promise<Record<string, Record<string, number>>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const polls: Record<string, Record<string, number>> = {};
  const series = /^voltpipe_bms_polls_total\{cmd="bms-read",device_id="([^"]+)",result="(\w+)"\} (\d+)$/gm;
  for (const [, id = '', result = '', count] of text.matchAll(series)) {
    polls[id] = { ...polls[id], [result]: Number(count) };
  }
  return polls;
}

/** What a soak may show. A whole one is alone on its machine; a twentieth has other tests beside it. */
interface Bounds {
  /** Polls of one device that come too late to happen. */
  missed: number;
  /** Tries of one device that fail. */
  failed: number;
  /** MiB that the last third has more than the one before; the first minute of a process still grows. */
  growth: number;
}

const whole: Bounds = { missed: 0, failed: 0, growth: 8 };
/** A machine that stands still for ten seconds costs each device a poll; more than one is no matter of load. */
const twentieth: Bounds = { missed: 1, failed: 1, growth: 24 };

/**
 * 50 packs, every 10 seconds, for so long: each is read in every round that was not missed, by its own count and by ours, and memory
 * stays below 120 MB and flat. A whole soak is strict: no poll is missed or tried twice.
 */
export async function soakFleet(t: TestContext, seconds: number, strict: boolean): Promise<void> {
  const bounds = strict ? whole : twentieth;
  const fleet = await packs(t, 50, 10);
  const reader = readRegistry(t, fleet, '--http', '0');
  const url = await listenerOf(reader);
  const memory: number[] = [];
  const rounds = Math.floor(seconds / 10);
  for (let second = 0; second < seconds; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    memory.push(residentMiB(reader.child.pid!));
  }
  const readingsOf = (id: string): number =>
    (reader.lines as Record<string, unknown>[]).filter(
      ({ type, device_id }) => type === 'battery_reading' && device_id === id,
    ).length;
  const isDone = (): boolean => fleet.ids.every((id) => readingsOf(id) >= rounds - bounds.missed);
  for (let i = 0; i < 600 && !isDone(); i++) await new Promise((resolve) => setTimeout(resolve, 100));
  const polls = await pollsOf(url);
  const most = (result: string): number => Math.max(...fleet.ids.map((id) => polls[id]?.[result] ?? Number.NaN));
  await reader.stop();

  const total = fleet.ids.reduce((sum, id) => sum + readingsOf(id), 0);
  t.diagnostic(`${total} readings; memory ${Math.round(Math.max(...memory))} MiB at most`);
  const third = Math.floor(memory.length / 3);
  const [middle, last] = [mean(memory.slice(third, 2 * third)), mean(memory.slice(2 * third))];
  t.diagnostic(`memory in the middle third ${middle.toFixed(1)} MiB, in the last ${last.toFixed(1)} MiB`);
  t.diagnostic(`at most ${most('missed')} missed and ${most('failed')} failed of one device`);

  assert.ok(most('missed') <= bounds.missed, `${most('missed')} polls of one device are missed`);
  assert.ok(most('failed') <= bounds.failed, `${most('failed')} tries of one device failed`);
  for (const id of fleet.ids) {
    const { read = 0, missed = 0 } = polls[id]!;
    assert.ok(read + missed >= rounds, `${id}: ${read} read and ${missed} missed of ${rounds}`);
    assert.ok(readingsOf(id) >= read, `${id}: ${readingsOf(id)} readings came out of ${read}`);
  }
  assert.ok(Math.max(...memory) <= 120, `${Math.max(...memory)} MiB`);
  assert.ok(last - middle <= bounds.growth, `from ${middle} to ${last} MiB`);
}
