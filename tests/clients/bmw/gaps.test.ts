import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillGaps, type GapOptions } from '../../../src/clients/bmw/gaps.ts';
import type { VoltRecord } from '../../../src/records/record.ts';
import { timestamp } from '../../../src/runtime/clock.ts';
import { createTimers } from '../../../src/runtime/timer-input.ts';
import { fakeClock, settle } from '../../support/clock.ts';
import { openInput } from '../../support/open-input.ts';

const minute = 60_000;
const header = 'vehicle.drivetrain.batteryManagement.header';

/** A stream that a test speaks for, and what comes out behind it. */
function setUp(options: Partial<GapOptions> = {}) {
  const clock = fakeClock();
  const input = openInput();
  const reads: [vin: string, at: number][] = [];
  const start = clock.now();
  const out: VoltRecord[] = [];
  const record = (vin: string, value: unknown, via = 'stream'): VoltRecord => ({
    type: 'bmw_telematics',
    time: timestamp(clock.now()),
    vin,
    via,
    data: { [header]: { timestamp: timestamp(clock.now()), value, unit: '%' } },
  });
  const gaps = fillGaps(
    { input, timers: (records) => createTimers(records, clock) },
    {
      staleAfter: 10 * minute,
      vins: [],
      vehicles: async () => ['V1', 'V2'],
      async *read(vin) {
        reads.push([vin, (clock.now() - start) / minute]);
        yield record(vin, 60, 'rest');
      },
      onMissed(error) {
        throw error;
      },
      onRead() {},
      ...options,
    },
  );
  const done = (async () => {
    for await (const one of gaps) out.push(one);
  })();
  return {
    clock,
    reads,
    out,
    done,
    record,
    async put(...records: VoltRecord[]) {
      input.push(...records);
      await settle();
    },
    async end() {
      input.end();
      await done;
      assert.equal(clock.waiting, 0, 'no timer is left that would keep the process');
    },
  };
}

test('a stream that never says a word: the vehicles of the account are read (BMW-67)', async () => {
  const { clock, reads, out, end } = setUp();
  await clock.advance(11 * minute);
  assert.deepEqual(reads, [
    ['V1', 10],
    ['V2', 10],
  ]);
  await clock.advance(10 * minute);
  assert.equal(reads.length, 4, 'each is watched from then on');
  await end();
  assert.equal(out.length, 4);
});

test('where the stream names its vehicle, no other one of the account costs a request (BMW-74)', async () => {
  const { clock, reads, put, record, end } = setUp();
  await put(record('V1', 50));
  await clock.advance(11 * minute);
  assert.deepEqual(reads, [['V1', 10]]);
  await end();
});

test('a charge that the car does not know is none', async () => {
  const { clock, reads, put, record, end } = setUp({ vins: ['V1'] });
  await clock.advance(9 * minute);
  await put(record('V1', '-NA-'));
  await clock.advance(2 * minute);
  assert.deepEqual(reads, [['V1', 10]]);
  await end();
});

test('while BMW takes its time the stream passes on, and the answer comes when it comes', async () => {
  let answer = (): void => {};
  const { clock, out, put, record, end } = setUp({
    vins: ['V1'],
    async *read(vin) {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      yield { ...record(vin, 61), via: 'rest' };
    },
  });
  await clock.advance(10 * minute);
  await put(record('V1', 50), record('V1', 51));
  assert.equal(out.length, 2);
  answer();
  await clock.advance(1);
  assert.deepEqual(
    out.map(({ via }) => via),
    ['stream', 'stream', 'rest'],
  );
  await end();
});

test('an answer that is under way at the end of the stream still comes out', async () => {
  let answer = (): void => {};
  const { clock, out, record, end } = setUp({
    vins: ['V1'],
    async *read(vin) {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      yield record(vin, 61);
    },
  });
  await clock.advance(10 * minute);
  const over = end();
  await settle();
  answer();
  await over;
  assert.equal(out.length, 1);
});

test('what it is of no use to go on after ends it, at once', async () => {
  const { clock, done } = setUp({
    vins: ['V1'],
    // biome-ignore lint/correctness/useYield: it fails before it has anything
    async *read() {
      throw new Error('refused for good');
    },
  });
  const end = assert.rejects(done, /refused for good/);
  await clock.advance(10 * minute);
  await end;
  assert.equal(clock.waiting, 0);
});
