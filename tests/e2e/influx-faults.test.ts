import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { background } from '../support/background.ts';
import { influxQuery, influxRows, startInfluxd } from '../support/databases.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const rounds = 6;
const perRound = 300;
const start = Date.parse('2026-03-01T00:00:00.000Z');

test('kill -9 of spool and influx-write under load, and of influxd: every record that spool accepted is there, once', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  await influxQuery(influxd, 'CREATE DATABASE "battery_hawk"');
  const home = temporaryFolder('home');
  const env = cleanEnvironment(home, { VOLTPIPE_INFLUXDB_URL: influxd.url });
  const readings = join(home, 'readings.ndjson');
  for (let round = 0; round < rounds; round++) {
    writeFileSync(
      readings,
      Array.from(
        { length: perRound },
        (_, i) =>
          `${JSON.stringify({ type: 'battery_reading', time: new Date(start + (round * perRound + i) * 1000).toISOString(), device_id: 'X', voltage: round * perRound + i })}\n`,
      ).join(''),
    );
    const put = await shell(`spool put ${home}/spool < ${readings}`, { env });
    assert.equal(put.status, 0, put.stderr);
    const sending = background(
      ['spool', 'get', join(home, 'spool'), '--follow', '--', 'influx-write', '--batch', '20', '--receipts'],
      env,
      home,
      true,
    );
    await sending.line(({ ok }) => ok === true);
    if (round === 2) {
      await influxd.kill();
      await sending.stop('SIGKILL');
      await influxd.restart();
    } else await sending.stop('SIGKILL');
  }
  const rest = await shell(`spool get ${home}/spool -- influx-write`, { env });
  assert.equal(rest.status, 0, rest.stderr);
  const rows = await influxRows(influxd, 'SELECT voltage FROM battery_reading', { db: 'battery_hawk' });
  assert.deepEqual(
    rows.map(({ voltage }) => voltage),
    Array.from({ length: rounds * perRound }, (_, i) => i),
  );
});
