import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDevice, readDevice, type Target } from '../../../src/clients/bms/device.ts';
import { codecsOf } from '../../../src/protocols/bms/index.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { CommandError } from '../../../src/runtime/exit.ts';
import type { Link } from '../../../src/transports/link.ts';
import { bytesOf, vectorsOf } from '../../support/bms-vectors.ts';

const recorded = vectorsOf('jbd').find(({ name }) => name === 'jbd-auth-flow-213ah')!;

/** A Bluetooth link to the recorded module: silent until it has had the right password, as the real one is. */
function lockedModule(log: string[]) {
  let listener: (bytes: Buffer) => void = () => {};
  let over: () => void = () => {};
  let unlocked = false;
  let open = 0;
  const answers = new Map(recorded.exchanges.map(({ request, response }) => [request, response]));
  const link: Link = {
    name: recorded.address!,
    closed: new Promise((resolve) => {
      over = () => resolve(undefined);
    }),
    onData(fn) {
      listener = fn;
    },
    async send(bytes) {
      const request = Buffer.from(bytes).toString('hex');
      log.push(request);
      if (request.startsWith('dd') && !unlocked) return;
      const wrong = request.startsWith('ffaa18') && !answers.has(request);
      if (request.startsWith('ffaa18')) unlocked = !wrong;
      for (const chunk of wrong ? ['ffaa1801011a'] : (answers.get(request) ?? [])) {
        setImmediate(() => listener(bytesOf(chunk)));
      }
    },
    async close() {
      open--;
      over();
    },
  };
  return {
    wire: {
      name: recorded.address!,
      kind: () => 'ble',
      async connect() {
        open++;
        return link;
      },
    },
    open: () => open,
  };
}

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
