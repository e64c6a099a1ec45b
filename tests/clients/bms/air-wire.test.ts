import assert from 'node:assert/strict';
import { test } from 'node:test';
import { airWire } from '../../../src/clients/bms/air-wire.ts';
import type { Bluetooth } from '../../../src/clients/bms/bluetooth.ts';
import { codecsFor } from '../../../src/protocols/bms/index.ts';
import type { Adapter } from '../../../src/transports/ble/adapter.ts';
import type { Sighting } from '../../../src/transports/ble/messages.ts';
import { testBle } from '../../support/bluetooth.ts';

/** A device that has the first service that it is asked for, and advertises this name. */
function called(name: string) {
  const sighting: Sighting = {
    id: 'C2:00:00:00:00:77',
    address: 'C2:00:00:00:00:77',
    name,
    services: [],
    manufacturerData: [],
    connectable: true,
    at: 0,
  };
  const adapter = { connect: async () => ({ gatt: 0, close: async () => {} }) } as unknown as Adapter;
  const bluetooth = { use: async (work: (one: Adapter) => unknown) => work(adapter) } as unknown as Bluetooth;
  const { clock, log, signal } = testBle();
  return airWire(bluetooth, sighting.id, 1000, { clock, log, signal }, sighting);
}

test('a name with control characters in it puts its family first, as it does for a scan', async () => {
  const monitors = codecsFor('auto', 'gatt').filter(({ name }) => name.startsWith('bm'));
  for (const name of ['BM300 Pro', 'BM300 Pro\u0000\u0000', '\u202eBM300 Pro ']) {
    const candidates = await called(name).narrow!(monitors);
    assert.equal(candidates[0]?.name, 'bm7', JSON.stringify(name));
    assert.equal(candidates.length, monitors.length);
  }
});
