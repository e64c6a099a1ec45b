import assert from 'node:assert/strict';
import { test } from 'node:test';
import { command as bmwPoll } from '../../src/commands/bmw-poll.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { systemClock, timestamp } from '../../src/runtime/clock.ts';
import { createHealth } from '../../src/runtime/health.ts';
import { fakeClock } from '../support/clock.ts';
import { runCommand } from '../support/command.ts';
import { during, header, login, started, until, vin } from './bmw.ts';

test('one reading of the configured vehicle (BMW-67)', async (t) => {
  const from = await started(t);
  await login(from);
  const { records, status, error } = await runCommand(bmwPoll, from as never);
  assert.equal(status, 0, String(error));
  assert.equal(records.length, 1);
  assert.equal(records[0]?.['via'], 'rest');
  assert.ok(header in (records[0]!['data'] as object));
});

test('without a VIN it reads every vehicle of the account; basic data and history have types of their own (BMW-70)', async (t) => {
  const second = 'WBYVP000000000002';
  const from = await started(t, { cars: [{ vin }, { vin: second }] });
  await login(from);
  const env: Record<string, string> = { ...from.env };
  delete env['VOLTPIPE_BMW_VIN'];
  const basic = await runCommand(bmwPoll, { ...from, env, flags: { what: 'basic' } } as never);
  assert.deepEqual(
    basic.records.map((record) => [record.type, record['vin']]),
    [
      ['bmw_vehicle', vin],
      ['bmw_vehicle', second],
    ],
  );
  const history = await runCommand(bmwPoll, { ...from, flags: { what: 'history' } } as never);
  assert.equal(history.status, 0, String(history.error));
  assert.ok(history.records.every(({ type }) => type === 'bmw_charging_session'));
});

test('a vehicle that the account may not read keeps none of the others from being read (BMW-70)', async (t) => {
  const foreign = 'WBYVP000000000009';
  const clock = fakeClock();
  const from = await started(t, { clock });
  await during(clock, login(from), 20);
  const once = await during(clock, runCommand(bmwPoll, { ...from, clock, flags: { vin: [foreign, vin] } } as never));
  assert.deepEqual([once.status, once.records.map((record) => record['vin'])], [77, [vin]]);
  assert.match(String(once.error?.message), /CU-104/);

  const stop = new AbortController();
  const records: VoltRecord[] = [];
  const running = runCommand(bmwPoll, {
    env: from.env,
    dataDir: from.dataDir,
    clock,
    flags: { interval: '1h', vin: [foreign, vin] },
    signal: stop.signal,
    onItem: (item) => void records.push(item as VoltRecord),
  });
  await until(clock, () => records.length === 3, 5000);
  stop.abort();
  const { status, log } = await during(clock, running);
  assert.deepEqual([status, new Set(records.map((record) => record['vin']))], [0, new Set([vin])]);
  assert.ok(log.some((line) => line.includes('CU-104')));
});

test('at the limit it refuses with 75 and says when it goes on (BMW-74)', async (t) => {
  const from = await started(t);
  await login(from);
  const flags = { maxRequests: '3' };
  assert.equal((await runCommand(bmwPoll, { ...from, flags } as never)).status, 0);
  const { status, error } = await runCommand(bmwPoll, { ...from, flags } as never);
  assert.equal(status, 75);
  assert.match(`${error?.message} ${(error as { next?: string }).next}`, /3 allowed.*Try again after/);
});

test('a long history that the quota cuts short is printed as far as it was read', async (t) => {
  const from = await started(t, { rest: { pageSize: 1 } });
  await login(from);
  const flags = { what: 'history', maxRequests: '3' };
  const { records, status } = await runCommand(bmwPoll, { ...from, flags } as never);
  assert.equal(status, 75);
  assert.equal(records.length, 3);
});

test('no login, or one without the API: 77 (BMW-71)', async (t) => {
  const from = await started(t, { faults: [{ name: 'token-scope-missing', times: 1 }] });
  assert.equal((await runCommand(bmwPoll, from as never)).status, 77);
  await login(from);
  const { status, error } = await runCommand(bmwPoll, from as never);
  assert.equal(status, 77);
  assert.match(String(error?.message), /CarData API/);
});

