import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExchange, type Patience } from '../../../src/clients/bms/exchange.ts';
import { createOptionalPages, neverAnswered } from '../../../src/clients/bms/optional-pages.ts';
import { probe } from '../../../src/clients/bms/probe.ts';
import type { Codec, CodecOptions, Request } from '../../../src/protocols/bms/codec.ts';
import { hex } from '../../../src/protocols/bms/framing.ts';
import { codecs } from '../../../src/protocols/bms/index.ts';
import type { Log } from '../../../src/runtime/log.ts';
import { type Link, LinkError, type LinkFailure } from '../../../src/transports/link.ts';
import { bytesOf } from '../../support/bms-vectors.ts';
import { type FakeClock, fakeClock, settle } from '../../support/clock.ts';

const cells = 'dd0400080d660d610d680d59fe3c77';
const asksBasic = 'dda50300fffd77';
const asksCells = 'dda50400fffc77';
const basic = 'dd03001d0618fee101f201f4002a2c7c00000000000080640304030b8b0b8a0b84f88477';
const jbd = codecs.find(({ name }) => name === 'jbd')!;

/** A link whose other side is the test. */
function fakeLink(clock: FakeClock) {
  const sent: { at: number; bytes: string }[] = [];
  let listener: (bytes: Buffer) => void = () => {};
  let over: (failure: LinkFailure | undefined) => void = () => {};
  let failsToSend: LinkError | undefined;
  const link: Link = {
    name: 'test',
    closed: new Promise((resolve) => {
      over = resolve;
    }),
    onData(fn) {
      listener = fn;
    },
    async send(bytes) {
      if (failsToSend) throw failsToSend;
      sent.push({ at: clock.monotonic(), bytes: hex(bytes) });
    },
    async close() {
      over(undefined);
    },
  };
  return {
    link,
    sent,
    comes: (text: string) => listener(bytesOf(text)),
    breaks: (failure: LinkFailure) => over(failure),
    refuses: (failure: LinkFailure) => {
      failsToSend = new LinkError(failure);
    },
  };
}

function setUp(codec: Codec = jbd, options: CodecOptions = {}, patience: Patience = { retries: 3 }) {
  const clock = fakeClock();
  const log: string[] = [];
  const say = (message: string): void => void log.push(message);
  const stop = new AbortController();
  const counted: Record<string, number> = {};
  const host = {
    clock,
    signal: stop.signal,
    metric: (name: string) => ({
      add(n: number, { reason = '' }: Readonly<Record<string, string>> = {}) {
        counted[`${name} ${reason}`] = (counted[`${name} ${reason}`] ?? 0) + n;
      },
      set() {},
    }),
    log: { debug() {}, info: say, warn: say, error: say, lost() {}, recovered() {} } satisfies Log,
  };
  const far = fakeLink(clock);
  return {
    clock,
    log,
    stop,
    host,
    counted,
    ...far,
    exchange: createExchange(far.link, codec, options, patience, host),
  };
}

/** What came of a promise, without an unhandled rejection meanwhile. */
function outcomeOf<T>(promise: Promise<T>) {
  const seen: { value?: T; error?: Error } = {};
  promise.then(
    (value) => {
      seen.value = value;
    },
    (error: Error) => {
      seen.error = error;
    },
  );
  return seen;
}

test('one request is outstanding at a time, with a gap of silence before the next', async () => {
  const { clock, exchange, sent, comes } = setUp();
  const seen = outcomeOf(exchange.run(jbd.reading));
  await settle();
  assert.deepEqual(
    sent.map(({ bytes }) => bytes),
    [asksBasic],
  );
  await clock.advance(60);
  comes(basic);
  await clock.advance(jbd.timing.gap - 1);
  assert.equal(sent.length, 1, 'too early');
  await clock.advance(1);
  assert.equal(sent[1]?.bytes, asksCells);
  comes(cells);
  await settle();
  assert.equal(seen.value?.fields.voltage, 15.6);
  assert.equal(seen.value?.fields.cell_count, 4);
});

test('a request waits while the other side still speaks, but not for ever', async () => {
  const { clock, exchange, sent, comes } = setUp();
  comes('00');
  const seen = outcomeOf(exchange.run(jbd.reading));
  for (let n = 0; n < 120 && sent.length === 0; n++) {
    await clock.advance(10);
    comes('00');
  }
  assert.ok(sent[0]!.at >= 900 && sent[0]!.at <= 1200, `${sent[0]?.at} ms`);
  assert.equal(seen.error, undefined);
});

