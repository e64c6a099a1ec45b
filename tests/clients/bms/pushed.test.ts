import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { openDevice } from '../../../src/clients/bms/device.ts';
import { poll } from '../../../src/clients/bms/polling.ts';
import { ciphers } from '../../../src/protocols/bms/bm-cipher.ts';
import type { Codec } from '../../../src/protocols/bms/codec.ts';
import { codecsOf } from '../../../src/protocols/bms/index.ts';
import type { VoltRecord } from '../../../src/records/record.ts';
import type { Log } from '../../../src/runtime/log.ts';
import type { Link, LinkFailure } from '../../../src/transports/link.ts';
import { bytesOf, vectorsOf } from '../../support/bms-vectors.ts';
import { fakeClock, settle } from '../../support/clock.ts';

const [recorded] = vectorsOf('bm6').filter(({ expect }) => expect.pushed);
const blocks = recorded!.exchanges[0]!.response.map(bytesOf);
const live = ciphers.bm6.encrypt(bytesOf('d1550700170064053c0000000102ffff'));
const start = '2026-03-01T12:00:00.000Z';

/** A BM6 whose answers the test gives. */
function setUp(codec: Codec = codecsOf('bm6')[0]!) {
  const clock = fakeClock(start);
  const stop = new AbortController();
  const said: string[] = [];
  const say = (message: string): void => void said.push(message);
  const log: Log = { debug() {}, info() {}, warn: say, error: say, lost: (_, message) => say(message), recovered() {} };
  let sent = 0;
  let open = 0;
  let listener: (bytes: Buffer) => void = () => {};
  let over: (failure: LinkFailure | undefined) => void = () => {};
  const told: VoltRecord[] = [];
  const connect = async (): Promise<Link> => {
    open++;
    return {
      name: 'test',
      closed: new Promise((resolve) => {
        over = resolve;
      }),
      onData(fn) {
        listener = fn;
      },
      async send() {
        sent++;
      },
      async close() {
        open--;
        over(undefined);
      },
    };
  };
  return {
    clock,
    stop,
    said,
    told,
    host: { clock, log, signal: stop.signal, alive() {}, unready() {} },
    target: {
      wire: { name: 'test', kind: () => '', connect },
      candidates: [codec],
      options: {},
      retries: 2,
      identity: { device_id: '50:54:7B:00:00:02', vehicle_id: 'vehicle_1' },
      onPushed: (record: VoltRecord): void => void told.push(record),
    },
    comes: (...chunks: readonly Buffer[]): void => {
      for (const chunk of chunks) listener(chunk);
    },
    breaks: (failure: LinkFailure): void => over(failure),
    sent: () => sent,
    open: () => open,
  };
}

test('an engine start that comes unasked is a record of its own, with the identity of the device and the time when it began', async () => {
  const { clock, host, target, told, comes } = setUp();
  await openDevice(target, host);
  await clock.advance(60_000);
  comes(blocks[0]!);
  await clock.advance(1000);
  comes(...blocks.slice(1));
  const [{ voltages, ...record } = { voltages: [] }, ...others] = told as (VoltRecord & { voltages: number[] })[];
  assert.deepEqual(others, []);
  assert.equal(voltages.length, 352);
  assert.deepEqual(record, {
    type: 'engine_start',
    time: '2026-03-01T12:00:56.480Z',
    device_id: '50:54:7B:00:00:02',
    vehicle_id: 'vehicle_1',
    device_type: 'bm6',
    cranking_voltage: 11.27,
    voltage_before: 13.17,
    voltage_after: 13.41,
    sample_rate: 100,
  });
});

test('nothing is asked while the device tells of a start, and nothing is lost', async () => {
  const { clock, host, target, told, comes, sent } = setUp();
  const device = await openDevice(target, host);
  comes(...blocks.slice(0, 10));
  const reading = device.read();
  await clock.advance(2500);
  assert.equal(sent(), 0);
  comes(...blocks.slice(10));
  await clock.advance(1000);
  assert.equal(sent(), 1);
  comes(live);
  assert.equal((await reading).voltage, 13.4);
  assert.equal(told.length, 1);
});

