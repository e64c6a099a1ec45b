import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublisher, type Fate, type Job } from '../../../src/clients/mqtt/publisher.ts';
import { MqttFailure } from '../../../src/transports/mqtt/failure.ts';
import { fakeClock } from '../../support/clock.ts';
import { fakeConnection } from './support.ts';

const job = (ordinal: number, more: Partial<Job> = {}): Job => ({
  topic: 't',
  payload: String(ordinal),
  qos: 1,
  retain: false,
  ordinal,
  ...more,
});

function publishing(settings: { window?: number; buffer?: number; waits?: boolean } = {}) {
  const clock = fakeClock();
  const fates: [ordinal: number, fate: Fate][] = [];
  const publisher = createPublisher({
    clock,
    window: settings.window ?? 100,
    buffer: settings.buffer ?? 10,
    waits: () => settings.waits ?? false,
    stall: 30_000,
    onFate: ({ ordinal }, fate) => void fates.push([ordinal, fate]),
  });
  return { clock, fates, publisher };
}

const closed = new MqttFailure('closed', 'closed by the broker');

/** What is the case once everything that is due has run. */
const settle = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(resolve, value));

const payloads = (connection: ReturnType<typeof fakeConnection>): number[] =>
  connection.posted.map(({ payload }) => Number(payload));
const from = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const offerAll = (publisher: ReturnType<typeof createPublisher>, first: number, last: number): void => {
  for (const n of from(first, last)) void publisher.offer(job(n));
};

test('no more are under way than the window and the broker allow, and every acknowledgement lets the next one go', () => {
  for (const [window, receiveMaximum] of [
    [20, 65_535],
    [100, 20],
  ] as const) {
    const { publisher } = publishing({ window });
    const connection = fakeConnection({ receiveMaximum });
    publisher.up(connection, []);
    offerAll(publisher, 1, 50);
    assert.equal(connection.open, 20);
    for (let n = 21; n <= 50; n++) {
      connection.answer(1);
      assert.equal(connection.posted.length, n);
    }
  }
});

test('what was not acknowledged goes again on the next connection, first and in order, before what waited', () => {
  const { publisher, fates } = publishing({ window: 5 });
  const first = fakeConnection();
  publisher.up(first, []);
  offerAll(publisher, 1, 8);
  first.answer(2);
  publisher.down(closed);
  const second = fakeConnection();
  publisher.up(second, [job(-1)]);
  second.answer(1);
  while (second.open > 0) second.answer(1);
  assert.deepEqual(payloads(second), [-1, ...from(3, 8)]);
  assert.deepEqual(
    fates.filter(([n]) => n >= 0),
    from(1, 8).map((n) => [n, 'taken']),
  );
  assert.equal(publisher.outstanding, 0);
});

test('what is said first on a connection ends with it', () => {
  const { publisher } = publishing();
  publisher.up(fakeConnection(), [job(-1), job(-1)]);
  publisher.down(closed);
  assert.equal(publisher.outstanding, 0);
});

test('an answer of a connection that is over counts no more', () => {
  const { publisher, fates } = publishing();
  const first = fakeConnection();
  publisher.up(first, []);
  offerAll(publisher, 1, 1);
  publisher.down(closed);
  first.answer();
  assert.deepEqual(fates, []);
  assert.equal(publisher.outstanding, 1);
});

test('without a connection the last ten are kept in order, the oldest go; what was under way stays (ESP-86 to ESP-89)', () => {
  const { publisher, fates } = publishing();
  const first = fakeConnection();
  publisher.up(first, []);
  offerAll(publisher, 1, 3);
  publisher.down(closed);
  for (const n of from(4, 28)) assert.equal(publisher.offer(job(n)), undefined, 'nobody has to wait');
  assert.deepEqual(
    fates,
    from(4, 18).map((n) => [n, 'dropped']),
  );
  const second = fakeConnection();
  publisher.up(second, []);
  while (second.open > 0) second.answer(1);
  assert.deepEqual(payloads(second), [1, 2, 3, ...from(19, 28)]);
});

