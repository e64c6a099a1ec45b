import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createLog, createRedactor } from '../../src/runtime/logger.ts';
import { createDelivery } from '../../src/spool/delivery.ts';
import { disk } from '../../src/spool/disk.ts';
import { type FakeClock, fakeClock, settle } from '../support/clock.ts';
import { until } from '../support/fixture.ts';
import { fill, logFiles, numbers, range, spoolFolder, type WorkOptions, work } from '../support/spool.ts';

/** A sink of a test: what it does with its lines. */
interface FakeSink {
  child: ChildProcess;
  lines: string[];
  ack(count: number | string): void;
  print(line: string): void;
  exit(status: number | null, signal?: string): void;
  readonly inputEnded: boolean;
}

/** Sinks that a test plays, one after the other. */
async function scene(play: (sink: FakeSink, life: number) => void, options: WorkOptions & { clock?: FakeClock } = {}) {
  const clock = options.clock ?? fakeClock();
  const spool = await work({ ...options, clock });
  const log: string[] = [];
  const printed: string[] = [];
  const health: string[] = [];
  const starts: number[] = [];
  const failed: unknown[] = [];
  const deadline = new AbortController();
  const sinks: FakeSink[] = [];
  let rewinds = 0;
  const feed = {
    ...spool.feed,
    get wait() {
      return spool.feed.wait;
    },
    rewind() {
      rewinds++;
      return spool.feed.rewind();
    },
  };
  const spawn = (): ChildProcess => {
    const stdin = new PassThrough();
    const [stdout, acks] = [new PassThrough(), new PassThrough()];
    const child = Object.assign(new EventEmitter(), {
      pid: 1,
      stdin,
      stdout,
      stdio: [stdin, stdout, null, acks],
      kill,
    });
    let over = false;
    const sink: FakeSink = {
      child: child as unknown as ChildProcess,
      lines: [],
      inputEnded: false,
      ack: (count) => void acks.write(`${count}\n`),
      print: (line) => void stdout.write(`${line}\n`),
      exit(status, signal) {
        if (over) return;
        over = true;
        acks.end();
        stdout.end();
        stdin.destroy();
        setImmediate(() => child.emit('exit', status, signal ?? null));
      },
    };
    function kill(signal: string): boolean {
      sink.exit(null, signal);
      return true;
    }
    let rest = '';
    stdin.on('data', (chunk) => {
      const parts = (rest + String(chunk)).split('\n');
      rest = parts.pop()!;
      sink.lines.push(...parts);
    });
    stdin.on('end', () => Object.assign(sink, { inputEnded: true }));
    sinks.push(sink);
    starts.push(clock.monotonic());
    const life = sinks.length;
    setImmediate(() => play(sink, life));
    return sink.child;
  };
  const delivery = createDelivery({
    argv: ['the-sink'],
    outlet: { feed, keeper: spool.keeper, bell: spool.bell, backlog: spool.backlog },
    spawn,
    clock,
    log: createLog(
      'spool',
      { level: 'info', format: 'text', journal: false },
      {
        clock,
        redactor: createRedactor(),
        write: (line) => void log.push(line.trimEnd()),
      },
    ),
    deadline: deadline.signal,
    onLine: (line) => void printed.push(line),
    onFailed: (error) => void failed.push(error),
    onSent() {},
    onDelivered() {},
    alive: () => void health.push('alive'),
    unready: (why) => void health.push(why),
  });
  // The feed is rewound, which takes a disk's time, between the end of a wait and the next start.
  const isStarting = (): boolean => sinks.length <= rewinds;
  return { clock, spool, delivery, log, printed, health, starts, sinks, isStarting, deadline, failed };
}

const got = (sinks: readonly FakeSink[]): unknown[] =>
  sinks.flatMap(({ lines }) => numbers(lines.map((line) => JSON.parse(line))));

/** Calls `then` when a sink has so many lines. */
const having = (sink: FakeSink, lines: number, then: () => void): void => {
  if (sink.lines.length >= lines) then();
  else setImmediate(() => having(sink, lines, then));
};

/** Acknowledges all that it has, and ends with its input. */
const good = (sink: FakeSink): void => {
  sink.ack(0);
  const look = (): void => {
    sink.ack(sink.lines.length);
    if (sink.inputEnded) sink.exit(0);
    else setImmediate(look);
  };
  look();
};