test('a start in the middle of a question delays its answer and is no silence', async () => {
  const { clock, host, target, told, comes, sent } = setUp();
  const device = await openDevice(target, host);
  const reading = device.read();
  await clock.advance(100);
  assert.equal(sent(), 1);
  for (const block of blocks) {
    comes(block);
    await clock.advance(200);
  }
  assert.equal(sent(), 1, 'it spoke all the time');
  comes(live);
  assert.equal((await reading).voltage, 13.4);
  assert.equal(told.length, 1);
});

test('a device that tells something again and again, but answers nothing, is asked again, and is silent in the end', async () => {
  const bm6 = codecsOf('bm6')[0]!;
  const pushed = { what: 'note', accepts: () => true, decode: () => ({ type: 'mine', age: 0, fields: {} }) };
  const { clock, host, target, told, comes, sent } = setUp({ ...bm6, pushed });
  const device = await openDevice({ ...target, retries: 2, readTimeout: 500 }, host);
  let failure: Error | undefined;
  void device.info().catch((error: Error) => {
    failure = error;
  });
  await clock.advance(100);
  const asked: number[] = [];
  for (let n = 0; n < 100 && !failure; n++) {
    comes(bytesOf(recorded!.exchanges[0]!.response[0]!));
    await clock.advance(300);
    asked.push(sent());
  }
  assert.match(failure?.message ?? 'still waiting', /no answer/);
  assert.deepEqual([...new Set(asked)], [1, 2]);
  assert.ok(told.length > 30, 'and nothing of it is lost');
});

test('what is told without an end is given up after half a minute, and asked for is what was to be asked', async () => {
  const { clock, host, target, told, said, comes, sent } = setUp();
  const device = await openDevice(target, host);
  comes(blocks[0]!);
  const reading = device.read();
  for (let n = 0; n < 30 && sent() === 0; n++) {
    await clock.advance(2000);
    comes(blocks[1]!);
    await settle();
  }
  assert.equal(sent(), 1);
  comes(live);
  assert.equal((await reading).voltage, 13.4);
  assert.deepEqual([told, said], [[], ['test: engine start: broken off after 16 frames']]);
});

test('a start is told that comes while it is still sought what the device is, and one that goes on beyond that as well', async () => {
  const { clock, host, target, told, said, comes, sent } = setUp();
  const opening = openDevice({ ...target, candidates: [...codecsOf('bm6'), ...codecsOf('bm7')] }, host);
  await clock.advance(100);
  assert.equal(sent(), 1);
  comes(...blocks);
  comes(...blocks.slice(0, 10), live);
  const device = await opening;
  assert.equal(device.codec.name, 'bm6');
  comes(...blocks.slice(10));
  assert.deepEqual(
    told.map(({ type, device_type }) => [type, device_type]),
    [
      ['engine_start', 'bm6'],
      ['engine_start', 'bm6'],
    ],
  );
  assert.deepEqual(said, []);
});

test('a start in the middle of a search that is not answered is heard to its end before the next question', async () => {
  const { clock, host, target, told, said, comes, sent } = setUp();
  const opening = openDevice({ ...target, candidates: [...codecsOf('bm6'), ...codecsOf('bm7')] }, host);
  void opening.catch(() => {});
  await clock.advance(100);
  for (let n = 0; n < 10; n++) {
    comes(blocks[n]!);
    await clock.advance(2000);
  }
  assert.equal(sent(), 1);
  comes(...blocks.slice(10));
  await clock.advance(1000);
  assert.ok(sent() > 1);
  assert.equal(told.length, 1);
  assert.deepEqual(said, []);
  await clock.advance(60_000);
});

test('a start that is broken off is given up, said, and holds up nobody', async () => {
  const { clock, host, target, told, said, comes, sent } = setUp();
  const device = await openDevice(target, host);
  comes(...blocks.slice(0, 10));
  const reading = device.read();
  await clock.advance(4000);
  assert.equal(sent(), 1);
  comes(live);
  assert.equal((await reading).voltage, 13.4);
  assert.deepEqual([told, said], [[], ['test: engine start: broken off after 10 frames']]);
  comes(...blocks);
  assert.equal(told.length, 1, 'the next one is whole');
});

