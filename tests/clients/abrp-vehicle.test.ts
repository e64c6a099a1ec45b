import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AbrpApi, TimedAnswer } from '../../src/clients/abrp/api.ts';
import type { Pace, Push } from '../../src/clients/abrp/pace.ts';
import { Vehicle } from '../../src/clients/abrp/vehicle.ts';
import type { Tlm } from '../../src/protocols/abrp/telemetry.ts';
import { toTlm } from '../../src/protocols/abrp/telemetry.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { fakeClock } from '../support/clock.ts';

const ok: TimedAnswer = { verdict: 'ok', status: 200, latency: 5 };
const down: TimedAnswer = { verdict: 'later', message: 'connection refused', latency: 5 };
const refused: TimedAnswer = { verdict: 'refused', status: 401, message: '401 Unauthorized Token', latency: 5 };
const rejected: TimedAnswer = { verdict: 'rejected', status: 200, message: 'no', latency: 5 };
const start = 1_772_366_400;

/** A vehicle before a far side that answers as `answer` says, and takes `delay` ms for it. */
function setUp(
  pace: Partial<Pace> = {},
  answer: (points: readonly Tlm[], at: number) => TimedAnswer = () => ok,
  delay = 0,
) {
  const clock = fakeClock(start * 1000);
  const sent: { at: number; points: readonly Tlm[] }[] = [];
  const pushes: Push[] = [];
  const done: number[] = [];
  const refusals: TimedAnswer[] = [];
  let ordinal = 0;
  const api: AbrpApi = {
    async push(_, points) {
      const at = clock.monotonic();
      sent.push({ at, points });
      if (delay > 0) await clock.sleep(delay);
      return answer(points, at);
    },
    telemetry: async () => ok,
  };
  const vehicle = new Vehicle(
    clock,
    api,
    'token',
    { minInterval: 10_000, onChange: [], heartbeat: 0, bulk: 'auto', random: () => 0, ...pace },
    {
      onPush: (push) => pushes.push(push),
      onDone: (covers) => done.push(...covers),
      onRefused: (given) => refusals.push(given),
    },
  );
  /** A record measured now. */
  const add = (fields: Record<string, unknown> = {}): void => {
    const record: VoltRecord = {
      type: 'vehicle_telemetry',
      utc: clock.now() / 1000,
      soc: 50,
      is_charging: false,
      ...fields,
    };
    const { tlm } = toTlm(record);
    assert.ok(tlm);
    vehicle.add({ tlm, record, covers: [ordinal++] });
  };
  return { clock, vehicle, sent, pushes, done, refusals, add, times: () => sent.map(({ at }) => at) };
}

/** Lets `s` seconds pass with one record a second. */
async function drive(
  { clock, add }: ReturnType<typeof setUp>,
  s: number,
  fields: (i: number) => object = () => ({}),
): Promise<void> {
  for (let i = 0; i < s; i++) {
    add({ ...fields(i) });
    await clock.advance(1000);
  }
}

test('a record is pushed at once, the next ones not before the interval is over (BMW-41, BMW-63, C-9)', async () => {
  const world = setUp();
  await drive(world, 35, (i) => ({ soc: 80 - i / 10 }));
  await world.clock.advance(10_000);
  assert.deepEqual(world.times(), [0, 10_000, 20_000, 30_000, 40_000]);
  assert.deepEqual(
    world.sent.map(({ points }) => points.map(({ soc }) => soc)),
    [[80], [79.1], [78.1], [77.1], [76.6]],
  );
  assert.deepEqual(
    world.done,
    Array.from({ length: 35 }, (_, i) => i),
  );
});

test('the last update of a burst is pushed although nothing comes after it', async () => {
  const world = setUp();
  world.add({ is_charging: true });
  await world.clock.advance(10);
  world.add({ is_charging: true, soc: 51 });
  world.add({ is_charging: false, soc: 52 });
  await world.clock.advance(60_000);
  assert.equal(world.sent.length, 2);
  assert.deepEqual(world.sent[1]?.points.at(-1), { utc: start + 0.01, soc: 52, is_charging: false });
});

