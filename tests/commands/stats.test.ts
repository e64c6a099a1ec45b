import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command as stats } from '../../src/commands/stats.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { formatTime } from '../../src/records/time.ts';
import { runCommand } from '../support/command.ts';
import { shell } from '../support/shell.ts';

const reading = (second: number, current: number): VoltRecord => ({
  type: 'battery_reading',
  time: formatTime(Date.parse('2026-03-01T12:00:00.000Z') + second * 1000),
  device_id: 'pack',
  voltage: 50,
  current,
});

test('readings pass, other records too, and statistics come beside them and at the end (ESP-49)', async () => {
  const other = { type: 'alarm', time: '2026-03-01T12:00:00.000Z', alarm: 'x', state: 'raised' };
  const input = [reading(0, 1), other, reading(70, 2), reading(71, 3)];
  const { records, status } = await runCommand(stats, { input });
  assert.equal(status, 0);
  assert.deepEqual(
    records.map(({ type, count }) => (count === undefined ? type : `${type} ${count}`)),
    ['battery_reading', 'alarm', 'battery_reading', 'battery_stats 2', 'battery_reading', 'battery_stats 3'],
  );
});

test('--only battery_stats leaves readings and all else out, and no other type can be asked for', async () => {
  const input = [{ type: 'device_status' }, reading(0, 1), { type: 'gap' }];
  const { records, delivered } = await runCommand(stats, { input, flags: { only: ['battery_stats'] } });
  assert.equal(delivered, 3);
  assert.deepEqual(
    records.map(({ type }) => type),
    ['battery_stats'],
  );
  assert.equal((await runCommand(stats, { flags: { only: ['alarm'] } })).status, 64);
});

test('with --state the peaks outlive a restart, until --reset (ESP-11)', async () => {
  const flags = { state: 'house', only: ['battery_stats'] };
  const first = await runCommand(stats, { input: [reading(0, 50)], flags });
  const { dataDir } = first;
  const second = await runCommand(stats, { input: [reading(10, 1)], flags, dataDir });
  assert.equal(second.records[0]?.peak_current, 50);
  assert.equal(second.records[0]?.count, 2);
  const third = await runCommand(stats, { input: [reading(20, 1)], flags: { ...flags, reset: true }, dataDir });
  assert.equal(third.records[0]?.peak_current, 1);
  assert.equal((await runCommand(stats, { flags: { reset: true } })).status, 64);
  assert.equal((await runCommand(stats, { flags: { state: '../x' } })).status, 64);
});

test('what a filter has to say at the end of its input counts as part of it: every line is acknowledged', async () => {
  const lines = [reading(0, 1), reading(1, 2)].map((one) => JSON.stringify(one)).join('\n');
  const got = await shell(`voltpipe run 'stats --only battery_stats | stats' | tail -n 1`, { stdin: lines });
  assert.equal(got.status, 0, got.stderr);
  assert.equal(JSON.parse(got.stdout).count, 2);
  const { delivered } = await runCommand(stats, { input: [reading(0, 1), reading(1, 2)] });
  assert.equal(delivered, 2);
});
