import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bluetooth } from '../../src/clients/bms/bluetooth.ts';
import { readAll } from '../../src/commands/ble-scan-connect.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Adapter } from '../../src/transports/ble/adapter.ts';
import { lockedModule } from '../clients/bms/locked-module.ts';

test('--connect reads a locked JBD module with the password', async () => {
  const far = lockedModule([]);
  const { name: address } = far.wire;
  const adapter = { name: 'test', connect: async () => ({ ...(await far.wire.connect({} as never)), gatt: 0 }) };
  const held = adapter as unknown as Adapter;
  const bluetooth = {
    hold: async () => ({ adapter: held, release: async () => {} }),
    use: (work: (adapter: Adapter) => Promise<unknown>) => work(held),
  } as unknown as Bluetooth;
  const ctx = {
    clock: systemClock,
    signal: new AbortController().signal,
    log: { debug() {}, info() {}, warn() {}, error() {}, lost() {}, recovered() {} },
    opts: { connectionTimeout: 1000 },
  };
  const sighting = {
    id: address,
    address,
    name: 'JBD-SP',
    services: ['ff00'],
    manufacturerData: [],
    connectable: true,
  };
  const records: VoltRecord[] = [];
  for await (const record of readAll(ctx, bluetooth, [sighting as never], (id) =>
    id === address ? '123123' : undefined,
  ))
    records.push(record);
  assert.equal(records[0]?.voltage, 13.34);
});
