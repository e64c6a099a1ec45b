import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InfluxOptions } from '../../src/simulators/influx/index.ts';
import { readings, writing } from '../support/influx-writing.ts';

/** influx-write --create-db beside a server that has no database. */
async function world(simulator: InfluxOptions = {}, flags: Record<string, unknown> = {}) {
  const beside = await writing({ dialect: '1', databases: [], ...simulator }, { flags: { createDb: true, ...flags } });
  const { influx } = beside;
  const creations = (): number => influx.calls.filter((call) => /query|configure/.test(call)).length;
  const vanish = (): Promise<unknown> =>
    fetch(`${influx.url}/query?${new URLSearchParams({ q: 'DROP DATABASE "battery_hawk"' })}`, { method: 'POST' });
  return { ...beside, creations, vanish };
}

for (const dialect of ['1', '3'] as const) {
  for (const status of [401, 403]) {
    test(`InfluxDB ${dialect}: who may not make the database (${status}) gets 77, and nothing is acknowledged`, async () => {
      const missing = { status: 404, message: 'database not found: "battery_hawk"' };
      const { put, end, finished, creations } = await world({
        dialect,
        faults: [missing, { on: 'create', status, message: 'requires admin privilege', times: 9 }],
      });
      put(...readings(1, 2));
      end();
      const { status: ended, error, delivered } = await finished();
      assert.deepEqual([ended, delivered, creations()], [77, 0, 1]);
      assert.match(error?.message ?? '', /refuses the credentials: requires admin privilege/);
    });
  }
}

test('a server that is too busy to make it is asked again when it said, and nothing is lost', async () => {
  const { put, end, finished, creations, influx, clock } = await world({
    faults: [
      { on: 'create', status: 503, retryAfter: 20 },
      { on: 'create', status: 429 },
    ],
  });
  put(...readings(1, 2));
  end();
  const { status, delivered } = await finished();
  assert.deepEqual([status, delivered, creations(), influx.points().length], [0, 2, 3, 2]);
  assert.ok(clock.monotonic() >= 20_000, `${clock.monotonic()}`);
});

test('an answer that does not come, or a connection that breaks, while it is made: it is asked again', async () => {
  for (const fault of [{ delay: 600_000 }, { drop: 'before' }, { drop: 'during' }] as const) {
    const { put, end, finished, influx } = await world(
      { faults: [{ on: 'create', ...fault }] },
      { readTimeout: '10s', patience: '5m' },
    );
    put(...readings(1, 2));
    end();
    const { status, delivered, log } = await finished();
    assert.deepEqual(
      [status, delivered, influx.points().length],
      [0, 2, 2],
      `${JSON.stringify(fault)} ${log.join('\n')}`,
    );
    assert.match(log.join('\n'), /takes no records; they wait/);
  }
});

test('a name that the server refuses is 78, in its words', async () => {
  const { put, end, finished, creations } = await world({}, { database: 'my/home' });
  put(...readings(1, 1));
  end();
  const { status, error, delivered } = await finished();
  assert.deepEqual([status, delivered, creations()], [78, 0, 1]);
  assert.match(error?.message ?? '', /invalid name/);
});

test('a database that vanishes while two requests are under way is made once, and both are delivered', async () => {
  const w = await world({ databases: ['battery_hawk'] }, { batch: '2', flush: '100ms' });
  w.put(...readings(1, 2));
  await w.until(() => w.records.length === 1);
  for (let i = 0; i < 2; i++) w.influx.fault({ delay: 5000 });
  w.put(...readings(3, 6));
  await w.until(() => w.influx.bodies.length === 3);
  await w.vanish();
  w.end();
  const { status, delivered, log } = await w.finished();
  assert.deepEqual([status, delivered], [0, 6]);
  assert.equal(w.influx.points().length, 6);
  assert.equal(log.filter((line) => line.includes('has been made')).length, 1);
});

test('a 404 that was on its way while the database was made is no reason to give up', async () => {
  const w = await world({ databases: ['battery_hawk'] }, { batch: '2', flush: '100ms' });
  w.put(...readings(1, 2));
  await w.until(() => w.records.length === 1);
  w.influx.fault({ delay: 1000 });
  w.influx.fault({ delay: 9000, status: 404, message: 'database not found: "battery_hawk"' });
  w.put(...readings(3, 6));
  await w.until(() => w.influx.bodies.length === 3);
  await w.vanish();
  w.end();
  const { status, delivered } = await w.finished();
  assert.deepEqual([status, delivered, w.influx.points().length], [0, 6, 6]);
});

test('a database that vanishes again later is made again', async () => {
  const w = await world();
  for (let n = 1; n <= 3; n++) {
    w.put(...readings(n, n));
    await w.until(() => w.influx.points().length === n);
    await w.until(() => w.records.some(({ ok, time }) => ok === true && time !== undefined));
    await w.vanish();
  }
  w.end();
  const { status, delivered, log } = await w.finished();
  assert.deepEqual([status, delivered], [0, 3]);
  assert.equal(log.filter((line) => line.includes('has been made')).length, 3);
});

test('a server that says that it has made it, and has not, is 78', async () => {
  const missing = { status: 404, message: 'database not found: "battery_hawk"', times: 9 };
  const { put, end, finished, creations } = await world({ faults: [missing] });
  put(...readings(1, 1));
  end();
  const { status, delivered, error } = await finished();
  assert.deepEqual([status, delivered, creations()], [78, 0, 1]);
  assert.match(error?.message ?? '', /database not found/);
});
