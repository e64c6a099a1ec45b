import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAcks } from '../../../src/clients/mqtt/acks.ts';
import { createIntake } from '../../../src/clients/mqtt/intake.ts';
import type { CommandError } from '../../../src/runtime/exit.ts';
import type { MqttMessage, MqttOptions } from '../../../src/transports/mqtt/client.ts';
import { MqttFailure } from '../../../src/transports/mqtt/failure.ts';
import { inbound } from '../../../src/transports/mqtt/inbound.ts';
import { fakeClock, settle } from '../../support/clock.ts';
import { clientContext } from '../bmw/support.ts';
import { type FakeConnection, fakeConnection } from './support.ts';

interface Deferred {
  promise: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}
function deferred(): Deferred {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

test('acknowledgements go out in the order of the messages, whichever is safe first', async () => {
  const acks = createAcks();
  const done: number[] = [];
  const parts = [1, 2, 3].map(() => deferred());
  for (const [i, { promise }] of parts.entries()) acks.expect(promise, () => done.push(i + 1));
  acks.expect(undefined, () => done.push(4));
  parts[1]!.resolve();
  await settle();
  assert.deepEqual(done, []);
  parts[0]!.resolve();
  await settle();
  assert.deepEqual(done, [1, 2]);
  parts[2]!.resolve();
  await acks.idle();
  assert.deepEqual(done, [1, 2, 3, 4]);
});

test('behind a record that was dropped nothing is acknowledged any more, until the next connection', async () => {
  const acks = createAcks();
  const done: number[] = [];
  acks.expect(Promise.reject(new Error('dropped')), () => done.push(1));
  acks.expect(Promise.resolve(), () => done.push(2));
  await settle();
  assert.deepEqual([done, acks.open], [[], 2]);
  acks.forget();
  await acks.idle();
  assert.deepEqual(done, []);
});

/** An intake with connections of the test's own; `grant` is what the broker answers to SUBSCRIBE. */
function intake(grant: (connection: number) => number = () => 1, sessionPresent = false) {
  const clock = fakeClock();
  const { context, said } = clientContext(clock);
  const connections: FakeConnection[] = [];
  const optionsOf: MqttOptions[] = [];
  const safe: Deferred[] = [];
  let failure: CommandError | undefined;
  const deadline = new AbortController();
  const made = createIntake({
    broker: () => ({ url: 'mqtt://x' }),
    version: 5,
    filters: ['t'],
    qos: 1,
    session: 3600,
    receiveMaximum: 10,
    clock,
    log: context.log,
    deadline: deadline.signal,
    onMessage() {
      const one = deferred();
      safe.push(one);
      return { safe: one.promise };
    },
    onUp() {},
    onDown() {},
    onTraffic() {},
    async connect(options) {
      optionsOf.push(options);
      const n = connections.length + 1;
      const fake = fakeConnection({}, options);
      const connection: FakeConnection = {
        ...fake,
        sessionPresent: sessionPresent && n > 1,
        async subscribe(topics, qos) {
          await fake.subscribe(topics, qos);
          return topics.map((topic) => ({ topic, code: grant(n) }));
        },
      };
      connections.push(connection);
      return connection;
    },
  });
  made.refused.catch((error) => {
    failure = error;
  });
  const message = (n: number, acknowledge: () => void): MqttMessage => ({
    topic: 't',
    payload: Buffer.from(String(n)),
    qos: 1,
    retain: false,
    acknowledge,
  });
  return { clock, said, connections, optionsOf, safe, made, message, failed: () => failure, deadline };
}

test('a session asks the broker to keep it, with its bound, and is acknowledged by hand', async () => {
  const { optionsOf, made } = intake();
  await settle();
  const { clean, sessionExpiry, receiveMaximum, manualAck } = optionsOf[0]!;
  assert.deepEqual([clean, sessionExpiry, receiveMaximum, manualAck], [false, 3600, 10, true]);
  await made.finish();
});

test('a topic that the broker refuses at first ends it with 77 and the topic; later it is an outage', async () => {
  const first = intake(() => 135);
  await settle();
  assert.equal(first.failed()?.status, 77);
  assert.match(first.failed()!.message, /subscription to t refused: not authorised/);

  const later = intake((connection) => (connection === 2 ? 135 : 1));
  await settle();
  later.connections[0]!.cut(new MqttFailure('closed', 'closed by the broker'));
  await later.clock.advance(10_000);
  assert.equal(later.failed(), undefined);
  assert.equal(later.connections.length, 3);
  await later.made.finish();
});

test('where the broker still has the session, it is not subscribed to anew: retained messages would come again', async () => {
  const { connections, clock, made } = intake(() => 1, true);
  await settle();
  connections[0]!.cut(new MqttFailure('closed', 'closed by the broker'));
  await clock.advance(5000);
  assert.deepEqual(
    connections.map(({ subscribed }) => subscribed),
    [['t'], []],
  );
  await made.finish();
});

test('at the end what was taken is waited for and acknowledged, what comes then is left to the broker', async () => {
  const { optionsOf, safe, made, message } = intake();
  await settle();
  const done: number[] = [];
  const take = optionsOf[0]!.onMessage!;
  void take(message(1, () => done.push(1)));
  const end = made.finish();
  void take(message(2, () => done.push(2)));
  assert.equal(safe.length, 1);
  safe[0]!.resolve();
  await end;
  assert.deepEqual(done, [1]);
});

test('when nobody waits any longer, what is not safe stays unacknowledged', async () => {
  const { optionsOf, made, message, deadline } = intake();
  await settle();
  const done: number[] = [];
  void optionsOf[0]!.onMessage!(message(1, () => done.push(1)));
  const end = made.finish();
  deadline.abort();
  await end;
  assert.deepEqual(done, []);
});

test('while a message waits for room, the broker is pinged and its answers are not missed', async () => {
  const clock = fakeClock();
  let pings = 0;
  let forgiven = 0;
  const client = {
    on() {},
    connected: true,
    sendPing: () => pings++,
    reschedulePing: () => forgiven++,
  };
  const room = deferred();
  const take = inbound(client as never, {} as never, { url: 'mqtt://x', clock, keepalive: 30 }, () => room.promise);
  let done = false;
  take({ cmd: 'publish', topic: 't', payload: Buffer.from('x'), qos: 0, retain: false, dup: false } as never, () => {
    done = true;
  });
  await clock.advance(60_000);
  assert.deepEqual([pings, forgiven, done], [4, 4, false]);
  room.resolve();
  await settle();
  await clock.advance(60_000);
  assert.deepEqual([pings, done], [4, true]);
});
