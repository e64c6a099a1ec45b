import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bluetooth } from '../../src/clients/bms/bluetooth.ts';
import { airOfFleet } from '../../src/commands/bms-read-air.ts';
import { CommandError } from '../../src/runtime/exit.ts';
import { NoAdapter } from '../../src/transports/ble/preflight.ts';
import { testBle } from '../support/bluetooth.ts';

const bm6 = {
  id: '50:54:7B:00:00:02',
  address: '50:54:7B:00:00:02',
  name: 'BM6',
  services: ['fff0'],
  manufacturerData: [],
  connectable: true,
  at: 0,
};

test('a search takes as long as discovery.scan_duration says at the moment, and gives the monitors that it saw (HAWK-11, HAWK-56)', async () => {
  const ctx = testBle();
  const lengths: number[] = [];
  const bluetooth: Pick<Bluetooth, 'scan'> = {
    async scan(ms, onSeen) {
      lengths.push(ms);
      onSeen(bm6);
      onSeen({ ...bm6, id: '00:00:00:00:00:01', address: '00:00:00:00:00:01', name: 'a lamp', services: [] });
    },
  };
  const settings = { connectionTimeout: 30_000, scanDuration: 10_000 };
  const { scan } = airOfFleet(ctx, bluetooth as Bluetooth, () => settings);
  assert.deepEqual(await scan!(ctx.signal), [{ mac_address: bm6.id }]);
  settings.scanDuration = 3000;
  await scan!(ctx.signal);
  assert.deepEqual(lengths, [10_000, 3000]);
});

test('the way to a device takes what it needs of the command, and makes no data directory', async () => {
  const ctx = {
    ...testBle(),
    get dataDir(): string {
      return assert.fail('a data directory was made');
    },
  };
  const { air } = airOfFleet(ctx, {} as Bluetooth, () => ({ connectionTimeout: 1000, scanDuration: 1000 }));
  assert.equal((await air!(bm6.id, ctx.signal)).name, bm6.id);
});

test('a machine without Bluetooth finds nothing; where an adapter is named, that it is missing is a fault', async () => {
  const ctx = testBle();
  const bluetooth = {
    async scan() {
      throw new NoAdapter();
    },
  } as unknown as Bluetooth;
  const settings = { connectionTimeout: 30_000, scanDuration: 10_000 };
  assert.deepEqual(await airOfFleet(ctx, bluetooth, () => settings).scan!(ctx.signal), []);
  const named = airOfFleet(ctx, bluetooth, () => ({ ...settings, adapter: 'hci3' }));
  await assert.rejects(named.scan!(ctx.signal), (error) => error instanceof CommandError && error.status === 69);
});