test('the first request of a connection is sent again after 300 ms, later ones only when their time is over', async () => {
  const { clock, exchange, sent, comes } = setUp();
  const seen = outcomeOf(exchange.run(jbd.reading));
  await clock.advance(jbd.timing.wake!);
  assert.deepEqual(
    sent.map(({ bytes }) => bytes),
    [asksBasic, asksBasic],
  );
  comes(basic);
  await clock.advance(jbd.timing.gap + 400);
  assert.equal(sent.length, 3);
  await clock.advance(150);
  assert.equal(sent.length, 4);
  comes(cells);
  await settle();
  assert.ok(seen.value);
});

test('an answer counts by its function and length, not by its coming', async () => {
  const { clock, exchange, comes } = setUp();
  const seen = outcomeOf(exchange.run(jbd.reading));
  await settle();
  comes(cells);
  comes('dd030000000077');
  await clock.advance(100);
  assert.deepEqual(Object.keys(seen), []);
  comes(basic);
  await clock.advance(jbd.timing.gap);
  comes(cells);
  await settle();
  assert.equal(seen.value?.fields.current, -2.87);
});

test('half a frame is given up after its time, and does not swallow the next answer', async () => {
  const { clock, exchange, comes } = setUp();
  const seen = outcomeOf(exchange.run(jbd.reading));
  await settle();
  comes(basic.slice(0, 20));
  await clock.advance(jbd.timing.torn);
  comes(basic);
  await clock.advance(jbd.timing.gap);
  comes(cells);
  await settle();
  assert.ok(seen.value);
  assert.equal(exchange.tally.totals().rejected.cut, undefined);
});

test('silence ends after the retries with what the user can do', async () => {
  const { clock, exchange, sent } = setUp(jbd, { address: '00:00:00:00:00:01' }, { retries: 2, readTimeout: 100 });
  const seen = outcomeOf(exchange.run(jbd.reading));
  await clock.advance(1000);
  assert.equal(sent.length, 2);
  assert.match(seen.error!.message, /^test: no answer to basic information \(2 × 100 ms\): nothing came at all$/);
  assert.match((seen.error as { next?: string }).next!, /--password-file/);
  assert.equal((seen.error as { status?: number }).status, 69);
});

test('a failure tells about its own question alone', async () => {
  const { clock, exchange, comes } = setUp(jbd, {}, { retries: 1 });
  const seen = outcomeOf(exchange.run(jbd.reading));
  await settle();
  comes(basic);
  await clock.advance(1000);
  assert.match(seen.error!.message, /cell voltages \(1 × 500 ms\): nothing came at all/);
});

test('a refusal is said at once, one of a damaged request is none', async () => {
  const refused = setUp();
  const seen = outcomeOf(refused.exchange.run(jbd.reading));
  await settle();
  refused.comes('dd038000ff8077');
  await settle();
  assert.match(seen.error!.message, /basic information: refused/);
  assert.equal((seen.error as { status?: number }).status, 76);

  const damaged = setUp();
  const again = outcomeOf(damaged.exchange.run(jbd.reading));
  await settle();
  damaged.comes('dd038200ff7e77');
  await damaged.clock.advance(jbd.timing.response);
  assert.equal(again.error, undefined);
  assert.ok(damaged.sent.length >= 2);
});

test('what is optional is tried twice, and its refusal or silence is no fault', async () => {
  const { clock, exchange, sent, comes } = setUp();
  const seen = outcomeOf(exchange.run(jbd.info!));
  await settle();
  comes(basic);
  await clock.advance(jbd.timing.gap);
  comes('dd058000ff8077');
  await clock.advance(5000);
  assert.equal(sent.filter(({ bytes }) => bytes === 'dda5aa00ff5677').length, 2);
  assert.equal(seen.value?.firmware, '8.0');
  assert.ok(!('hardware' in seen.value!));
});

