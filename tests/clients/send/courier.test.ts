import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCourier } from '../../../src/clients/send/courier.ts';
import type { Courier, Delivery } from '../../../src/clients/send/courier-model.ts';
import { type Link, LinkDown, type Session, type Shipment, type Verdict } from '../../../src/clients/send/link.ts';
import { createSendQueue, type SendQueue } from '../../../src/clients/send/queue.ts';
import { CommandError } from '../../../src/runtime/exit.ts';
import type { LogFields } from '../../../src/runtime/log.ts';
import { createLog, createRedactor } from '../../../src/runtime/logger.ts';
import { type FakeClock, fakeClock, settle } from '../../support/clock.ts';

type Answer = (payloads: readonly string[]) => Verdict | Promise<Verdict>;

/** A far side that a test moves. */
interface World {
  clock: FakeClock;
  courier: Courier;
  queue: SendQueue;
  /** What it has been sent, shipment by shipment. */
  seen: string[][];
  done: number[];
  log: string[];
  deliveries: Delivery[];
  deadline: AbortController;
  /** Sets what it answers from now on. */
  answer(next: Answer): void;
  /** Sets whether it can be reached. */
  reach(verdict?: Exclude<Verdict, { kind: 'delivered' }>): void;
  /** So many records of the shipment under way have arrived. */
  part(records: number): void;
  /** The connection breaks. */
  lose(why: string): void;
  put(...payloads: string[]): void;
}

const ok: Verdict = { kind: 'delivered', status: 'ok' };
const later: Verdict = { kind: 'later', status: '503', message: 'busy' };
const no: Verdict = { kind: 'rejected', status: '400', message: 'bad record' };

interface Setting {
  window?: number;
  keeps?: boolean;
  records?: number;
  linger?: number;
  retryFor?: number;
  queue?: number;
  policy?: 'block' | 'drop-oldest';
  setAside?: (payload: string, reason: string) => Promise<void>;
  /** Each attempt to connect lasts until it is given up. */
  silent?: boolean;
}

function world(setting: Setting = {}): World {
  const { window = 1, keeps = false, records = 100, linger = 0, retryFor = 60_000, policy = 'block' } = setting;
  const clock = fakeClock();
  const seen: string[][] = [];
  const done: number[] = [];
  const log: string[] = [];
  const deliveries: Delivery[] = [];
  const deadline = new AbortController();
  let answer: Answer = () => ok;
  let down: Exclude<Verdict, { kind: 'delivered' }> | undefined;
  let lose = (_why: string): void => {};
  let part = (_records: number): void => {};
  const session = (): Session => {
    const lost = new Promise<string>((resolve) => {
      lose = resolve;
    });
    const broken = lost.then((message): Verdict => ({ kind: 'later', status: 'lost', message }));
    return {
      lost,
      deliver({ payloads }: Shipment, arrived) {
        part = (records) => arrived(records, 'confirmed');
        seen.push([...payloads]);
        const said = answer(payloads);
        return said instanceof Promise ? Promise.race([broken, said]) : Promise.resolve(said);
      },
      end: async () => undefined,
      abandon() {},
    };
  };
  const link: Link = {
    name: 'test://peer',
    window,
    keeps,
    limits: { records, bytes: 1e6 },
    async open(signal) {
      if (setting.silent) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        throw new LinkDown({ kind: 'later', status: 'aborted', message: 'given up' });
      }
      if (down) throw new LinkDown(down);
      return session();
    },
  };
  const queue = createSendQueue({
    records: setting.queue ?? 1000,
    bytes: 1e6,
    policy,
    onDrop: (ordinals) => done.push(...ordinals),
    gap: ({ count }) => `gap ${count}`,
  });
  const logger = createLog(
    'send',
    { level: 'info', format: 'text', journal: false },
    {
      clock,
      redactor: createRedactor(),
      write: (line: string) => void log.push(line.trimEnd()),
    },
  );
  const courier = createCourier({
    link,
    queue,
    clock,
    log: logger satisfies { lost(key: string, message: string, fields?: LogFields): void },
    linger,
    retryFor,
    deadline: deadline.signal,
    random: () => 0,
    onDelivery: (delivery) => deliveries.push(delivery),
    setAside: setting.setAside,
    onDone: (ordinals) => done.push(...ordinals),
    onUp() {},
    onDown() {},
  });
  let ordinal = 0;
  return {
    ...{ clock, courier, queue, seen, done, log, deliveries, deadline },
    answer(next) {
      answer = next;
    },
    reach(verdict) {
      down = verdict;
    },
    lose: (why) => lose(why),
    part: (records) => part(records),
    put(...payloads) {
      for (const payload of payloads) queue.push({ payload, ordinal: ordinal++, time: undefined });
      courier.nudge();
    },
  };
}