test('where records can wait, they do: nothing is dropped, and the next one is asked for when there is room', async () => {
  const { publisher, fates } = publishing({ waits: true });
  const full = publisher.offer(job(1));
  assert.ok(full instanceof Promise);
  let asked = false;
  void full.then(() => {
    asked = true;
  });
  await Promise.resolve();
  assert.equal(asked, false);
  const connection = fakeConnection();
  publisher.up(connection, []);
  connection.answer();
  await full;
  assert.deepEqual(fates, [[1, 'taken']]);
});

test('a broker that acknowledges nothing for half a minute loses the connection, one that is slow does not', async () => {
  const { publisher, clock } = publishing();
  const connection = fakeConnection();
  let over: unknown;
  void connection.closed.then((why) => {
    over = why;
  });
  publisher.up(connection, []);
  offerAll(publisher, 1, 5);
  for (let n = 0; n < 4; n++) {
    await clock.advance(20_000);
    connection.answer(1);
  }
  assert.equal(over, undefined);
  await clock.advance(31_000);
  assert.match(String(over), /acknowledges nothing/);
});

test('silence with nothing under way is no fault', async () => {
  const { publisher, clock } = publishing();
  const connection = fakeConnection();
  publisher.up(connection, []);
  offerAll(publisher, 1, 1);
  connection.answer();
  await clock.advance(3_600_000);
  assert.equal(await Promise.race([connection.closed, 'open']), 'open');
});

/**
 * Six records at a broker that takes all but number 4, on which every connection ends so, `after` milliseconds later. What became of
 * them after 40 connections at most.
 */
async function poisoned(
  why: MqttFailure,
  {
    greeting = [job(-1)],
    takesGreeting = true,
    after = 0,
  }: { greeting?: Job[]; takesGreeting?: boolean; after?: number } = {},
) {
  const { publisher, fates, clock } = publishing({ waits: true });
  offerAll(publisher, 1, 6);
  let connections = 0;
  for (; publisher.outstanding > 0 && connections < 40; connections++) {
    const connection = fakeConnection();
    publisher.up(connection, greeting);
    const takes = ({ payload }: { payload: unknown }): boolean =>
      payload !== '4' && (takesGreeting || connections < 1 || payload !== '-1');
    for (let at = 0; at < connection.posted.length && takes(connection.posted[at]!); at++) connection.answer(1);
    await clock.advance(after);
    const before = fates.length;
    publisher.down(why);
    if (fates.length > before) assert.ok(publisher.proved, 'those behind it need not wait long');
  }
  return { fates: fates.filter(([n]) => n >= 0), connections };
}

test('a message on which the broker closes the connection five times is given up, those around it arrive', async () => {
  for (const [why, code] of [
    [closed, 128],
    [new MqttFailure('disconnected', 'packet too large', 149), 149],
    [new MqttFailure('disconnected', 'not authorised', 135), 135],
    // mosquitto over 3.1.1, with more in its socket than it has read.
    [new MqttFailure('network', 'connection reset'), 128],
  ] as const) {
    const { fates, connections } = await poisoned(why);
    assert.deepEqual(
      fates,
      [1, 2, 3, 4, 5, 6].map((n) => [n, n === 4 ? code : 'taken']),
      String(why),
    );
    assert.ok(connections >= 5, String(connections));
  }
});

test('a message over which connections end without the broker having refused anything is never given up', async () => {
  const kept = [1, 2, 3].map((n) => [n, 'taken']);
  const reset = new MqttFailure('network', 'connection reset');
  for (const [why, how] of [
    [new MqttFailure('timeout', 'the broker acknowledges nothing any longer'), {}],
    [new MqttFailure('disconnected', 'broker shutting down', 139), {}],
    [new MqttFailure('disconnected', 'broker busy', 137), {}],
    [new MqttFailure('disconnected', 'session taken over by another client', 142), {}],
    // A broker that hangs, and is ended by somebody.
    [closed, { after: 25_000 }],
    // The line, or a broker that falls down over whatever comes.
    [reset, { greeting: [] }],
    [reset, { takesGreeting: false }],
  ] as const) {
    const { fates, connections } = await poisoned(why, how as Parameters<typeof poisoned>[1]);
    assert.deepEqual(fates, kept, `${why} ${JSON.stringify(how)}`);
    assert.equal(connections, 40);
  }
});

