import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type InfluxSimulator, startInflux } from '../../src/simulators/influx/index.ts';
import { freePort } from '../support/mosquitto.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';
import { startLife, waitFor, withSeed } from '../support/spool-life.ts';

const start = Date.parse('2026-03-01T00:00:00.000Z');
const hour = 3_600_000;
const noInput = { record: () => '', pace: { records: 0, every: 1000 } };

/** Readings every ten seconds, one in fifty half an hour late; now and then a record that rollup passes on. */
function records(count: number): { type: string; time: string; device_id: string; voltage?: number; count?: number }[] {
  return Array.from({ length: count }, (_, i) => {
    const time = new Date(start + i * 10_000 - (i % 50 === 49 ? hour / 2 + 1 : 0)).toISOString();
    return i % 700 === 350
      ? { type: 'gap', time, device_id: 'X', count: i }
      : { type: 'battery_reading', time, device_id: 'X', voltage: 12 };
  });
}

/** How many readings lie in each window of a size. */
function expected(all: ReturnType<typeof records>, size: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { type, time } of all) {
    const window = Math.floor(Date.parse(time) / size) * size;
    if (type === 'battery_reading') counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  return counts;
}

/** A database on one port that is there or not; what it holds stays. */
async function database() {
  const port = await freePort();
  const held = new Map<string, Map<number, number>>();
  let server: InfluxSimulator | undefined;
  let writes = 0;
  return {
    url: `http://127.0.0.1:${port}`,
    held: (measurement: string) => held.get(measurement) ?? new Map<number, number>(),
    writes: () => writes,
    async up(): Promise<void> {
      server ??= await startInflux({
        port,
        dialect: '1',
        faults: [{}, { drop: 'during' }],
        onPoint({ measurement, time, fields }) {
          writes++;
          const points = held.get(measurement) ?? new Map<number, number>();
          held.set(measurement, points.set(time, Number((fields.n ?? fields.count)?.value)));
        },
      });
    },
    async down(): Promise<void> {
      await server?.close();
      server = undefined;
    },
  };
}

test('rollup behind a spool counts each reading once, whoever is killed or ended while the database is away', () =>
  withSeed(async (random) => {
    const cwd = temporaryFolder('rollup');
    const all = records(40_000);
    writeFileSync(join(cwd, 'all.ndjson'), all.map((record) => `${JSON.stringify(record)}\n`).join(''));
    const env = cleanEnvironment(cwd);
    const put = await shell('spool put d < all.ndjson', { cwd, env });
    assert.equal(put.status, 0, put.stderr);
    const db = await database();
    const pipeline = `rollup 1h,1d --tz UTC --state h --emit-every 2s | influx-write --api v1 --url ${db.url} --flush 100ms --read-timeout 2s`;
    const ends = ['sink', 'spool', 'both', 'SIGTERM'] as const;
    const moment = (least: number, most: number): Promise<void> =>
      new Promise((resolve) => setTimeout(resolve, least + random() * (most - least)));
    try {
      for (const end of ends) {
        const writes = db.writes();
        await db.up();
        const life = startLife({ cwd, argv: ['get', 'd', '--follow', '--', 'voltpipe', 'run', pipeline], ...noInput });
        try {
          for (let i = 0; i < 200 && db.writes() === writes; i++) await moment(50, 50);
          await moment(0, 300);
          await db.down();
          // Long enough for a save of what is not delivered, which there must not be.
          await moment(1200, 2500);
          if (end === 'SIGTERM') await life.end();
          else if (end === 'spool') {
            // Its sink goes on by itself, and nobody hears what it acknowledges.
            const gone = life.kill('spool');
            await moment(100, 500);
            await db.up();
            await gone;
          } else if (end === 'both') await life.kill('spool', 'sink');
          else {
            await life.kill('sink');
            await waitFor(() => life.sink() !== undefined, 'the next sink');
            await moment(1200, 2500);
          }
        } finally {
          await life.kill('spool', 'sink');
        }
      }
      await db.up();
      const last = await shell(`spool get d -- voltpipe run '${pipeline}'`, { cwd, env, limit: 300_000 });
      assert.equal(last.status, 0, last.stderr);
    } finally {
      await db.down();
    }
    assert.ok(existsSync(join(cwd, 'state/voltpipe/rollup-h.json')));
    assert.deepEqual([...db.held('battery_reading_1h')].sort(), [...expected(all, hour)].sort());
    assert.deepEqual([...db.held('battery_reading_1d')].sort(), [...expected(all, 24 * hour)].sort());
    assert.equal(db.held('gap').size, all.filter(({ type }) => type === 'gap').length);
  }));