test('an optional request that stays unanswered in three rounds is left out for an hour, which is said once', async () => {
  const optionalPages = createOptionalPages();
  const { clock, exchange, sent, comes, log } = setUp(jbd, {}, { retries: 3, optionalPages });
  const asked = (request: string): number => sent.filter(({ bytes }) => bytes === request).length;
  /** One round, in which the hardware name is answered with `name` and the error counters are refused. */
  const round = async (name?: string): Promise<void> => {
    const before = sent.length;
    const seen = outcomeOf(exchange.run(jbd.info!));
    for (let at = before; !seen.value; ) {
      await clock.advance(20);
      assert.equal(seen.error, undefined);
      for (; at < sent.length; at++) {
        const { bytes } = sent[at]!;
        if (bytes === asksBasic) comes(basic);
        else if (bytes === 'dda5aa00ff5677') comes('ddaa8000ff8077');
        else if (name !== undefined) comes(name);
      }
    }
  };
  const asksName = 'dda50500fffb77';
  for (let n = 1; n <= 5; n++) await round();
  assert.equal(asked(asksName), 3 * 2, 'three rounds, two tries each');
  assert.equal(asked('dda5aa00ff5677'), 5, 'a refusal costs no time and goes on');
  assert.deepEqual(log, [
    'test: hardware name: no answer, time after time: from now on it is asked for once in 60 minutes only',
  ]);
  await clock.advance(neverAnswered.pause);
  await round();
  await round();
  assert.equal(asked(asksName), 4 * 2);
  await clock.advance(neverAnswered.pause);
  const name = 'dd05000a30313233343536373839fde977';
  await round(name);
  await round(name);
  assert.equal(asked(asksName), 4 * 2 + 2, 'it is back for good');
  assert.equal(log[1], 'test: hardware name: it answers again');
});

test('an optional request that was answered before is asked for in every round of a silence that lasts minutes, also after an outage', async () => {
  const optionalPages = createOptionalPages();
  const page: Request = {
    what: 'faults',
    bytes: bytesOf(asksCells),
    accepts: ({ code }) => code === 4,
    optional: true,
  };
  const { clock, exchange, sent, comes } = setUp(jbd, {}, { retries: 1, optionalPages });
  const first = outcomeOf(exchange.ask(page));
  await clock.advance(100);
  comes(cells);
  await settle();
  assert.equal(first.value?.length, 1);
  for (let round = 0; round < 500; round++) {
    void exchange.ask(page);
    await clock.advance(1000);
    if (round === 250) optionalPages.anew();
  }
  assert.ok(sent.length >= 501, `${sent.length}`);
});

test('a link that ends rejects the request that waits, and every later one', async () => {
  const { clock, exchange, breaks, comes } = setUp();
  const seen = outcomeOf(exchange.run(jbd.reading));
  await settle();
  comes(basic.slice(0, 20));
  breaks({ kind: 'unplugged', reason: 'the port is gone' });
  await settle();
  assert.equal(seen.error!.message, 'test: the port is gone, in the middle of a frame');
  const later = outcomeOf(exchange.run(jbd.reading));
  await clock.advance(jbd.timing.gap);
  assert.equal(later.error!.message, 'test: the port is gone');
});

test('a write that fails is the failure, and leaves no timer behind', async () => {
  const { clock, exchange, refuses } = setUp();
  refuses({ kind: 'failed', reason: 'write failed' });
  const seen = outcomeOf(exchange.run(jbd.reading));
  await settle();
  assert.equal(seen.error!.message, 'test: write failed');
  assert.equal(clock.waiting, 0);
});

test('a stop ends the wait at once', async () => {
  const { clock, exchange, stop } = setUp();
  const seen = outcomeOf(exchange.run(jbd.reading));
  await settle();
  stop.abort(new DOMException('stopped', 'AbortError'));
  await settle();
  assert.equal(seen.error!.name, 'AbortError');
  assert.equal(clock.waiting, 0);
});

test('a device that speaks by itself is listened to, and nothing is sent', async () => {
  const listen: Request = { what: 'whatever comes', accepts: ({ code }) => code === 4 };
  const { exchange, sent, comes } = setUp();
  const seen = outcomeOf(exchange.ask(listen));
  await settle();
  comes(cells);
  await settle();
  assert.equal(seen.value?.length, 1);
  assert.deepEqual(sent, []);
});

test('an answer of unknown length ends with silence', async () => {
  const some: Request = {
    what: 'text',
    bytes: bytesOf(asksCells),
    accepts: () => true,
    complete: () => false,
    quiet: 50,
  };
  const { clock, exchange, comes } = setUp();
  const seen = outcomeOf(exchange.ask(some));
  await settle();
  for (let n = 0; n < 3; n++) {
    comes(cells);
    await clock.advance(40);
  }
  assert.deepEqual(Object.keys(seen), []);
  await clock.advance(10);
  assert.equal(seen.value?.length, 3);
});