test('a server that is dead for ten minutes costs nothing: the sink is tried with growing waits, then gets all in order', async () => {
  const clock = fakeClock();
  const s = await scene((sink) => (clock.monotonic() < 600_000 ? sink.exit(69) : good(sink)), { clock });
  const running = s.delivery.run();
  let n = 0;
  while (clock.monotonic() < 600_000) {
    // As long as it takes until the sink whose wait is over has started and ended, and the next wait has begun.
    await until(() => !s.isStarting() && (s.health.length === s.sinks.length || s.health.includes('alive')));
    await fill(s.spool, n + 1, n + 10);
    n += 10;
    await clock.advance(5000);
  }
  for (let i = 0; i < 20 && !s.health.includes('alive'); i++) {
    await clock.advance(5000);
    await until(() => !s.isStarting());
    await settle(50);
  }
  await until(() => s.spool.backlog() === 0, 'the delivery');
  s.delivery.finish();
  assert.equal(await running, 0);
  assert.deepEqual(got(s.sinks.slice(-1)), range(1, n));
  const waits = s.starts.slice(1).map((at, i) => at - s.starts[i]!);
  assert.ok(waits.length >= 12 && waits.length <= 25, `${waits.length} attempts`);
  // A cap of 60 s, and the step of the clock.
  assert.ok(
    waits.every((wait) => wait <= 70_000),
    waits.join(' '),
  );
  assert.ok(waits[0]! <= 6000);
  assert.equal(s.log.filter((line) => line.includes('tried again from')).length, 1);
  assert.match(s.log.at(-1)!, /the-sink delivers again \(after="1[01] min/);
  assert.ok(s.health.includes('the-sink ended with status 69'));
  assert.equal(s.health.at(-1), 'alive');
  await s.spool.close();
});

for (const busy of [false, true]) {
  test(`what was handed out before a segment that can't be read is delivered, by a sink that ${busy ? 'waits: it is ended' : 'works'}`, async () => {
    const folder = spoolFolder();
    const before = await work({ folder, segmentBytes: 20_000 });
    await fill(before, 1, 200, 500);
    await before.close();
    const [, second] = logFiles(folder);
    const openToRead = async (path: string): Promise<number> => {
      if (path === second) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
      return disk.openToRead(path);
    };
    const s = await scene((sink) => (busy ? sink.ack(0) : good(sink)), { folder, disk: { ...disk, openToRead } });
    if (busy) void until(() => s.failed.length > 0).then(() => s.deadline.abort());
    await assert.rejects(s.delivery.run(), { status: 74, message: /permission denied/ });
    const { upTo } = s.spool.keeper.done;
    assert.equal(upTo, busy ? 0 : s.sinks[0]!.lines.length);
    await s.spool.close();
  });
}

for (const status of [64, 77, 78]) {
  test(`${status} before the first acknowledgement ends it with ${status}, the backlog kept`, async () => {
    const s = await scene((sink) => {
      sink.ack(0);
      sink.exit(status);
    });
    await fill(s.spool, 1, 3);
    assert.equal(await s.delivery.run(), status);
    assert.equal(s.spool.backlog(), 3);
    assert.match(s.log.join('\n'), new RegExp(`the-sink ended with status ${status}; 3 records stay in the spool`));
    await s.spool.close();
  });

  test(`${status} after the first acknowledgement: not ready, records are taken, tried again every 5 minutes`, async () => {
    const clock = fakeClock();
    const s = await scene(
      (sink, life) => {
        if (life === 4) return good(sink);
        sink.ack(0);
        having(sink, life === 1 ? 3 : 0, () => {
          if (life === 1) sink.ack(2);
          sink.exit(status);
        });
      },
      { clock },
    );
    await fill(s.spool, 1, 3);
    const running = s.delivery.run();
    await until(() => s.health.includes(`the-sink ended with status ${status}`));
    await fill(s.spool, 4, 5);
    for (let i = 0; i < 3; i++) {
      await until(() => s.health.filter((word) => word.includes('ended with')).length === i + 1, 'its end');
      await settle(50);
      assert.equal(s.sinks.length, i + 1);
      await clock.advance(290_000);
      assert.equal(s.sinks.length, i + 1);
      await clock.advance(10_000);
      await until(() => s.sinks.length === i + 2, 'the next try');
      await settle(20);
    }
    await until(() => s.spool.backlog() === 0);
    assert.deepEqual(got(s.sinks.slice(-1)), [3, 4, 5]);
    assert.equal(s.health.at(-1), 'alive');
    s.delivery.finish();
    assert.equal(await running, 0);
    await s.spool.close();
  });
}

test('until 0 has come or ten seconds have passed the cursor stays; after that what is written is delivered, said once', async () => {
  const clock = fakeClock();
  const s = await scene(
    (sink) => {
      const look = (): void => (sink.inputEnded ? sink.exit(0) : void setImmediate(look));
      look();
    },
    { clock },
  );
  await fill(s.spool, 1, 3);
  const running = s.delivery.run();
  await until(() => s.sinks[0]?.lines.length === 3);
  await clock.advance(9900);
  assert.equal(s.spool.backlog(), 3);
  await clock.advance(200);
  await until(() => s.spool.backlog() === 0);
  await fill(s.spool, 4, 4);
  await until(() => s.spool.backlog() === 0);
  assert.equal(s.log.filter((line) => line.includes('does not acknowledge')).length, 1);
  s.delivery.finish();
  assert.equal(await running, 0);
  await s.spool.close();
});

test('acknowledgements that make no sense do no harm', async () => {
  const s = await scene((sink) => {
    having(sink, 3, () => {
      for (const nonsense of ['0', '-1', 'abc', '2', '1', '1e9', '99999999999999999999', '']) sink.ack(nonsense);
    });
  });
  await fill(s.spool, 1, 3);
  const running = s.delivery.run();
  await until(() => s.spool.backlog() === 1);
  await settle(20);
  assert.equal(s.spool.backlog(), 1);
  s.sinks[0]!.ack(999);
  await until(() => s.spool.backlog() === 0);
  s.delivery.finish();
  s.sinks[0]!.exit(0);
  assert.equal(await running, 0);
  await s.spool.close();
});

test('a sink that dies gets again what it had not acknowledged, first', async () => {
  const clock = fakeClock();
  const s = await scene(
    (sink, life) => {
      if (life === 2) return good(sink);
      sink.ack(0);
      having(sink, 6, () => {
        sink.ack(4);
        sink.exit(null, 'SIGKILL');
      });
    },
    { clock },
  );
  await fill(s.spool, 1, 6);
  const running = s.delivery.run();
  await until(() => s.log.some((line) => line.includes('the-sink was ended by SIGKILL: tried again from 1 s on')));
  await settle(50);
  await clock.advance(1000);
  await until(() => s.spool.backlog() === 0);
  assert.deepEqual([got(s.sinks.slice(0, 1)), got(s.sinks.slice(1))], [range(1, 6), [5, 6]]);
  s.delivery.finish();
  assert.equal(await running, 0);
  await s.spool.close();
});

test('at the end of input the status of the sink is the status, and what it did not take is kept', async () => {
  const s = await scene((sink) => {
    sink.ack(0);
    const look = (): void => (sink.inputEnded ? sink.exit(69) : void setImmediate(look));
    look();
  });
  await fill(s.spool, 1, 2);
  s.delivery.finish();
  assert.equal(await s.delivery.run(), 69);
  assert.deepEqual([s.sinks.length, s.spool.backlog()], [1, 2]);
  await s.spool.close();
});

test('a signal ends it: the sink has until the deadline to acknowledge, then it is ended', async () => {
  const clock = fakeClock();
  const s = await scene((sink) => sink.ack(0), { clock });
  await fill(s.spool, 1, 5);
  const running = s.delivery.run();
  await until(() => s.sinks[0]?.lines.length === 5);
  s.delivery.stop();
  await clock.advance(1000);
  await until(() => s.sinks[0]!.inputEnded, 'the end of its input');
  s.sinks[0]!.ack(3);
  await until(() => s.spool.backlog() === 2);
  s.deadline.abort();
  assert.equal(await running, 0);
  await s.spool.close();
});

test('a sink that takes nothing does not keep a signal waiting', async () => {
  const clock = fakeClock();
  const s = await scene((sink) => void (sink.child.stdin as PassThrough).removeAllListeners('data').pause(), { clock });
  await fill(s.spool, 1, 500, 1000);
  const running = s.delivery.run();
  await until(() => s.sinks.length === 1);
  await settle(20);
  s.delivery.stop();
  await clock.advance(1000);
  s.deadline.abort();
  await clock.advance(1000);
  assert.equal(await running, 0);
  assert.equal(s.spool.backlog(), 500);
  await s.spool.close();
});

test('what a sink prints is handed on', async () => {
  const s = await scene((sink) => {
    sink.print('{"type":"receipt"}');
    good(sink);
  });
  await fill(s.spool, 1, 1);
  s.delivery.finish();
  assert.equal(await s.delivery.run(), 0);
  assert.deepEqual(s.printed, ['{"type":"receipt"}']);
  await s.spool.close();
});

test('what a sink writes without an end to its lines is said once and left out, and the lines behind it count', async () => {
  const s = await scene((sink) => {
    for (let n = 0; n < 40; n++) sink.child.stdout!.push('z'.repeat(65_536));
    sink.print('');
    sink.print('{"type":"receipt"}');
    sink.print('z'.repeat(1024 * 1024 + 1));
    sink.ack(0);
    sink.ack('z'.repeat(65_536));
    sink.ack('9'.repeat(65_536));
    having(sink, 1, () => {
      sink.ack(1);
      sink.exit(0);
    });
  });
  await fill(s.spool, 1, 1);
  s.delivery.finish();
  assert.equal(await s.delivery.run(), 0);
  assert.deepEqual(s.printed, ['{"type":"receipt"}']);
  assert.deepEqual(s.log.sort(), [
    'spool: warning: the-sink prints lines of more than 1 MiB: they are left out',
    'spool: warning: the-sink writes what is no count to where it acknowledges: that is left out',
  ]);
  await s.spool.close();
});
