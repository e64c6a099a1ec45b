import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepSession, type SessionOptions } from '../../../src/clients/mqtt/session.ts';
import type { CommandError } from '../../../src/runtime/exit.ts';
import { MqttFailure } from '../../../src/transports/mqtt/failure.ts';
import { fakeClock, settle } from '../../support/clock.ts';
import { clientContext } from '../bmw/support.ts';
import { type FakeConnection, fakeConnection } from './support.ts';

/** A session with a broker whose answers are scripted: a failure, or nothing for a connection. */
function session(
  answers: (attempt: number, version: number) => MqttFailure | undefined,
  more: Partial<SessionOptions> = {},
) {
  const clock = fakeClock();
  const { context, said } = clientContext(clock);
  const stop = new AbortController();
  const attempts: { at: number; version: number }[] = [];
  const connections: FakeConnection[] = [];
  const downs: string[] = [];
  let failure: CommandError | undefined;
  const running = keepSession({
    broker: () => ({ url: 'mqtt://broker.example' }),
    version: 'auto',
    clock,
    log: context.log,
    signal: stop.signal,
    onUp() {},
    onDown: (why) => void downs.push(why.kind),
    async connect(options) {
      attempts.push({ at: clock.monotonic(), version: options.version! });
      const refusal = answers(attempts.length, options.version!);
      if (refusal) throw refusal;
      connections.push(fakeConnection());
      return connections.at(-1)!;
    },
    ...more,
  }).catch((error) => {
    failure = error;
  });
  const end = async (): Promise<void> => {
    stop.abort();
    connections.at(-1)?.cut(new MqttFailure('aborted', 'given up'));
    await clock.advance(1000);
    await running;
  };
  return { clock, said, attempts, connections, downs, end, failed: () => failure };
}

const refused = (code: number): MqttFailure => new MqttFailure('refused', 'not authorised', code);
const closed = new MqttFailure('closed', 'closed by the broker');
const gone = new MqttFailure('network', 'connection refused');

test('waits double from a second to a minute while the broker is away; loss and recovery are said once each', async () => {
  const s = session((attempt) => (attempt <= 12 ? gone : undefined));
  await s.clock.advance(600_000);
  const waits = s.attempts.slice(1).map(({ at }, i) => at - s.attempts[i]!.at);
  for (const [i, wait] of waits.entries()) {
    const plain = Math.min(60_000, 1000 * 2 ** i);
    assert.ok(wait <= plain && wait >= 0.79 * plain, `wait ${i}: ${wait}`);
  }
  assert.equal(s.connections.length, 1);
  const said = s.said.filter((line) => !line.includes('debug'));
  assert.equal(said.filter((line) => line.includes('trying again')).length, 1);
  assert.equal(said.filter((line) => line.includes('broker is back')).length, 1);
  await s.end();
});

test('a login that the broker refuses ends the session at once with 77; one that had worked is tried three times', async () => {
  for (const code of [4, 5, 134, 135]) {
    const s = session(() => refused(code));
    await settle();
    assert.equal(s.failed()?.status, 77, String(code));
    assert.equal(s.attempts.length, 1);
  }
  const s = session((attempt) => (attempt === 1 ? undefined : refused(135)));
  await settle();
  s.connections[0]!.cut(new MqttFailure('closed', 'closed by the broker'));
  await s.clock.advance(60_000);
  assert.equal(s.attempts.length, 4);
  assert.equal(s.failed()?.status, 77);
});

test('a certificate that is not trusted ends the session with 78 and the next step; one of a broker that was reached before is said with it', async () => {
  const untrusted = (code: string): MqttFailure => new MqttFailure('tls', code, undefined, { cause: { code } });
  const stranger = untrusted('DEPTH_ZERO_SELF_SIGNED_CERT');
  const s = session(() => stranger);
  await settle();
  assert.deepEqual([s.failed()?.status, s.attempts.length], [78, 1]);
  assert.match(s.failed()!.next!, /--ca/);

  const renewed = session((attempt) => (attempt === 1 ? undefined : stranger));
  await settle();
  renewed.connections[0]!.cut(closed);
  await renewed.clock.advance(600_000);
  assert.equal(renewed.failed(), undefined);
  assert.equal(renewed.said.filter((line) => line.includes('--ca')).length, 1);
  await renewed.end();

  // A Raspberry Pi has no clock of its own: it is right in a moment.
  const early = session((attempt) => (attempt < 3 ? untrusted('CERT_NOT_YET_VALID') : undefined));
  await early.clock.advance(10_000);
  assert.equal(early.connections.length, 1);
  await early.end();
});

test('a refusal that may pass, as of a broker that is busy, is waited out', async () => {
  const s = session((attempt) => (attempt < 3 ? new MqttFailure('refused', 'broker busy', 137) : undefined));
  await s.clock.advance(10_000);
  assert.equal(s.connections.length, 1);
  await s.end();
});

const versions = ({ attempts }: { attempts: { version: number }[] }): number[] =>
  attempts.map(({ version }) => version);