const refusedBy = async (courier: Courier): Promise<CommandError> => {
  const error = await courier.ended.then(
    () => undefined,
    (why: unknown) => why,
  );
  assert.ok(error instanceof CommandError, String(error));
  return error;
};

describe('a far side that takes everything', () => {
  test('what is ready at the same time goes together, in order, and the end waits for all of it', async () => {
    const { courier, put, seen, done } = world();
    put('a', 'b');
    await settle();
    put('c');
    courier.finish();
    assert.deepEqual(await courier.ended, { unsent: 0, why: undefined, rejected: 0, parting: undefined });
    assert.deepEqual(seen, [['a', 'b'], ['c']]);
    assert.deepEqual(done, [0, 1, 2]);
  });

  test('with --linger a record waits for others, no longer than that, and the end of input ends it', async () => {
    const { courier, put, seen, clock } = world({ linger: 1000 });
    put('a');
    await clock.advance(900);
    put('b');
    await clock.advance(50);
    assert.deepEqual(seen, []);
    await clock.advance(50);
    assert.deepEqual(seen, [['a', 'b']]);
    put('c');
    await settle();
    courier.finish();
    await courier.ended;
    assert.deepEqual(seen.at(-1), ['c']);
  });

  test('a full portion does not linger', async () => {
    const { courier, put, seen } = world({ linger: 1000, records: 2 });
    put('a', 'b');
    await settle();
    assert.deepEqual(seen, [['a', 'b']]);
    courier.finish();
    await courier.ended;
  });
});

