import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bmwAccess } from '../../../src/clients/bmw/access.ts';
import { runStream } from '../../../src/clients/bmw/stream.ts';
import { createTokenStore } from '../../../src/clients/bmw/tokens.ts';
import type { CommandError } from '../../../src/runtime/exit.ts';
import type { MqttConnection, MqttOptions } from '../../../src/transports/mqtt/client.ts';
import { MqttFailure } from '../../../src/transports/mqtt/failure.ts';
import { fakeClock, settle } from '../../support/clock.ts';
import { clientContext, gcid, memoryStates, rotatingServer, tokenSet } from './support.ts';

const topic = `${gcid}/WBYVP000000000001`;

interface Session {
  at: number;
  password: string | undefined;
  options: MqttOptions;
  topics: readonly string[];
  /** The broker closes. */
  cut(why?: MqttFailure): void;
  /** We have ended it. */
  ended: boolean;
  send(text: string): void;
}

/** A stream between a fake broker and a fake authorisation server, on a fake clock. `answers` scripts the CONNACKs. */
async function streaming(
  settings: { answers?: (n: number) => MqttFailure | undefined; grant?: number; lifetime?: number; age?: number } = {},
) {
  const { answers = () => undefined, grant = 0, lifetime = 3_600_000, age = 0 } = settings;
  const clock = fakeClock();
  const { context: onDisk, said, stop } = clientContext(clock);
  const context = { ...onDisk, state: memoryStates() };
  const server = rotatingServer(clock, lifetime);
  const store = createTokenStore(context, server);
  await store.save(tokenSet(1, clock.now() - age, lifetime));
  const sessions: Session[] = [];
  const attempts: number[] = [];
  const messages: string[] = [];

  const connect = async (options: MqttOptions): Promise<MqttConnection> => {
    attempts.push(clock.monotonic());
    const refusal = answers(attempts.length);
    if (refusal) throw refusal;
    let over!: (why: MqttFailure | undefined) => void;
    const closed = new Promise<MqttFailure | undefined>((resolve) => {
      over = resolve;
    });
    const session: Session = {
      at: clock.monotonic(),
      password: options.password,
      options,
      topics: [],
      ended: false,
      cut: (why = new MqttFailure('closed', 'closed by the broker')) => over(why),
      send: (text) => void options.onMessage?.({ topic, payload: Buffer.from(text), qos: 0, retain: false }),
    };
    sessions.push(session);
    return {
      sessionPresent: false,
      closed,
      async subscribe(topics) {
        session.topics = topics;
        return topics.map((one) => ({ topic: one, code: grant }));
      },
      unsubscribe: async () => {},
      publish: async () => {},
      limits: { receiveMaximum: 65_535, maximumQos: 2, retainAvailable: true, maximumPacketSize: 1e9 },
      post: () => true,
      drop: over,
      async end() {
        session.ended = true;
        over(undefined);
      },
    };
  };
  const states: string[] = [];
  const running = runStream({
    access: bmwAccess(store, context, undefined),
    topics: [topic],
    broker: { url: 'mqtts://broker.example:9000' },
    clock,
    signal: context.signal,
    log: context.log,
    onMessage: ({ payload }) => void messages.push(payload.toString()),
    onTraffic() {},
    onUp: () => void states.push('up'),
    onDown: (why) => void states.push(why === undefined ? 'renewing' : 'down'),
    connect,
    random: () => 0,
  });
  let failure: CommandError | undefined;
  running.catch((error) => {
    failure = error;
  });
  await settle();
  const end = async (): Promise<void> => {
    stop.abort();
    await clock.advance(1000);
    await running.catch(() => {});
  };
  return { clock, sessions, attempts, messages, said, states, server, store, end, failed: () => failure };
}

const minutes = (n: number): number => n * 60_000;

test('connects with gcid and id token, keep-alive 30 s, QoS 0, and subscribes to {gcid}/{VIN} (BMW-10, BMW-11, BMW-25)', async () => {
  const { sessions, end, store } = await streaming();
  const [session] = sessions;
  assert.equal(session?.options.username, gcid);
  assert.equal(session?.password, (await store.read()).id_token);
  assert.equal(session?.options.keepalive, 30);
  assert.deepEqual(session?.topics, [topic]);
  await end();
  assert.equal(session?.ended, true);
});

test('a token file that ran out while nothing was running is renewed before the first connection', async () => {
  const { sessions, server, store, end } = await streaming({ age: 5 * 3_600_000 });
  assert.deepEqual(server.refreshed, ['refresh-token-1']);
  assert.equal(sessions.length, 1);
  assert.equal(sessions[0]?.password, (await store.read()).id_token);
  await end();
});

test('renews five minutes before the id token runs out, then connects with the new one (BMW-22, BMW-23, BMW-47)', async () => {
  const { clock, sessions, server, states, end } = await streaming();
  await clock.advance(minutes(54));
  assert.deepEqual(server.refreshed, []);
  await clock.advance(minutes(2));
  assert.deepEqual(server.refreshed, ['refresh-token-1']);
  assert.equal(sessions.length, 2);
  assert.notEqual(sessions[0]?.password, sessions[1]?.password);
  assert.equal(sessions[0]?.ended, true);
  assert.deepEqual(states, ['up', 'renewing', 'up']);
  assert.ok((sessions[1]?.at ?? 0) - minutes(55) >= 10_000, 'not sooner than BMW allows');
  await end();
});

test('a rotation loses no message after the subscription, and writes none twice (BMW-78)', async () => {
  const { clock, sessions, messages, end } = await streaming({ lifetime: 120_000 });
  const sent: string[] = [];
  for (let second = 0; second < 600; second++) {
    await clock.advance(1000);
    const session = sessions.at(-1);
    if (!session || session.ended) continue;
    const text = `message ${second}`;
    session.send(text);
    sent.push(text);
  }
  assert.ok(sessions.length >= 5, `${sessions.length} sessions`);
  assert.deepEqual(messages, sent);
  await end();
});

