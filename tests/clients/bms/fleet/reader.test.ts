import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ReaderMeans, registryReader } from '../../../../src/clients/bms/fleet/reader.ts';
import type { Device } from '../../../../src/registry/device.ts';
import { systemClock } from '../../../../src/runtime/clock.ts';
import { dalyDevice } from '../../../../src/simulators/bms/daly.ts';
import type { SerialDevice } from '../../../../src/simulators/bms/device.ts';
import { jbdDevice } from '../../../../src/simulators/bms/jbd.ts';
import { createPack, type PackOptions } from '../../../../src/simulators/bms/pack.ts';
import { type BoardOptions, startBoard, startDaly, startJbd } from '../../../support/bms-line.ts';
import { lockedModule } from '../locked-module.ts';

const signal = new AbortController().signal;
const host = {
  clock: systemClock,
  signal,
  log: { debug() {}, info() {}, warn() {}, error() {}, lost() {}, recovered() {} },
  lock: async () => async () => {},
};
const means: ReaderMeans = { retries: 1, readTimeout: 150 };

const deviceAt = (port: string, more: Partial<Device> = {}): Device => ({
  port,
  friendly_name: 'Pack',
  status: 'configured',
  discovered_at: '2026-03-01T12:00:00.000Z',
  polling_interval: 10,
  connection_config: { retry_attempts: 1, retry_interval: 1, reconnection_delay: 1 },
  ...more,
});

/** A reader of one pack. */
function readerOf() {
  const read = registryReader(host, () => means, undefined);
  return (device: Device) => read(device, { device_id: 'pack', device_name: 'Pack' }, signal);
}

test('a board that answers to another number is read the same way in each round, without asking again', async (t) => {
  const { line } = await startDaly(t, { board: 4 });
  const read = readerOf();
  const device = deviceAt(line.url, { device_type: 'DALY' });
  assert.equal((await read(device)).cell_count, 16);
  const before = line.requests().length;
  assert.equal((await read(device)).cell_count, 16);
  const again = line.requests().slice(before);
  assert.ok(
    again.every((request) => request.startsWith('a543')),
    again.join(' '),
  );
});

/** A Daly board, and its page of balancing: how often it was asked for, and whether the board knows it. */
async function pagedDaly(t: TestContext, isKnown: boolean) {
  const page = { asked: 0, isKnown };
  const { line } = await startBoard(t, (pack) => {
    const board = dalyDevice(pack, { dialect: 'a5', board: 1, stale: false });
    return {
      receive: (bytes) =>
        board.receive(bytes).map((answer) => {
          if (answer.request[2] !== 0x97) return answer;
          page.asked++;
          return page.isKnown ? answer : { ...answer, frames: [] };
        }),
    };
  });
  return { line, page };
}

test('a page that the firmware does not know is left out after three rounds, and asked for again when the device comes back', async (t) => {
  const { line, page } = await pagedDaly(t, false);
  const read = readerOf();
  const device = deviceAt(line.url, { device_type: 'DALY' });
  for (let round = 0; round < 5; round++) assert.ok(!('balancing' in (await read(device))));
  assert.equal(page.asked, 3);
  line.fault({ kind: 'silence', times: 1 });
  await assert.rejects(read(device));
  await read(device);
  assert.equal(page.asked, 4);
});

test('a page that was answered once is asked for in each round after a failed one too, not given up after three', async (t) => {
  const { line, page } = await pagedDaly(t, true);
  const read = readerOf();
  const device = deviceAt(line.url, { device_type: 'DALY' });
  await read(device);
  line.fault({ kind: 'silence', times: 1 });
  await assert.rejects(read(device));
  page.isKnown = false;
  const before = page.asked;
  for (let round = 0; round < 5; round++) await read(device);
  assert.equal(page.asked - before, 5);
});

test('another type or port in the registry holds from the next reading on', async (t) => {
  const read = readerOf();
  const jbd = await startJbd(t);
  const daly = await startDaly(t);
  const device = deviceAt(jbd.line.url);
  assert.equal((await read(device)).device_type, 'jbd');
  device.device_type = 'JBD';
  assert.equal((await read(device)).device_type, 'jbd');
  assert.equal((await read({ ...device, port: daly.line.url, device_type: 'DALY-A5' })).device_type, 'daly');
  assert.equal((await read(deviceAt(jbd.line.url))).device_type, 'jbd', 'nothing said: found out');
});

