import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bluetooth } from '../../src/clients/bms/bluetooth.ts';
import { readAll } from '../../src/commands/ble-scan-connect.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Adapter } from '../../src/transports/ble/adapter.ts';
import type { LinkFailure } from '../../src/transports/link.ts';
import { lockedModule } from '../clients/bms/locked-module.ts';
import { bytesOf, vectorsOf } from '../support/bms-vectors.ts';

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

test('--connect puts out the engine start that a monitor told of before it could not be read', async () => {
  const [recorded] = vectorsOf('bm6').filter(({ expect }) => expect.pushed);
  const address = '50:54:7B:00:00:02';
  let hungUp: (failure: LinkFailure) => void = () => {};
  let hear: (bytes: Buffer) => void = () => {};
  const link = {
    name: address,
    gatt: 0,
    closed: new Promise((resolve) => {
      hungUp = resolve;
    }),
    onData(fn: typeof hear) {
      hear = fn;
    },
    async send() {
      for (const block of recorded!.exchanges[0]!.response) hear(bytesOf(block));
      hungUp({ kind: 'closed', reason: 'it hung up' });
    },
    async close() {},
  };
  const held = { name: 'test', connect: async () => link } as unknown as Adapter;
  const bluetooth = {
    hold: async () => ({ adapter: held, release: async () => {} }),
    use: (work: (adapter: Adapter) => Promise<unknown>) => work(held),
  } as unknown as Bluetooth;
  const warnings: string[] = [];
  const ctx = {
    clock: systemClock,
    signal: new AbortController().signal,
    log: { debug() {}, info() {}, warn: (line: string) => warnings.push(line), error() {}, lost() {}, recovered() {} },
    opts: { connectionTimeout: 1000 },
  };
  const beacon = '4c0002153ba29cd9a42c894856badaf2606ef7770000000000';
  const sighting = { id: address, address, name: 'BM6', services: [], manufacturerData: [beacon], connectable: true };
  const records: VoltRecord[] = [];
  await assert.rejects(async () => {
    for await (const record of readAll(ctx as never, bluetooth, [sighting as never])) records.push(record);
  }, /no monitor could be read/);
  assert.match(warnings.join(), /it hung up/);
  assert.deepEqual(
    records.map(({ type, device_id }) => [type, device_id]),
    [['engine_start', address]],
  );
});