describe('a far side that is away', () => {
  test('what it has not taken goes again, in order; its loss and its return are said once, with the length', async () => {
    const { courier, put, seen, answer, clock, log, done } = world();
    answer(() => later);
    put('a', 'b');
    await clock.advance(200_000);
    put('c');
    assert.ok(seen.length > 5);
    assert.ok(seen.every((payloads) => payloads[0] === 'a'));
    answer(() => ok);
    await clock.advance(60_000);
    courier.finish();
    await courier.ended;
    assert.deepEqual(done, [0, 1, 2]);
    assert.equal(log.length, 2, log.join('\n'));
    assert.match(log[0]!, /warning: test:\/\/peer: busy/);
    assert.match(log[1]!, /test:\/\/peer is back \(after="\d+ min"\)/);
  });

  test('waits double from 1 s to 60 s, and Retry-After is heeded up to 10 minutes', async () => {
    const { courier, put, answer, clock, seen } = world();
    const at: number[] = [];
    answer(() => {
      at.push(clock.monotonic());
      return at.length === 8
        ? { ...later, retryAfter: 120_000 }
        : at.length === 9
          ? { ...later, retryAfter: 1e9 }
          : later;
    });
    put('a');
    await clock.advance(2_000_000);
    const gaps = at.map((time, i) => time - (at[i - 1] ?? 0));
    assert.deepEqual(gaps.slice(1, 10), [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 120_000, 600_000]);
    courier.finish();
    answer(() => ok);
    await clock.advance(60_000);
    await courier.ended;
    assert.ok(seen.length > 0);
  });

  test('after the end of input it is tried for --retry-for, then what is left is told', async () => {
    const { courier, put, reach, clock } = world({ retryFor: 10_000 });
    reach({ kind: 'later', status: 'network', message: 'connection refused' });
    put('a', 'b');
    await clock.advance(1000);
    courier.finish();
    let over = false;
    void courier.ended.then(() => {
      over = true;
    });
    await clock.advance(9000);
    assert.equal(over, false);
    await clock.advance(1500);
    assert.deepEqual(await courier.ended, { unsent: 2, why: 'connection refused', rejected: 0, parting: undefined });
  });

  test('the end of the grace time ends every wait', async () => {
    const { courier, put, answer, deadline } = world();
    answer(() => new Promise(() => {}));
    put('a');
    await settle();
    courier.finish();
    deadline.abort();
    assert.equal((await courier.ended).unsent, 1);
  });

  test('several shipments under way: those behind the one that failed go again too, none is settled twice', async () => {
    const { courier, put, seen, clock, done, lose, answer } = world({ window: 3, records: 1, keeps: true });
    let hold: (() => void)[] = [];
    answer(() => new Promise((resolve) => hold.push(() => resolve(ok))));
    put('a', 'b', 'c', 'd');
    await settle();
    assert.deepEqual(seen, [['a'], ['b'], ['c']]);
    hold[0]!();
    await settle();
    assert.deepEqual(seen.at(-1), ['d']);
    lose('connection reset');
    hold = [];
    await clock.advance(1000);
    assert.deepEqual(seen.slice(4), [['b'], ['c'], ['d']]);
    answer(() => ok);
    for (const go of hold) go();
    courier.finish();
    await courier.ended;
    assert.deepEqual(done, [0, 1, 2, 3]);
  });

  test('what arrives before the rest of its shipment is settled then, and only the rest goes again', async () => {
    const { courier, put, seen, clock, done, lose, answer, part, deliveries } = world({ keeps: true });
    answer(() => new Promise(() => {}));
    put('a', 'b', 'c', 'd', 'e');
    await settle();
    part(2);
    await settle();
    assert.deepEqual(done, [0, 1]);
    part(1);
    lose('closed by the far side');
    answer(() => ok);
    await clock.advance(1000);
    courier.finish();
    await courier.ended;
    assert.deepEqual(seen, [
      ['a', 'b', 'c', 'd', 'e'],
      ['d', 'e'],
    ]);
    assert.deepEqual(done, [0, 1, 2, 3, 4]);
    assert.deepEqual(
      deliveries.map(({ verdict, count }) => `${verdict.status} ${count}`),
      ['confirmed 2', 'confirmed 1', 'lost 2', 'ok 2'],
    );
  });

  test('what arrives together with a loss or a rejection of the rest is settled, too', async () => {
    for (const verdict of [later, no]) {
      const { courier, put, seen, clock, done, answer, part } = world({ keeps: true });
      answer(() => {
        part(2);
        answer(() => ok);
        return verdict;
      });
      put('a', 'b', 'c');
      await settle();
      assert.deepEqual(done.slice(0, 2), [0, 1]);
      await clock.advance(1000);
      courier.finish();
      await courier.ended;
      assert.deepEqual(seen.slice(0, 2), [['a', 'b', 'c'], ['c']].slice(0, seen.length));
      assert.deepEqual(done, [0, 1, 2]);
    }
  });

  test('after a success the waits begin anew', async () => {
    const { courier, put, seen, answer, clock } = world();
    answer(() => later);
    put('a');
    await clock.advance(20_000);
    answer(() => ok);
    await clock.advance(20_000);
    answer(() => later);
    put('b');
    await settle();
    const before = seen.length;
    answer(() => ok);
    await clock.advance(1000);
    assert.deepEqual(seen.slice(before), [['b']]);
    courier.finish();
    await courier.ended;
  });

  test('with nothing left to send it is not waited for, nor complained of', async () => {
    const { courier, log } = world({ keeps: true, silent: true });
    await settle();
    courier.finish();
    assert.deepEqual(await courier.ended, { unsent: 0, why: undefined, rejected: 0, parting: undefined });
    assert.deepEqual(log, []);
  });

  test('a connection that is lost while nothing is under way is made again at once, where it is worth having', async () => {
    const { clock, lose, log, courier } = world({ keeps: true });
    await settle();
    lose('closed by the far side');
    await clock.advance(1000);
    await clock.advance(6000);
    assert.match(log.join('\n'), /closed by the far side\n.*is back/);
    courier.finish();
    await courier.ended;
  });
});