test("the broker's limits are kept: QoS, retain, size of a packet", () => {
  const { publisher, fates } = publishing();
  const connection = fakeConnection({ maximumQos: 0, retainAvailable: false, maximumPacketSize: 100 });
  publisher.up(connection, []);
  void publisher.offer(job(1, { qos: 2, retain: true }));
  void publisher.offer(job(2, { payload: 'x'.repeat(100) }));
  assert.deepEqual(connection.posted, [{ topic: 't', payload: '1', qos: 0, retain: false }]);
  assert.deepEqual(fates, [[2, 149]]);
});

test('the largest packet is counted in bytes: what just fits goes, what does not by one byte is refused unsent', () => {
  const payload = 'ö'.repeat(100);
  // Type, length 206 in two bytes, topic with its length, identifier, no properties.
  const bytes = 1 + 2 + (2 + 1 + 2 + 1 + 200);
  for (const [maximumPacketSize, fate] of [
    [bytes, undefined],
    [bytes - 1, 149],
  ] as const) {
    const { publisher, fates } = publishing();
    publisher.up(fakeConnection({ maximumPacketSize }), []);
    void publisher.offer(job(1, { payload }));
    assert.equal(fates[0]?.[1], fate);
  }
});

test('while the broker is away a retained message goes only for a newer one of its topic: nobody would say it again', () => {
  const { publisher, fates } = publishing();
  const kept = (n: number, topic: string): void => void publisher.offer(job(n, { topic, retain: true }));
  kept(1, 'homeassistant/device/x/config');
  kept(2, 'status');
  kept(3, 'status');
  offerAll(publisher, 4, 28);
  assert.deepEqual(
    fates.map(([n]) => n).sort((a, b) => a - b),
    [2, ...from(4, 18)],
  );
  const connection = fakeConnection();
  publisher.up(connection, []);
  assert.deepEqual(payloads(connection), [1, 3, ...from(19, 28)]);
});

test('retained messages take no place of the last ten, however many there are', () => {
  const { publisher, fates } = publishing();
  for (const n of from(1, 11)) void publisher.offer(job(n, { topic: `config/${n}`, retain: true }));
  offerAll(publisher, 12, 16);
  assert.deepEqual(fates, []);
  // A word that is not the last one any more stands in line by its age.
  for (const n of from(17, 22)) void publisher.offer(job(n, { topic: `config/${n - 16}`, retain: true }));
  assert.deepEqual(fates, [[1, 'dropped']]);
  const connection = fakeConnection();
  publisher.up(connection, []);
  assert.deepEqual(payloads(connection), from(2, 22));
});

test('many retained topics cost no time that grows with their square', () => {
  const { publisher } = publishing();
  const began = process.cpuUsage().user;
  for (let n = 1; n <= 100_000; n++) {
    void publisher.offer(job(n, { topic: `state/${n % 9_000}`, retain: true }));
    void publisher.offer(job(n));
  }
  assert.equal(publisher.outstanding, 9_010);
  // A look through all that waits, for each, takes minutes.
  assert.ok(process.cpuUsage().user - began < 20_000_000);
});

test('retained messages without end are bounded too', () => {
  const { publisher, fates } = publishing();
  for (let n = 1; n <= 10_003; n++) void publisher.offer(job(n, { topic: `t/${n}`, retain: true }));
  assert.equal(publisher.outstanding, 10_000);
  assert.deepEqual(
    fates.map(([n]) => n),
    [1, 2, 3],
  );
});

test('when all that waits is refused unsent, whoever waits for room or for the end goes on', async () => {
  const { publisher, fates } = publishing({ waits: true });
  const room = publisher.offer(job(1, { payload: 'x'.repeat(100) }));
  const idle = publisher.idle();
  publisher.up(fakeConnection({ maximumPacketSize: 100 }), []);
  assert.deepEqual(fates, [[1, 149]]);
  const first = (promise: Promise<void> | undefined) => Promise.race([promise!.then(() => 'on'), settle('stuck')]);
  assert.deepEqual(await Promise.all([first(room), first(idle)]), ['on', 'on']);
});
