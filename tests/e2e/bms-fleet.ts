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

/**
 * 50 packs, every 10 seconds, for so long: each is read in every round, memory stays below 120 MB. A whole soak is also strict: no
 * poll is late or tried twice, which a machine that is busy with other tests can't promise, and memory is flat.
 */
export async function soakFleet(t: TestContext, seconds: number, strict: boolean): Promise<void> {
  const fleet = await packs(t, 50, 10);
  const reader = readRegistry(t, fleet);
  const memory: number[] = [];
  const rounds = Math.floor(seconds / 10);
  for (let second = 0; second < seconds; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    memory.push(residentMiB(reader.child.pid!));
  }
  const readings = (): Record<string, unknown>[] =>
    (reader.lines as Record<string, unknown>[]).filter(({ type }) => type === 'battery_reading');
  for (let i = 0; i < 600 && readings().length < rounds * 50; i++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  await reader.stop();
  const counts = fleet.ids.map((id) => readings().filter(({ device_id }) => device_id === id).length);
  t.diagnostic(`${readings().length} readings; memory ${Math.round(Math.max(...memory))} MiB at most`);
  assert.ok(Math.min(...counts) >= rounds, `a device has ${Math.min(...counts)} readings of ${rounds}`);
  const third = Math.floor(memory.length / 3);
  const [middle, last] = [mean(memory.slice(third, 2 * third)), mean(memory.slice(2 * third))];
  t.diagnostic(`memory in the middle third ${middle.toFixed(1)} MiB, in the last ${last.toFixed(1)} MiB`);
  assert.ok(Math.max(...memory) <= 120, `${Math.max(...memory)} MiB`);
  if (!strict) return;
  assert.doesNotMatch(reader.stderr(), /missed|try 1/);
  assert.ok(last - middle <= 8, `from ${middle} to ${last} MiB`);
}