test('questions of different protocols are at least 300 ms apart, in the order of the list, and none of them writes', async () => {
  const { clock, host, link, sent } = setUp();
  const wire = { name: 'test', kind: () => 'serial', connect: async () => ({ ...link, close: async () => {} }) };
  const serial = codecs.filter((codec) => codec.serial);
  const seen = outcomeOf(probe(wire, serial, {}, 100, host));
  await clock.advance(60_000);
  assert.match(seen.error!.message, /no answer as jbd, daly-a5, daly-d2, daly-p81: nothing came at all/);
  const heads = sent.map(({ bytes }) => bytes.slice(0, 6));
  assert.deepEqual(heads.slice(0, 7), ['dda503', 'dda503', 'a54090', 'a54090', 'a58090', 'd20300', '810300']);
  assert.equal(heads[7], '017810', 'the relative of a JBD');
  assert.equal(heads.length, 7 + 1 + 1 + 15);
  for (const [n, { at }] of sent.entries()) {
    if (n > 1) assert.ok(at - sent[n - 1]!.at >= 300 + 100, `${at - sent[n - 1]!.at} ms before question ${n + 1}`);
  }
});

/** A device that answers a JBD's question and hangs up on every other. */
function touchy(clock: FakeClock, patienceWithJbd: boolean) {
  let connections = 0;
  const asked: string[] = [];
  const connect = async (): Promise<Link> => {
    connections++;
    const far = fakeLink(clock);
    return {
      ...far.link,
      async send(bytes) {
        asked.push(hex(bytes).slice(0, 4));
        if (patienceWithJbd && hex(bytes) === asksBasic) queueMicrotask(() => far.comes(basic));
        else far.breaks({ kind: 'closed', reason: 'it hung up' });
      },
    };
  };
  return { wire: { name: 'test', kind: () => 'serial', connect }, asked, connections: () => connections };
}

test('a device that hangs up on the language of another is asked in the next one, over a new connection', async () => {
  const { clock, host } = setUp();
  const candidates = ['daly-d2', 'daly-p81', 'jbd'].map((wanted) => codecs.find(({ name }) => name === wanted)!);
  const far = touchy(clock, true);
  const seen = outcomeOf(probe(far.wire, candidates, {}, 100, host));
  await clock.advance(10_000);
  assert.equal(seen.value?.codec.name, 'jbd', seen.error?.message);
  assert.deepEqual(far.asked, ['d203', '8103', 'dda5']);
  assert.equal(far.connections(), 3);
});

test('one that hangs up on everything is not asked for ever, and its hanging up is what is said', async () => {
  const { clock, host } = setUp();
  const far = touchy(clock, false);
  const seen = outcomeOf(
    probe(
      far.wire,
      codecs.filter(({ serial }) => serial),
      {},
      100,
      host,
    ),
  );
  await clock.advance(60_000);
  assert.equal(seen.error?.message, 'test: it hung up');
  assert.equal(far.connections(), 3);
});

test('bytes that never get out end with the time-out of the request, and with the run', async () => {
  const { clock, exchange, link, stop } = setUp(jbd, {}, { retries: 2, readTimeout: 100 });
  link.send = () => new Promise(() => {});
  const seen = outcomeOf(exchange.run(jbd.reading));
  await clock.advance(1000);
  assert.match(seen.error!.message, /no answer to basic information \(2 × 100 ms\)/);
  const stopped = outcomeOf(exchange.run(jbd.reading));
  await clock.advance(50);
  stop.abort(new DOMException('stopped', 'AbortError'));
  await settle();
  assert.equal(stopped.error?.name, 'AbortError');
});

test('what changes the device is sent as a switch alone, never in a reading, an opening or a probe', async () => {
  const writing: Request = { what: 'factory mode', bytes: bytesOf(asksBasic), accepts: () => true, writes: true };
  const codec: Codec = {
    ...jbd,
    opening: () => [writing],
    reading: { ...jbd.reading, requests: () => [writing] },
    probes: () => [{ request: writing, options: {} }],
  };
  const { exchange, sent, host, link } = setUp(codec);
  const wire = { name: 'test', kind: () => '', connect: async () => link };
  for (const attempt of [
    () => exchange.open(),
    () => exchange.run(codec.reading),
    () => exchange.ask(writing),
    () => probe(wire, [codec], {}, undefined, host),
  ]) {
    await assert.rejects(attempt, /factory mode would change the device, which only its switches may/);
  }
  assert.deepEqual(sent, []);
  void exchange.write(writing).catch(() => {});
  await settle();
  assert.equal(sent.length, 1);
});

test('what is rejected is counted by its reason, our own echo apart from the questions of others', async () => {
  const { clock, exchange, comes, counted } = setUp();
  const seen = outcomeOf(exchange.run(jbd.reading));
  await settle();
  comes(asksBasic);
  comes('dda50400fffc77dda50400fffc77');
  comes(`${basic.slice(0, -6)}000077`);
  await clock.advance(10_000);
  assert.ok(seen.error);
  assert.deepEqual(counted, {
    'bms_rejected_total echo': 1,
    'bms_rejected_total request': 2,
    'bms_rejected_total checksum': 1,
  });
});