test('what fails is found out anew: another dialect on the same port', async (t) => {
  const read = readerOf();
  const speaking = (dialect: 'a5' | 'd2') =>
    dalyDevice(createPack({}, systemClock), { dialect, board: 1, stale: false });
  let far = speaking('a5');
  const { line } = await startBoard(t, () => ({ receive: (bytes) => far.receive(bytes) }));
  const device = deviceAt(line.url, { device_type: 'DALY', board: 1 });
  await read(device);
  far = speaking('d2');
  await assert.rejects(read(device));
  assert.equal((await read(device)).device_type, 'daly');
});

test('a locked JBD module gets the password of bms.password, with its own address', async () => {
  const sent: string[] = [];
  const far = lockedModule(sent);
  const read = registryReader(
    host,
    () => ({ ...means, password: '123123' }),
    async () => far.wire,
  );
  const { port: _, ...rest } = deviceAt('', { mac_address: far.wire.name, device_type: 'JBD' });
  assert.equal((await read(rest, { device_id: far.wire.name, device_name: 'House' }, signal)).voltage, 13.34);
  assert.equal(far.open(), 0);
});

test('how patiently it asks is what holds at the moment (HAWK-11, HAWK-112)', async (t) => {
  const { line } = await startJbd(t, { faults: [{ kind: 'silence' }] });
  const now = { retries: 1, readTimeout: 60 };
  const read = registryReader(host, () => now, undefined);
  const device = deviceAt(line.url, { device_type: 'JBD' });
  const asked = async (): Promise<number> => {
    const before = line.requests().length;
    await assert.rejects(read(device, { device_id: 'pack', device_name: 'Pack' }, signal));
    return line.requests().length - before;
  };
  const once = await asked();
  now.retries = 4;
  assert.ok((await asked()) > once);
});

test('a password that is changed is given at the next reading, to a module that was read before too', async () => {
  const sent: string[] = [];
  const now: ReaderMeans = { ...means, password: '123123' };
  let far = lockedModule(sent);
  const read = registryReader(
    host,
    () => now,
    async () => far.wire,
  );
  const { port: _, ...device } = deviceAt('', { mac_address: far.wire.name, device_type: 'JBD' });
  const identity = { device_id: far.wire.name, device_name: 'House' };
  await read(device, identity, signal);
  far = lockedModule(sent);
  now.password = '000000';
  await assert.rejects(read(device, identity, signal), /password/);
});

/** A reader of one pack that speaks as `far` does at the moment, and what it says on stderr. */
async function watched(t: TestContext, first: SerialDevice, board: BoardOptions = {}) {
  const log: string[] = [];
  const say = (text: string): void => void log.push(text);
  const read = registryReader({ ...host, log: { ...host.log, info: say, warn: say } }, () => means, undefined);
  const now = { far: first };
  const { line } = await startBoard(t, () => ({ receive: (bytes) => now.far.receive(bytes) }), board);
  return {
    log,
    now,
    read: (device: Partial<Device>) =>
      read(deviceAt(line.url, device), { device_id: 'pack', device_name: 'Pack' }, signal),
  };
}

const daly = (options: PackOptions): SerialDevice =>
  dalyDevice(createPack(options, systemClock), { dialect: 'a5', board: 1, stale: false });

test('what is odd about a pack is said with its first reading, not with each, and that it is over', async (t) => {
  const { log, now, read } = await watched(t, daly({ temperatures: [21, -40] }));
  for (let round = 0; round < 3; round++) await read({ device_type: 'DALY-A5' });
  assert.deepEqual(
    log.map((line) => line.replace(/^\S+ /, '')),
    ['temperature sensor 2 is missing'],
  );
  now.far = daly({ temperatures: [21, 22] });
  for (let round = 0; round < 2; round++) await read({ device_type: 'DALY-A5' });
  assert.deepEqual(
    log.slice(1).map((line) => line.replace(/^\S+ /, '')),
    ['no longer: temperature sensor 2 is missing'],
  );
});

test('another number of cells is said, once, though each reading has a connection of its own', async (t) => {
  const jbd = (cells: number): SerialDevice => jbdDevice(createPack({ cells }, systemClock));
  const { log, now, read } = await watched(t, jbd(8));
  await read({ device_type: 'JBD' });
  now.far = jbd(4);
  for (let round = 0; round < 3; round++) assert.equal((await read({ device_type: 'JBD' })).cell_count, 4);
  assert.deepEqual(
    log.map((line) => line.replace(/^\S+ /, '')),
    ['it had 8 cells, now it has 4: is this another battery?'],
  );
});

test('another master is told once as long as it asks', async (t) => {
  const { log, read } = await watched(t, jbdDevice(createPack({}, systemClock)), { faults: [{ kind: 'master' }] });
  for (let round = 0; round < 4; round++) await read({ device_type: 'JBD' }).catch(() => {});
  assert.equal(log.filter((line) => line.includes('another master asks on this bus')).length, 1);
});