test('a broker that knows 3.1.1 alone gets it at once: told by a code, or shown by closing on 5 and answering 3.1.1, twice', async () => {
  for (const [answer, tried] of [
    [refused(1), [5, 4]],
    [refused(132), [5, 4]],
    [closed, [5, 4, 5, 4]],
    [new MqttFailure('protocol', 'Cannot parse property code'), [5, 4, 5, 4]],
  ] as const) {
    const s = session((_attempt, version) => (version === 5 ? answer : undefined));
    await settle();
    assert.deepEqual(versions(s), tried);
    await s.end();
  }
});

test('a proxy that closes until the broker behind it is there costs no version: 5 is spoken with a broker that knows it', async () => {
  for (let starting = 1; starting <= 8; starting++) {
    const s = session((attempt) => (attempt <= starting ? closed : undefined));
    await s.clock.advance(120_000);
    assert.equal(versions(s).at(-1), 5, `${starting}: ${versions(s)}`);
    await s.end();
  }
});

test('3.1.1 is given up again when it does not connect, and kept when it did', async () => {
  // Closes twice on 5, answers 3.1.1 in between, and is away when it comes to it.
  const script = [closed, undefined, closed, gone, undefined];
  const s = session((attempt) => script[attempt - 1]);
  await s.clock.advance(5000);
  assert.deepEqual(versions(s), [5, 4, 5, 4, 5]);
  await s.end();

  const old = session((_attempt, version) => (version === 5 ? closed : undefined));
  await settle();
  old.connections.at(-1)!.cut(closed);
  await old.clock.advance(2000);
  assert.deepEqual(versions(old), [5, 4, 5, 4, 4]);
  await old.end();
});

test('whether a broker answers 3.1.1 is asked with nothing of ours: no session, no last will, no client id', async () => {
  const asked: object[] = [];
  let last: FakeConnection | undefined;
  const s = session(() => undefined, {
    broker: () => ({
      url: 'mqtt://broker.example',
      username: 'ha',
      clientId: 'mine',
      clean: false,
      will: { topic: 'w', payload: 'offline', qos: 1, retain: true },
      onMessage() {},
    }),
    async connect({ clock: _, signal: __, ...options }) {
      asked.push(options);
      if (asked.length === 1) throw closed;
      last = fakeConnection();
      return last;
    },
  });
  await settle();
  assert.deepEqual(
    Object.entries(asked[1]!).filter(([, value]) => value !== undefined),
    [
      ['url', 'mqtt://broker.example'],
      ['username', 'ha'],
      ['version', 4],
    ],
  );
  last?.cut(closed);
  await s.end();
});

test('a connection that was good for something, as may turn out when it ends, makes the next wait the first again; an attempt does not', async () => {
  let proved = false;
  const s = session((attempt) => (attempt === 5 || attempt === 6 ? undefined : gone), {
    onDown: () => {
      proved = s.connections.length > 0;
    },
    proved: () => proved,
  });
  await s.clock.advance(15_000);
  assert.equal(s.attempts.length, 5);
  s.connections[0]!.cut(closed);
  await s.clock.advance(1000);
  assert.equal(s.attempts.length, 6, 'after a second');
  s.connections[1]!.cut(closed);
  await s.clock.advance(20_000);
  const waits = s.attempts.slice(6).map(({ at }, i, all) => at - (i === 0 ? at : all[i - 1]!.at));
  assert.ok(waits.length < 6 && waits.at(-1)! > 2000, `they grow again: ${waits}`);
  await s.end();
});

test('what is tried again at once with other settings is not waited for', async () => {
  let adapted = 0;
  const s = session((attempt) => (attempt === 1 ? refused(154) : undefined), { adapt: () => ++adapted === 1 });
  await settle();
  assert.equal(s.connections.length, 1);
  assert.deepEqual(s.downs, []);
  await s.end();
});

test('a broker that is away is no reason to go back to 3.1.1, and one that was spoken to keeps its version', async () => {
  const s = session((attempt) =>
    attempt === 2 ? undefined : attempt === 1 ? gone : new MqttFailure('closed', 'closed'),
  );
  await s.clock.advance(5000);
  s.connections[0]!.cut(new MqttFailure('closed', 'closed by the broker'));
  await s.clock.advance(120_000);
  assert.ok(s.attempts.length > 3);
  assert.ok(s.attempts.every(({ version }) => version === 5));
  await s.end();
});

test('a connection on which nobody answers the greeting is closed before the next one is made', async () => {
  let greetings = 0;
  const s = session(() => undefined, {
    onUp() {
      if (++greetings === 1) throw new MqttFailure('timeout', 'no answer from the broker in time');
    },
  });
  await settle();
  assert.equal(await Promise.race([s.connections[0]!.closed.then(() => 'closed'), settle()]), 'closed');
  await s.clock.advance(2000);
  assert.equal(s.connections.length, 2);
  assert.deepEqual(s.downs, ['timeout']);
  await s.end();
});