test('at an interval, an outage is a missed round, and the quota another', async (t) => {
  const clock = fakeClock();
  const from = await started(t, { clock });
  await during(clock, login(from), 20);
  const stop = new AbortController();
  const records: VoltRecord[] = [];
  const running = runCommand(bmwPoll, {
    env: from.env,
    dataDir: from.dataDir,
    clock,
    flags: { interval: '1m', maxRequests: '10' },
    signal: stop.signal,
    onItem: (item) => void records.push(item as VoltRecord),
  });
  await until(clock, () => records.length === 2, 5000);
  from.bmw.faults.arm('api-CU-503');
  await until(clock, () => records.length === 4, 5000);
  const begin = clock.now();
  await until(clock, () => clock.now() - begin > 20 * 60_000, 5000);
  stop.abort();
  const { status, log } = await during(clock, running);
  assert.equal(status, 0);
  assert.ok(log.some((line) => line.includes('rounds will be missed')));
  assert.ok(log.some((line) => line.includes('CU-503')));
  assert.ok(log.some((line) => line.includes('readings are back')));
  assert.ok(50 - from.bmw.rest.left <= 10);
});

/** Of a request to BMW; no other timer of these tests has this length. */
const requestTimeout = 30_000;

test('--when-stale passes the stream on, and asks BMW only when no state of charge came for so long (BMW-67, BMW-73)', async (t) => {
  const clock = fakeClock();
  const from = await started(t, { clock });
  await during(clock, login(from), 20);
  const second = 1000;
  const at = (n: number): VoltRecord => ({
    type: 'bmw_telematics',
    time: timestamp(clock.now()),
    vin,
    via: 'stream',
    received_at: timestamp(clock.now()),
    data: { [header]: { timestamp: timestamp(clock.now()), value: n, unit: '%' } },
  });
  const other: VoltRecord = { type: 'gap', time: timestamp(clock.now()), source: 'bmw-stream', count: 1 };

  /** Speaks ten times, every 27 s, then is silent for ten minutes. */
  async function* stream() {
    yield other;
    for (let i = 0; i < 10; i++) {
      yield at(i);
      await clock.sleep(27 * second);
    }
    await clock.sleep(600 * second);
  }
  const polls: number[] = [];
  const origin = clock.now();
  const { records, status } = await during(
    clock,
    runCommand(bmwPoll, {
      env: from.env,
      dataDir: from.dataDir,
      clock,
      flags: { whenStale: '2m' },
      input: stream(),
      onItem: (item) => {
        if ((item as VoltRecord)['via'] === 'rest') polls.push((clock.now() - origin) / second);
      },
    }),
    second / 2,
    requestTimeout,
  );
  assert.equal(status, 0);
  assert.equal(records.filter(({ type }) => type === 'gap').length, 1, 'foreign records pass');
  assert.equal(records.filter((record) => record['via'] === 'stream').length, 10);
  // The last of the stream comes at 243 s; what BMW knows is older, so that the second wait is twice as long.
  const [first = 0, next = 0, ...more] = polls;
  assert.ok(first >= 363 && first < 393, `first poll after ${first} s`);
  assert.ok(next >= first + 240 && next < first + 270, `second poll after ${next} s`);
  assert.deepEqual(more, []);
});

test('behind a stream it is ready to pass records on before it has read anything (BMW-52)', async (t) => {
  const from = await started(t);
  await login(from);
  const health = createHealth(systemClock);
  const gap: VoltRecord = { type: 'gap', time: timestamp(0), source: 'bmw-stream', count: 1 };
  const { records } = await runCommand(bmwPoll, {
    env: from.env,
    dataDir: from.dataDir,
    flags: { whenStale: '15m' },
    input: [gap],
    health,
  });
  assert.equal(records.length, 1);
  assert.deepEqual(health.unready(), []);
});

test('options that exclude each other, and dates that are none (64)', async () => {
  const status = async (flags: Record<string, unknown>) => (await runCommand(bmwPoll, { flags })).status;
  assert.equal(await status({ interval: '1h', whenStale: '1h' }), 64);
  assert.equal(await status({ what: 'basic', whenStale: '1h' }), 64);
  assert.equal(await status({ what: 'history', from: 'yesterday' }), 64);
});
