import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command as bleScan } from '../../src/commands/ble-scan.ts';
import { command as bmsRead } from '../../src/commands/bms-read.ts';
import { openRegistry } from '../../src/registry/store.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { startJbd } from '../support/bms-line.ts';
import { runCommand } from '../support/command.ts';
import { temporaryFolder } from '../support/shell.ts';

const names = { device_name: 'House', vehicle_id: 'vehicle_1', vehicle_name: 'Vehicle 1' };
const namesOf = ({ device_name, vehicle_id, vehicle_name }: Record<string, unknown> = {}) => ({
  device_name,
  vehicle_id,
  vehicle_name,
});
const unnamed = { device_name: undefined, vehicle_id: undefined, vehicle_name: undefined };

test('a device that is read alone has the names that the registry has for it, and one that is not there has none (HAWK-118)', async (t) => {
  const { line } = await startJbd(t);
  const dataDir = temporaryFolder('names');
  const flags = { port: line.url, type: 'jbd' };
  assert.deepEqual(namesOf((await runCommand(bmsRead, { dataDir, flags })).records[0]), unnamed);
  const registry = openRegistry({ dataDir, clock: systemClock });
  await registry.addDevice({ port: line.url, device_type: 'jbd', friendly_name: 'House' });
  for (const more of [{}, { info: true }]) {
    const { records, log } = await runCommand(bmsRead, { dataDir, flags: { ...flags, ...more } });
    assert.deepEqual(namesOf(records[0]), names, log.join('\n'));
    assert.equal(records[0]!.device_type, 'jbd');
  }
});

test('so has what a monitor advertises; what is merely on the air has no names (HAWK-118)', async () => {
  const dataDir = temporaryFolder('names');
  const device_id = '38:3B:26:00:00:01';
  await openRegistry({ dataDir, clock: systemClock }).addDevice({ mac_address: device_id, friendly_name: 'House' });
  const seen = { type: 'ble_device', time: '2026-03-01T12:00:00.000Z', device_id, name: 'BM6' };
  const file = join(dataDir, 'seen.ndjson');
  writeFileSync(file, `${JSON.stringify({ ...seen, manufacturer_data: 'c25f02c637493db02a61838d3a581216' })}\n`);
  const { records } = await runCommand(bleScan, { dataDir, flags: { replay: file, passive: true } });
  const of = (type: string) => records.find((record) => record.type === type);
  assert.deepEqual(namesOf(of('battery_reading')), names);
  assert.deepEqual(namesOf(of('ble_device')), unnamed);
});

test('a registry that can not be read is said, and the device is read all the same', async (t) => {
  const { line } = await startJbd(t);
  const dataDir = temporaryFolder('names');
  writeFileSync(join(dataDir, 'devices.json'), '{"version":');
  const result = await runCommand(bmsRead, { dataDir, flags: { port: line.url, type: 'jbd' } });
  assert.equal(result.status, 0);
  assert.deepEqual(namesOf(result.records[0]), unnamed);
  assert.match(result.log.join('\n'), /no names of devices and vehicles: .*devices\.json/);
});

test('a reading needs no data directory: one that can not be made is said, and hinders nothing', async (t) => {
  const { line } = await startJbd(t);
  const nowhere = join(temporaryFolder('names'), 'file');
  writeFileSync(nowhere, '');
  for (const more of [{}, { interval: '10s', count: '1' }]) {
    const got = await runCommand(bmsRead, {
      dataDir: join(nowhere, 'data'),
      runtimeDir: temporaryFolder('run'),
      flags: { port: line.url, type: 'jbd', ...more },
    });
    assert.equal(got.status, 0, got.error?.message);
    assert.equal(got.records.length, 1);
    assert.match(got.log.join('\n'), /no names of devices and vehicles/);
  }
});
