import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command } from '../../src/commands/to-csv.ts';
import { runCommand } from '../support/command.ts';
import { requireService } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const reading = (second: number, more: object = {}) => ({
  type: 'battery_reading',
  time: `2026-03-01T12:00:0${second}.000Z`,
  device_id: 'a',
  ...more,
});

test('a known type has its header before the first record; others are left out and counted', async () => {
  const columns = 'time,voltage';
  const { items, log, status } = await runCommand(command, {
    flags: { of: 'battery_reading', columns },
    input: [{ type: 'alarm' }, reading(1, { voltage: 12.5 }), { type: 'alarm' }],
  });
  assert.deepEqual(items, ['time,voltage', '2026-03-01T12:00:01.000Z,12.5']);
  assert.deepEqual(log, ['to-csv: warning: 2 records of other types left out']);
  assert.equal(status, 0);
  assert.deepEqual((await runCommand(command, { flags: { of: 'battery_reading', columns } })).items, ['time,voltage']);
});

test('no header, CRLF, and lists that are too long', async () => {
  const { items, log } = await runCommand(command, {
    flags: { header: true, crlf: true, cells: '2', columns: 'cells' },
    input: [reading(1, { cells: [1, 2, 3] }), reading(2, { cells: [1, 2, 3] })],
  });
  assert.deepEqual(items, ['1,2\r', '1,2\r']);
  assert.deepEqual(log.filter((line) => line.includes('warning')).length, 1);
});

test('a key that no column shows is said, once', async () => {
  const { items, log, status } = await runCommand(command, {
    input: [reading(1, { extra: 1 }), reading(2, { extra: 2 })],
  });
  assert.equal(items.length, 3);
  assert.equal(status, 0);
  assert.equal(log.length, 1);
  assert.match(log[0]!, /warning: the table has no column for "extra" \(hint=--columns\)/);
});

test('a file is read back; what is no row is said with its line, exit status 65', async () => {
  const file = join(temporaryFolder('csv'), 'log.csv');
  writeFileSync(file, '\ufefftime;voltage\r\n2026-03-01T12:00:01Z;12.5\r\n2026-03-01T12:00:02Z;low\r\n');
  const { records, log, status } = await runCommand(command, {
    flags: { from: file, of: 'battery_reading', delimiter: ';', set: ['device_id=a'] },
  });
  assert.deepEqual(records, [
    { type: 'battery_reading', time: '2026-03-01T12:00:01.000Z', voltage: 12.5, device_id: 'a' },
  ]);
  assert.deepEqual(log, ['to-csv: warning: line 3: not a record: voltage: no number: "low"']);
  assert.equal(status, 65);
});

test('a file that is not there is exit status 74, a wrong option 64', async () => {
  const gone = await runCommand(command, { flags: { from: join(temporaryFolder('csv'), 'x.csv') } });
  assert.equal(gone.status, 74);
  assert.match(gone.error?.message ?? '', /x\.csv: cannot be read: no such file or folder \(ENOENT\)/);
  for (const flags of [
    { delimiter: '"' },
    { delimiter: ',,' },
    { preset: 'bms-log', columns: 'time' },
    { set: ['a=b'] },
    { from: '-', set: ['a'] },
    { from: '-', header: true },
  ]) {
    assert.equal((await runCommand(command, { flags })).status, 64, JSON.stringify(flags));
  }
});

test('on a terminal a file is read all the same, and without one it says what it waits for', async (t) => {
  if (!requireService(t, 'script')) return;
  const home = temporaryFolder('csv');
  writeFileSync(join(home, 'log.csv'), 'type,voltage\nbattery_reading,12.5\n');
  const onTerminal = (line: string) =>
    shell(`script -qec '${line}' /dev/null < /dev/null`, { cwd: home, env: cleanEnvironment(home, { TERM: 'xterm' }) });
  assert.match((await onTerminal('to-csv --from log.csv')).stdout, /"voltage":12\.5/);
  const waits = await onTerminal('to-csv');
  assert.match(waits.stdout, /reads records from stdin, which is a terminal/);
  assert.equal(waits.status, 64);
});