describe('records that are not wanted', () => {
  test('the one at fault is found by halves, the others arrive in order, nothing is sent twice that was taken', async () => {
    const { courier, put, answer, seen, done } = world();
    const taken: string[] = [];
    answer((payloads) => {
      if (payloads.includes('bad')) return no;
      taken.push(...payloads);
      return ok;
    });
    put('a', 'b', 'c', 'bad', 'd', 'e', 'f');
    courier.finish();
    assert.equal((await courier.ended).rejected, 1);
    assert.deepEqual(taken, ['a', 'b', 'c', 'd', 'e', 'f']);
    assert.deepEqual(done.toSorted(), [0, 1, 2, 3, 4, 5, 6]);
    assert.ok(seen.length < 12, `${seen.length} requests`);
  });

  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `x${i}`);

  test('ten in a row and none ever taken: the fault is not theirs, they do not count as delivered (exit status 76)', async () => {
    const { courier, put, answer, seen, done } = world({ records: 1 });
    answer(() => no);
    put(...many(20));
    const error = await refusedBy(courier);
    assert.equal(error.status, 76);
    assert.match(error.message, /10 records in a row rejected, and none taken: bad record/);
    assert.deepEqual(done, []);
    assert.equal(seen.length, 10);
  });

  test('where some were taken in this run, it takes a thousand; until then none counts as delivered', async () => {
    const { courier, put, answer, seen, done } = world({ records: 1, queue: 2000 });
    put('a');
    await settle();
    answer(() => no);
    put(...many(1200));
    const error = await refusedBy(courier);
    assert.match(error.message, /1000 records in a row rejected/);
    assert.deepEqual(done, [0]);
    assert.equal(seen.length, 1001);
  });

  test('several under way, of which one is not wanted, as when a connection ends over it: that one alone is rejected', async () => {
    const { courier, put, answer, log, done } = world({ window: 3, records: 1, keeps: true });
    const taken: string[] = [];
    const underWay: { payload: string; resolve(verdict: Verdict): void }[] = [];
    answer(([payload]) => new Promise((resolve) => underWay.push({ payload: payload!, resolve })));
    put('a', 'bad', 'c');
    courier.finish();
    let isOver = false;
    const ended = courier.ended.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await settle();
      const all = underWay.splice(0);
      const isBad = all.some(({ payload }) => payload === 'bad');
      for (const { payload, resolve } of all) {
        if (!isBad) taken.push(payload);
        resolve(isBad ? no : ok);
      }
    }
    assert.equal((await ended).rejected, 1);
    assert.deepEqual(taken, ['a', 'c']);
    assert.deepEqual(done.toSorted(), [0, 1, 2]);
    assert.deepEqual(log, []);
  });

  test('a search that finds nothing is given up: as many are under way again as before', async () => {
    const { courier, put, answer, clock } = world({ window: 3, records: 2, queue: 100 });
    let turn = 0;
    let most = 0;
    let now = 0;
    answer(async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => clock.after(10, () => resolve(undefined)));
      now--;
      return turn++ === 0 ? no : ok;
    });
    put('a', 'b');
    await clock.advance(20);
    most = 0;
    put(...many(10));
    await clock.advance(500);
    assert.equal(most, 1);
    put(...many(60));
    await clock.advance(5000);
    assert.equal(most, 3);
    courier.finish();
    assert.equal((await courier.ended).rejected, 0);
  });

  test('a few at the end of input are believed to have been at fault, ten are not', async () => {
    for (const [count, status] of [
      [9, undefined],
      [10, 76],
    ] as const) {
      const { courier, put, answer, done } = world({ records: 1 });
      put('a');
      await settle();
      answer(() => no);
      put(...many(count));
      courier.finish();
      if (status) assert.equal((await refusedBy(courier)).status, status);
      else assert.equal((await courier.ended).rejected, count);
      assert.equal(done.length, status ? 1 : 1 + count);
    }
  });

  test('what is kept elsewhere counts as delivered when it is there, however many there are', async () => {
    const kept: string[] = [];
    let release = (): void => {};
    const setAside = (payload: string, reason: string): Promise<void> => {
      kept.push(`${payload}: ${reason}`);
      return new Promise((resolve) => {
        release = resolve;
      });
    };
    const { courier, put, answer, seen, done } = world({ records: 1, setAside });
    answer(() => no);
    put(...many(30));
    await settle();
    assert.deepEqual([kept, done, seen.length], [['x0: bad record'], [], 1]);
    let isOver = false;
    courier.finish();
    const ended = courier.ended.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      release();
      await settle();
    }
    assert.equal((await ended).rejected, 30);
    assert.deepEqual(
      done,
      Array.from({ length: 30 }, (_, i) => i),
    );
    assert.equal(kept.length, 30);
  });

  test('what is too large goes in smaller portions from then on', async () => {
    const { courier, put, answer, seen } = world();
    answer((payloads) => (payloads.length > 3 ? { kind: 'tooLarge', status: '413', message: 'too large' } : ok));
    put(...Array.from({ length: 12 }, (_, i) => `x${i}`));
    courier.finish();
    await courier.ended;
    assert.deepEqual(
      seen.filter((payloads) => payloads.length <= 3).flat(),
      Array.from({ length: 12 }, (_, i) => `x${i}`),
    );
    assert.deepEqual(
      seen.map((payloads) => payloads.length),
      [12, 6, 3, 3, 3, 3],
    );
  });
});