test('silence is no reason to connect again (BMW-73)', async () => {
  const { clock, attempts, end } = await streaming();
  await clock.advance(minutes(54));
  assert.equal(attempts.length, 1);
  await end();
});

test('a broker that is down for an hour is asked ever less often, and found again when it is back (BMW-26)', async () => {
  const down = new MqttFailure('network', 'connection refused');
  const { clock, attempts, sessions, said, server, end } = await streaming({
    answers: (n) => (n > 1 && clockNow() < minutes(61) ? down : undefined),
  });
  function clockNow(): number {
    return clock.monotonic();
  }
  await clock.advance(minutes(1));
  sessions[0]?.cut();
  await clock.advance(minutes(60));
  const during = attempts.length - 1;
  assert.ok(during >= 8 && during <= 16, `${during} attempts in an hour`);
  for (const [index, at] of attempts.entries()) if (index > 0) assert.ok(at - attempts[index - 1]! >= 10_000);
  assert.equal(said.filter((line) => line.includes('stream:')).length, 1, 'said once');
  await clock.advance(minutes(11));
  assert.equal(sessions.length, 2);
  assert.ok(server.refreshed.length >= 1, 'with a token that is still good');
  assert.ok(said.some((line) => line.includes('stream is back') && line.includes('after=')));
  await end();
});

test('an outage that turns out to be something else is told again, each cause once (HAWK-138)', async () => {
  const away = new MqttFailure('network', 'connection refused');
  const untrusted = new MqttFailure('tls', 'certificate or handshake refused: CERT_HAS_EXPIRED');
  const { clock, sessions, said, end } = await streaming({
    answers: (n) => (n === 1 ? undefined : n % 2 ? untrusted : away),
  });
  sessions[0]?.cut();
  await clock.advance(minutes(50));
  const causes = said.filter((line) => line.includes('stream:'));
  assert.equal(causes.length, 2);
  assert.match(causes[0] ?? '', /closed by the broker; again in 10 s/);
  assert.match(causes[1] ?? '', /CERT_HAS_EXPIRED; again in/);
  await end();
});

test('a second refusal renews a token that looks valid, and the next attempt uses the new one (BMW-26)', async () => {
  const refused = new MqttFailure('refused', 'not authorised', 5);
  const { clock, attempts, sessions, server, store, end } = await streaming({
    answers: (n) => (n <= 2 ? refused : undefined),
  });
  await clock.advance(minutes(1));
  assert.equal(attempts.length, 3);
  assert.deepEqual(server.refreshed, ['refresh-token-1']);
  assert.equal(sessions[0]?.password, (await store.read()).id_token);
  await end();
});

test('a client that is refused again after a renewal is told of the other one on the account, once', async () => {
  const refused = new MqttFailure('refused', 'not authorised', 5);
  const { clock, said, end } = await streaming({ answers: () => refused });
  await clock.advance(minutes(30));
  assert.equal(said.filter((line) => line.includes('one connection per account')).length, 1);
  await end();
});

test('a refused subscription is a failed connection, not a silent car', async () => {
  const { clock, sessions, states, said, end } = await streaming({ grant: 0x87 });
  await clock.advance(1000);
  assert.equal(sessions[0]?.ended, true);
  assert.deepEqual(states, ['down']);
  assert.ok(said.some((line) => line.includes('bare VIN')));
  await end();
});

test('a renewal that fails while the stream is up leaves it up, and is tried again', async () => {
  const { clock, sessions, server, said, end } = await streaming();
  const { refresh } = server;
  server.refresh = async () => ({
    status: 503,
    body: {},
    error: undefined,
    fault: undefined,
    correlation: undefined,
    retryAfter: undefined,
  });
  await clock.advance(minutes(57));
  assert.equal(sessions[0]?.ended, false);
  assert.ok(said.some((line) => line.includes('token renewal')));
  server.refresh = refresh;
  await clock.advance(minutes(3));
  assert.equal(sessions.length, 2);
  await end();
});

test('a dead refresh token ends the stream with 77 and "Run bmw-login"', async () => {
  const { clock, server, failed } = await streaming();
  server.refresh = async () => ({
    status: 400,
    body: { error: 'invalid_request' },
    error: 'invalid_request',
    fault: undefined,
    correlation: undefined,
    retryAfter: undefined,
  });
  await clock.advance(minutes(56));
  assert.equal(failed()?.status, 77);
  assert.match(failed()?.next ?? '', /Run bmw-login/);
});

test('a bug is no outage: it ends the stream instead of being tried for ever', async () => {
  const { clock, server, failed } = await streaming();
  server.refresh = async () => {
    throw new TypeError('a bug');
  };
  await clock.advance(minutes(56));
  assert.ok((failed() as unknown) instanceof TypeError);
});

test('a clock that is hours wrong does not make it renew for ever', async () => {
  const { clock, server, said, end } = await streaming();
  // BMW's tokens are dated by BMW's clock; ours is three hours ahead.
  const { refresh } = server;
  server.refresh = async (client, token) => {
    const answer = await refresh(client, token);
    const past = tokenSet(server.refreshed.length + 1, clock.now() - minutes(180));
    return { ...answer, body: { ...answer.body, id_token: past.id_token } };
  };
  await clock.advance(minutes(120));
  assert.ok(server.refreshed.length <= 5, `${server.refreshed.length} renewals in two hours`);
  assert.ok(said.some((line) => line.includes('is the clock right?')));
  await end();
});
