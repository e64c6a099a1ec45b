import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { Noble, Peripheral } from '../../../src/transports/ble/child-noble.ts';
import { createRadio } from '../../../src/transports/ble/child-radio.ts';
import type { FromChild, Request } from '../../../src/transports/ble/messages.ts';
import { settle } from '../../support/clock.ts';

const id = '50:54:7B:00:00:02';

/** A stack of Bluetooth that answers when the test says so. */
function stack() {
  const calls: string[] = [];
  const open: { resolve(): void; reject(error: Error): void }[] = [];
  const said: FromChild[] = [];
  const call = (what: string): Promise<void> => {
    calls.push(what);
    return new Promise((resolve, reject) => open.push({ resolve, reject }));
  };
  const events = new EventEmitter();
  const noble = Object.assign(events, {
    startScanningAsync: () => call('scan'),
    stopScanningAsync: () => call('stop'),
  }) as unknown as Noble;
  const device = Object.assign(new EventEmitter(), {
    id,
    address: id.toLowerCase(),
    connectable: true,
    rssi: -60,
    state: 'disconnected',
    mtu: null,
    advertisement: {},
    connectAsync() {
      device.state = 'connecting';
      return call('connect');
    },
    cancelConnect: () => calls.push('cancel'),
    disconnectAsync() {
      device.state = 'disconnected';
      return call('disconnect');
    },
    discoverServicesAsync: () => call('discover'),
  });
  const radio = createRadio(noble, (message) => said.push(message));
  return {
    radio,
    calls,
    said,
    device,
    appear: (address = device.address) =>
      events.emit('discover', Object.assign(device, { address }) as unknown as Peripheral),
    /** The oldest open question is answered. */
    async answer(): Promise<void> {
      await settle();
      open.shift()!.resolve();
      await settle();
    },
    async refuse(reason: string): Promise<void> {
      await settle();
      open.shift()!.reject(new Error(reason));
      await settle();
    },
  };
}

const connecting: Request = { do: 'connect', id, gatt: [], find: 5000, connect: 5000, step: 5000 };

test('no connection is begun when it is told to stop while its scan ends, and the scan stays off', async () => {
  const { radio, calls, appear, answer } = stack();
  const connected = radio.handle(connecting);
  const refused = assert.rejects(connected, /told to stop/);
  await answer();
  appear();
  await settle();
  assert.deepEqual(calls, ['scan', 'stop']);
  const ended = radio.end();
  await answer();
  await refused;
  await answer();
  await ended;
  assert.deepEqual(calls, ['scan', 'stop', 'stop']);
});

test('its end waits for what the controller answers last, and takes back a connection that came about meanwhile', async () => {
  const { radio, calls, device, appear, answer } = stack();
  void radio.handle(connecting).catch(() => {});
  await answer();
  appear();
  await answer();
  assert.deepEqual(calls, ['scan', 'stop', 'connect']);
  let over = false;
  const ended = radio.end().then(() => {
    over = true;
  });
  await settle();
  assert.deepEqual(calls.slice(3), ['cancel', 'stop']);
  assert.equal(over, false);
  // The cancellation came too late.
  device.state = 'connected';
  await answer();
  await answer();
  assert.equal(calls.at(-1), 'disconnect');
  await answer();
  await ended;
});

test('who stops searching ends the scan of nobody else; it is on as long as one wants it (HAWK-57)', async () => {
  const { radio, calls, said, appear, answer } = stack();
  const search = radio.handle({ do: 'scan' });
  await answer();
  await search;
  const connected = radio.handle(connecting);
  void connected.catch(() => {});
  await radio.handle({ do: 'stop' });
  assert.deepEqual(calls, ['scan'], 'the other one still looks for its device');
  appear();
  await answer();
  await radio.handle({ do: 'scan' });
  assert.deepEqual(calls, ['scan', 'stop', 'connect'], 'controllers refuse to connect while they scan');
  assert.deepEqual(
    said.filter(({ say }) => say === 'scanning'),
    [
      { say: 'scanning', on: true },
      { say: 'scanning', on: false },
    ],
  );
});

test('a connection that stands is answered though the scan of another cannot begin again; that is told by itself', async () => {
  const { radio, calls, said, device, appear, answer, refuse } = stack();
  const search = radio.handle({ do: 'scan' });
  await answer();
  await search;
  const characteristics = [
    { uuid: 'fff4', properties: ['notify'], on: () => {}, subscribeAsync: async () => {} },
    { uuid: 'fff3', properties: ['write'] },
  ];
  const services = [{ uuid: 'fff0', discoverCharacteristicsAsync: async () => characteristics }];
  Object.assign(device, { discoverServicesAsync: async () => services });
  appear();
  const gatt = [{ service: 'fff0', notify: 'fff4', write: 'fff3', writeType: 'as-offered' as const }];
  const connected = radio.handle({ ...connecting, gatt });
  await answer();
  device.state = 'connected';
  await answer();
  assert.deepEqual(calls, ['scan', 'stop', 'connect', 'scan'], 'nobody has answered the last');
  assert.deepEqual(await connected, { gatt: 0 });
  await refuse('no');
  assert.deepEqual(said.at(-1), { say: 'doubt', reason: 'start to scan: no' });
});

test('what is seen while only a device is looked for counts as well, each address once', async () => {
  const { radio, said, appear, answer } = stack();
  const unseen = assert.rejects(radio.handle({ ...connecting, find: 200 }), /not seen/);
  await answer();
  for (const last of ['10', '11', '10', '12']) appear(`50:54:7b:00:00:${last}`);
  assert.deepEqual(
    said.filter(({ say }) => say === 'known'),
    [1, 2, 3].map((addresses) => ({ say: 'known', addresses })),
  );
  await unseen;
  await answer();
});
