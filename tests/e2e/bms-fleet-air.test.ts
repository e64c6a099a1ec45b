import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { background } from '../support/background.ts';
import { requireService } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

test('a monitor on the air is found, set up and read by one process, and nothing is left behind in the adapter (HAWK-02, HAWK-92, HAWK-95, HAWK-96)', async (t) => {
  if (!requireService(t, 'socat')) return;
  const home = temporaryFolder('air');
  const dataDir = join(home, 'data');
  const env = cleanEnvironment(home, { VOLTPIPE_DATA_DIR: dataDir, BATTERYHAWK_DISCOVERY_SCAN_DURATION: '3' });
  const air = background(['simulate', 'bm6'], env);
  t.after(() => air.stop());
  const { port, device_id: address } = await air.line(({ type }) => type === 'endpoint');
  assert.ok(typeof port === 'string' && typeof address === 'string');

  const fleet = background(['bms-read', '--registry', '--adapter', port], env);
  t.after(() => fleet.stop());
  const found = await fleet.line(({ type }) => type === 'device_status');
  assert.deepEqual([found.device_id, found.status, found.vehicle_name], [address, 'discovered', 'Vehicle 1']);
  const kept = JSON.parse(readFileSync(join(dataDir, 'devices.json'), 'utf8')).devices[address];
  assert.equal(kept.device_type, 'BM6');
  assert.ok(!fleet.lines.some((line) => (line as { type: string }).type === 'battery_reading'));

  const set = await shell(`registry set ${address} friendly_name=Starter polling_interval=2`, { env });
  assert.equal(set.status, 0, set.stderr);
  const reading = await fleet.line(({ type }) => type === 'battery_reading');
  assert.deepEqual([reading.device_name, reading.device_type, reading.vehicle_name], ['Starter', 'bm6', 'Vehicle 1']);
  assert.ok((reading.voltage as number) > 11 && !('current' in reading));
  const summary = await fleet.line(({ type }) => type === 'vehicle_summary');
  assert.equal(summary.lowest_voltage, reading.voltage);
  await fleet.stop();
  const again = await shell(`bms-read --registry --once --no-initial-scan --adapter ${port}`, { env });
  assert.equal(again.status, 0, `the adapter is free again: ${again.stderr}`);
});