test('with change triggers a change is pushed at the next allowed moment, the rest at the heartbeat (BMW-41, C-9)', async () => {
  const world = setUp({ onChange: ['soc', 'is_charging'], heartbeat: 30_000 });
  await drive(world, 45, (i) => ({ ext_temp: i / 10, is_charging: i >= 33 }));
  assert.deepEqual(world.times(), [0, 30_000, 40_000]);
  assert.equal(world.sent[2]?.points[0]?.is_charging, true);
});

test('a change waits for the interval, never longer (C-9)', async () => {
  const world = setUp({ onChange: ['soc'] });
  world.add({ soc: 50 });
  await world.clock.advance(2000);
  world.add({ soc: 51 });
  await world.clock.advance(60_000);
  assert.deepEqual(world.times(), [0, 10_000]);
});

test('two pushes are never under way at once, and records wait meanwhile', async () => {
  const world = setUp({ minInterval: 1000 }, () => ok, 5000);
  await drive(world, 12);
  await world.clock.advance(20_000);
  assert.deepEqual(world.times(), [0, 5000, 10_000, 15_000]);
  assert.equal(world.done.length, 12);
});

test('while ABRP is down for an hour points wait, and arrive in order when it is back', async () => {
  const world = setUp({}, (_, at) => (at < 3_600_000 ? down : ok));
  await drive(world, 3600, (i) => ({ soc: 90 - i / 100 }));
  const before = world.sent.length;
  assert.ok(before >= 60 && before <= 70, `${before} attempts in an hour`);
  assert.deepEqual(world.done, []);
  await world.clock.advance(120_000);
  const taken = world.pushes.filter(({ answer }) => answer.verdict === 'ok');
  const utcs = taken.flatMap(({ points }) => points.map(({ utc }) => utc));
  assert.deepEqual(
    utcs,
    [...utcs].sort((a, b) => a - b),
  );
  assert.equal(utcs.length, 360);
  assert.equal(utcs.at(-1), start + 3599);
  assert.ok(taken.every(({ points }) => points.length <= 100));
  assert.equal(world.done.length, 3600);
});