describe('a far side that does not want us', () => {
  const refused: Verdict = { kind: 'refused', status: '401', message: 'answered 401' };
  const wrong: Verdict = { kind: 'wrong', status: '404', message: 'answered 404' };

  test('refused from the start is the end at once: 77, nothing counts as delivered', async () => {
    const { courier, put, answer, done } = world();
    answer(() => refused);
    put('a');
    assert.equal((await refusedBy(courier)).status, 77);
    assert.deepEqual(done, []);
  });

  test('one who was let in before is turned away three times before he believes it', async () => {
    const { courier, put, answer, seen, clock } = world();
    put('a');
    await settle();
    answer(() => refused);
    put('b');
    await clock.advance(60_000);
    assert.equal((await refusedBy(courier)).status, 77);
    assert.equal(seen.length, 4);
  });

  test('a success between makes the refusals before it forgotten', async () => {
    const { courier, put, answer, clock } = world();
    put('a');
    await settle();
    for (const record of ['b', 'c', 'd']) {
      answer(() => refused);
      put(record);
      await clock.advance(1500);
      answer(() => ok);
      await clock.advance(5000);
    }
    courier.finish();
    assert.equal((await courier.ended).unsent, 0);
  });

  test('a wrong address is 78 when it never worked, and an outage when it had', async () => {
    const never = world();
    never.answer(() => wrong);
    never.put('a');
    assert.equal((await refusedBy(never.courier)).status, 78);

    const had = world();
    had.put('a');
    await settle();
    had.answer(() => wrong);
    had.put('b');
    await had.clock.advance(100_000);
    had.answer(() => ok);
    await had.clock.advance(60_000);
    had.courier.finish();
    assert.equal((await had.courier.ended).unsent, 0);
  });

  test('a link that cannot be opened for such a reason ends it the same way', async () => {
    const { courier, put, reach } = world();
    reach({ kind: 'refused', status: '403', message: 'answered HTTP 403' });
    put('a');
    assert.equal((await refusedBy(courier)).status, 77);
  });
});

describe('a queue that is full', () => {
  test('block: there is room again when something is under way', async () => {
    const { courier, put, queue, answer, clock } = world({ queue: 2, records: 1 });
    answer(() => later);
    put('a', 'b', 'c');
    let room = false;
    void courier.room().then(() => {
      room = true;
    });
    await clock.advance(5000);
    assert.equal(room, false);
    answer(() => ok);
    await clock.advance(60_000);
    assert.equal(room, true);
    assert.equal(queue.size, 0);
    courier.finish();
    await courier.ended;
  });

  test('drop-oldest: the newest stay, the far side gets a gap in the place of the others (C-19)', async () => {
    const { courier, put, answer, seen, clock, done } = world({ queue: 3, policy: 'drop-oldest' });
    answer(() => later);
    put('a', 'b');
    await settle();
    put('c', 'd', 'e', 'f');
    await clock.advance(1000);
    answer(() => ok);
    await clock.advance(5000);
    assert.deepEqual(seen.at(-1), ['gap 3', 'd', 'e', 'f']);
    assert.deepEqual(done.toSorted(), [0, 1, 2, 3, 4, 5]);
    courier.finish();
    await courier.ended;
  });
});