test('a device is not hung up on in the middle of a start, unless the run is stopped', async () => {
  for (const isStopped of [false, true]) {
    const { host, target, told, comes, open, stop } = setUp();
    const device = await openDevice(target, host);
    comes(...blocks.slice(0, 10));
    const closing = device.close();
    await settle();
    assert.equal(open(), 1);
    if (isStopped) stop.abort();
    else comes(...blocks.slice(10));
    await closing;
    assert.deepEqual([open(), told.length], [0, isStopped ? 0 : 1]);
  }
});

test('a start whose link breaks is said, and what makes no sense as well', async () => {
  const { host, target, said, comes, breaks } = setUp();
  await openDevice(target, host);
  comes(ciphers.bm6.encrypt(bytesOf('d1550301047502e40000fffffefffefe')));
  comes(blocks[0]!);
  breaks({ kind: 'closed', reason: 'hung up' });
  await settle();
  assert.deepEqual(said, [
    'test: engine start: it makes no sense: an engine start without samples',
    'test: engine start: broken off after 1 frames',
  ]);
});

test('with an interval a start is put out when it comes, not with the next reading', async () => {
  const { clock, host, target, comes, stop, sent } = setUp();
  const records: VoltRecord[] = [];
  const running = (async () => {
    const device = async (one: Parameters<Parameters<typeof poll>[3]>[0]) => [await one.read()];
    for await (const record of poll(target, 60_000, host, device)) records.push(record);
  })();
  await clock.advance(100);
  assert.equal(sent(), 1);
  comes(live);
  await clock.advance(10_000);
  comes(...blocks);
  await settle();
  assert.deepEqual(
    records.map(({ type }) => type),
    ['battery_reading', 'engine_start'],
  );
  await clock.advance(50_000);
  assert.equal(sent(), 2, 'the pace is what it was');
  comes(live, ...blocks);
  stop.abort();
  await running;
  assert.deepEqual(
    records.map(({ type }) => type),
    ['battery_reading', 'engine_start', 'battery_reading', 'engine_start'],
  );
});

test('a start that comes while a reading is being taken is put out behind it, and not only when the interval is over', async () => {
  const { clock, host, target, comes, stop } = setUp();
  const round = poll(target, 60_000, host, async (one) => [await one.read()]);
  const first = round.next();
  await clock.advance(100);
  comes(live);
  assert.equal((await first).value?.type, 'battery_reading');
  const rest = round.next();
  await settle();
  comes(blocks[0]!, ...blocks.slice(1));
  assert.equal((await rest).value?.type, 'engine_start');
  comes(...blocks);
  let next: VoltRecord | undefined;
  void round.next().then(({ value }) => {
    next = value as VoltRecord;
  });
  await settle();
  assert.equal(next?.type, 'engine_start');
  stop.abort();
  await round.return();
});

test('a round leaves nothing behind at the signal of the run', async (t) => {
  const { clock, host, target, stop } = setUp();
  const any = t.mock.method(AbortSignal, 'any');
  let rounds = 0;
  const running = (async () => {
    const work = async (): Promise<VoltRecord[]> => {
      rounds++;
      return [];
    };
    for await (const _ of poll(target, 1000, host, work)) {
      // There are none.
    }
  })();
  await clock.advance(50_000);
  assert.ok(rounds > 40);
  assert.equal(getEventListeners(stop.signal, 'abort').length, 1, 'that of the pause');
  assert.equal(any.mock.callCount(), 0, 'a signal that is derived from another stays with it');
  assert.equal(clock.waiting, 1);
  stop.abort();
  await running;
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
  assert.equal(clock.waiting, 0);
});

test('a codec of one frame an event needs no more than accepts and decode', async () => {
  const bm6 = codecsOf('bm6')[0]!;
  const codec: Codec = {
    ...bm6,
    pushed: {
      what: 'version',
      accepts: ({ code }) => code === 1,
      decode: () => ({ type: 'mine', age: 0, fields: { value: 7 } }),
    },
  };
  const { host, target, told, comes } = setUp(codec);
  await openDevice(target, host);
  comes(ciphers.bm6.encrypt(bytesOf('d1550101080005')));
  assert.equal(told[0]?.['value'], 7);
});