test('waits between attempts double from 5 s to a minute and never undercut the interval', async () => {
  const world = setUp({ minInterval: 1000 }, () => down);
  world.add();
  await world.clock.advance(300_000);
  const waits = world
    .times()
    .slice(1)
    .map((at, i) => at - (world.times()[i] ?? 0));
  assert.deepEqual(waits, [5000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
});

test('a far side that names its time is not asked before', async () => {
  const world = setUp({}, (_, at) => (at === 0 ? { ...down, status: 429, retryAfter: 120_000 } : ok));
  world.add();
  await world.clock.advance(200_000);
  assert.deepEqual(world.times(), [0, 120_000]);
  assert.deepEqual(world.done, [0]);
});

test('a history is sent whole: no more is taken in than can wait, and all of it arrives in order', async () => {
  const world = setUp();
  const { vehicle, clock, sent } = world;
  const total = 2000;
  let most = 0;
  const replay = async (): Promise<void> => {
    for (let i = 0; i < total; i++) {
      const record: VoltRecord = { type: 'vehicle_telemetry', utc: start + i * 60, soc: 50 };
      await vehicle.add({ tlm: { utc: start + i * 60, soc: 50 }, record, covers: [i] });
      most = Math.max(most, vehicle.waiting);
    }
    await vehicle.finish();
  };
  const replayed = replay();
  await clock.advance(600_000);
  await replayed;
  const utcs = sent.flatMap(({ points }) => points.map(({ utc }) => utc));
  assert.deepEqual(
    utcs,
    Array.from({ length: total }, (_, i) => start + i * 60),
  );
  assert.ok(most <= 820, `${most} waited`);
  assert.equal(world.done.length, total);
});

test('a vehicle that is closed holds nobody up', async () => {
  const { vehicle } = setUp({}, () => down);
  let waits: Promise<void> | undefined;
  for (let i = 0; !waits; i++)
    waits = vehicle.add({ tlm: { utc: start + i * 60, soc: 50 }, record: { type: 'vehicle_telemetry' }, covers: [i] });
  vehicle.close();
  await waits;
  assert.equal(vehicle.waiting, 720);
});

test('without bulk an outage leaves the newest point alone', async () => {
  const world = setUp({ bulk: 'never' }, (_, at) => (at < 600_000 ? down : ok));
  await drive(world, 610, (i) => ({ soc: 90 - i / 100 }));
  await world.clock.advance(60_000);
  const taken = world.pushes.filter(({ answer }) => answer.verdict === 'ok');
  assert.ok(taken.every(({ points }) => points.length === 1));
  assert.equal(taken.at(-1)?.points[0]?.utc, start + 609);
  assert.equal(world.done.length, 610);
});

test('one bad point among many does not take the others with it', async () => {
  const isBad = ({ soc }: Tlm): boolean => soc === 47;
  const world = setUp({}, (points, at) => (at < 300_000 ? down : points.some(isBad) ? rejected : ok));
  await drive(world, 300, (i) => ({ soc: Math.floor(i / 10) + 20 }));
  await world.clock.advance(600_000);
  const taken = world.pushes
    .filter(({ answer }) => answer.verdict === 'ok')
    .flatMap(({ points }) => points.map(({ soc }) => soc));
  assert.deepEqual(
    taken,
    Array.from({ length: 30 }, (_, i) => i + 20).filter((soc) => soc !== 47),
  );
  assert.deepEqual(world.done.length, 300);
});

test('a rejected point is not sent again', async () => {
  const world = setUp({}, () => rejected);
  world.add();
  await world.clock.advance(600_000);
  assert.equal(world.sent.length, 1);
  assert.deepEqual(world.done, [0]);
});

test('a token that never worked stops the vehicle at its first refusal, and nothing counts as delivered', async () => {
  const world = setUp({}, () => refused);
  world.add();
  await world.clock.advance(0);
  assert.equal(world.refusals.length, 1);
  assert.equal(world.vehicle.stopped, true);
  world.add();
  await world.clock.advance(600_000);
  assert.equal(world.sent.length, 1);
  assert.deepEqual(world.done, []);
});

test('a token that worked survives a hiccup, and stops the vehicle when it is refused three times', async () => {
  const world = setUp({}, (_, at) => (at === 10_000 || at >= 60_000 ? refused : ok));
  await drive(world, 50);
  assert.equal(world.vehicle.stopped, false);
  await drive(world, 120);
  assert.equal(world.vehicle.stopped, true);
  const last = world.pushes.slice(-3).map(({ answer }) => answer.verdict);
  assert.deepEqual(last, ['refused', 'refused', 'refused']);
  assert.equal(world.refusals.length, 1);
});

test('a parked car that says nothing is pushed every heartbeat for an hour', async () => {
  const world = setUp({ heartbeat: 30_000 });
  world.add({ is_parked: true, power: 0.3 });
  await world.clock.advance(7_200_000);
  assert.equal(world.sent.length, 1 + 120);
  const utcs = world.sent.map(({ points }) => points[0]?.utc);
  assert.deepEqual(utcs.slice(0, 3), [start, start + 30, start + 60]);
  assert.equal(world.sent[1]?.points[0]?.power, undefined);
  world.add({ is_parked: false, soc: 49 });
  await world.clock.advance(0);
  assert.equal(world.sent.at(-1)?.points[0]?.soc, 49);
});

test('a car that falls silent while charging is repeated once, unchanged, after ABRP has its 60 s', async () => {
  const world = setUp({ heartbeat: 30_000 });
  world.add({ is_charging: true, soc: 60 });
  await world.clock.advance(7_200_000);
  assert.deepEqual(world.times(), [0, 61_000]);
  assert.deepEqual(world.sent[1]?.points, world.sent[0]?.points);
});

test('finishing sends what waits at its pace, repeats nothing, and ends', async () => {
  const world = setUp({ heartbeat: 30_000 });
  world.add();
  await world.clock.advance(1000);
  world.add({ soc: 51 });
  let ended = false;
  void world.vehicle.finish().then(() => {
    ended = true;
  });
  await world.clock.advance(8999);
  assert.equal(ended, false);
  await world.clock.advance(1);
  assert.equal(ended, true);
  assert.deepEqual(world.times(), [0, 10_000]);
  await world.clock.advance(600_000);
  assert.equal(world.sent.length, 2);
  assert.equal(world.clock.waiting, 0);
});

test('in a hurry what waits goes at once, also out of a back-off', async () => {
  const world = setUp({}, (_, at) => (at === 0 ? { ...down, retryAfter: 600_000 } : ok));
  world.add();
  await world.clock.advance(3000);
  world.add({ soc: 51 });
  world.vehicle.hurry();
  await world.clock.advance(0);
  assert.deepEqual(world.times(), [0, 3000]);
  assert.deepEqual(world.done, [0, 1]);
});

test('a clock that jumps back or forth moves no push', async () => {
  const world = setUp();
  world.add();
  await world.clock.advance(1000);
  world.clock.jump(-86_400_000);
  world.add({ utc: start + 1, soc: 51 });
  await world.clock.advance(9000);
  world.clock.jump(2 * 86_400_000);
  world.add({ utc: start + 10, soc: 52 });
  await world.clock.advance(10_000);
  assert.deepEqual(world.times(), [0, 10_000, 20_000]);
});

test('after closing nothing is sent', async () => {
  const world = setUp();
  world.add();
  world.vehicle.close();
  await world.clock.advance(600_000);
  assert.equal(world.sent.length, 0);
  assert.equal(world.vehicle.waiting, 1);
});

test('whatever ABRP answers: the interval holds, points come in order, the newest arrives, every input is answered for once', async () => {
  const step = fc.record({
    wait: fc.constantFrom(0, 200, 3000, 9000, 15_000, 90_000),
    answer: fc.constantFrom<TimedAnswer>(ok, ok, ok, down, { ...down, status: 429, retryAfter: 30_000 }),
    soc: fc.integer({ min: 1, max: 99 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.constantFrom<Partial<Pace>>(
        {},
        { bulk: 'never' },
        { onChange: ['soc'], heartbeat: 30_000 },
        { minInterval: 1000 },
      ),
      fc.constantFrom(0, 700, 12_000),
      async (script, pace, delay) => {
        const answers = script.map(({ answer }) => answer);
        const world = setUp(pace, () => answers.shift() ?? ok, delay);
        for (const { wait, soc } of script) {
          world.add({ soc });
          await world.clock.advance(wait);
        }
        const last = world.clock.now() / 1000;
        void world.vehicle.finish();
        await world.clock.advance(1_800_000);

        const { minInterval = 10_000 } = pace;
        const times = world.times();
        for (const [i, at] of times.slice(1).entries()) assert.ok(at - (times[i] ?? 0) >= minInterval, `${times}`);
        const taken = world.pushes.filter(({ answer }) => answer.verdict === 'ok').flatMap(({ points }) => points);
        const utcs = taken.map(({ utc }) => utc);
        assert.deepEqual(
          utcs,
          [...utcs].sort((a, b) => a - b),
        );
        assert.equal(taken.at(-1)?.soc, script.at(-1)?.soc);
        assert.ok(Number(taken.at(-1)?.utc) <= last);
        assert.deepEqual(
          world.done.sort((a, b) => a - b),
          script.map((_, i) => i),
        );
        assert.equal(world.clock.waiting, 0);
      },
    ),
    { numRuns: 150 },
  );
});
