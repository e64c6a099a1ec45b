import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDevice, readDevice, type Target } from '../../../src/clients/bms/device.ts';
import { tapped } from '../../../src/clients/bms/tap.ts';
import { codecsOf } from '../../../src/protocols/bms/index.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { CommandError } from '../../../src/runtime/exit.ts';
import { lockedModule, recorded } from './locked-module.ts';

const host = () => {
  const log = { debug() {}, info() {}, warn() {}, error() {}, lost() {}, recovered() {} };
  return { clock: systemClock, signal: new AbortController().signal, log };
};

const targetOf = (wire: Target['wire'], password?: string): Target => ({
  wire,
  candidates: codecsOf('jbd'),
  options: { address: recorded.address!, ...(password !== undefined && { password }) },
  retries: 1,
  readTimeout: 200,
  identity: { device_id: recorded.address!, device_name: 'House', vehicle_id: 'vehicle_1' },
});

test('a JBD module gets its password before anything is asked, and is read; the records carry the identity', async () => {
  const sent: string[] = [];
  const far = lockedModule(sent);
  const reading = await readDevice(targetOf(far.wire, '123123'), host());
  assert.deepEqual(
    sent.slice(0, 3),
    recorded.exchanges.slice(0, 3).map(({ request }) => request),
  );
  assert.equal(reading.voltage, 13.34);
  assert.equal(reading.device_id, recorded.address);
  assert.equal(reading.device_name, 'House');
  assert.equal(reading.vehicle_id, 'vehicle_1');
  assert.equal(reading.device_type, 'jbd');
  assert.equal(far.open(), 0, 'the link is closed');
});

test('a wrong password ends with 77, and the link is closed', async () => {
  const far = lockedModule([]);
  await assert.rejects(openDevice(targetOf(far.wire, '000000'), host()), (error: CommandError) => {
    assert.ok(error instanceof CommandError);
    assert.equal(error.status, 77);
    assert.match(error.message, /the password is wrong/);
    return true;
  });
  assert.equal(far.open(), 0);
});

test('a module that stays silent for want of a password is told so', async () => {
  const far = lockedModule([]);
  await assert.rejects(readDevice(targetOf(far.wire), host()), (error: CommandError) => {
    assert.equal(error.status, 69);
    assert.match(`${error.next}`, /stays silent until it gets its password: --password-file/);
    return true;
  });
  assert.equal(far.open(), 0);
});

test('of the password not a byte is shown among the bytes that pass', async () => {
  const sent: string[] = [];
  const shown: string[] = [];
  const far = lockedModule(sent);
  const wire = tapped(far.wire, 'house', systemClock, ({ direction, bytes }) => {
    if (direction === 'sent') shown.push(bytes as string);
  });
  await readDevice(targetOf(wire, '123123'), host());
  assert.match(sent[2]!, /^ffaa18/);
  assert.deepEqual(
    shown,
    sent.map((bytes, n) => (n === 2 ? '*'.repeat(bytes.length) : bytes)),
  );
});

test('a module that rejects the app key says so, instead of silence', async () => {
  const introduction = recorded.exchanges[0]!.request!;
  const far = lockedModule([], new Map([[introduction, ['ffaa15010117']]]));
  await assert.rejects(readDevice(targetOf(far.wire, '123123'), host()), (error: CommandError) => {
    assert.equal(error.status, 76);
    assert.match(error.message, /app key of the Bluetooth module: it is rejected/);
    return true;
  });
  assert.equal(far.open(), 0);
});

test('silence on a wire is no reason to ask for the password of a Bluetooth module; nor is it when one was given', async () => {
  for (const options of [{}, { address: recorded.address!, password: '123123' }]) {
    const far = lockedModule([], new Map(recorded.exchanges.map(({ request }) => [request!, []])));
    await assert.rejects(readDevice({ ...targetOf(far.wire), options }, host()), (error: CommandError) => {
      assert.equal(error.status, 69);
      assert.match(`${error.next}`, /Is it awake, and are the wires right/);
      return true;
    });
  }
});

test('--fallback is for what no answer tells: a port that is not there stays the fault that it is', async () => {
  const wire: Target['wire'] = {
    name: '/dev/ttyNone',
    kind: () => 'serial',
    connect: () => Promise.reject(new CommandError(69, '/dev/ttyNone: no such port')),
  };
  const target = { ...targetOf(wire), candidates: codecsOf('auto'), fallback: codecsOf('jbd')[0] };
  await assert.rejects(openDevice(target, host()), /no such port/);
});
