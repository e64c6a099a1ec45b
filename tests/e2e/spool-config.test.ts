import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startInflux } from '../../src/simulators/influx/index.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const reading = '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"X","voltage":12.5}\n';

/**
 * A home with two servers. `right` is named by `right.yaml`, `data/system.json` and `.env`; `wrong` by the user's own configuration
 * and `wrong.yaml`.
 */
async function home(t: { after(fn: () => unknown): void }) {
  const cwd = temporaryFolder('spool-config');
  const [right, wrong] = [await startInflux({ dialect: '1' }), await startInflux({ dialect: '1' })];
  t.after(() => Promise.all([right.close(), wrong.close()]));
  const naming = (url: string): string => JSON.stringify({ influxdb: { url } });
  for (const folder of ['config/voltpipe', 'data']) mkdirSync(join(cwd, folder), { recursive: true });
  writeFileSync(join(cwd, 'right.json'), naming(right.url));
  writeFileSync(join(cwd, 'wrong.json'), naming(wrong.url));
  writeFileSync(join(cwd, 'data/system.json'), naming(right.url));
  writeFileSync(join(cwd, '.env'), `VOLTPIPE_INFLUXDB_URL=${right.url}\n`);
  writeFileSync(join(cwd, 'config/voltpipe/config.yaml'), naming(wrong.url));
  return { cwd, right, wrong };
}

for (const [what, line] of [
  ['--config of voltpipe run', "voltpipe run --config right.json 'spool d -- influx-write'"],
  ['--data-dir of voltpipe run, whose system.json counts', "voltpipe run --data-dir data 'spool d -- influx-write'"],
  ['--env-file of voltpipe run', "voltpipe run --env-file .env 'spool d -- influx-write'"],
  ['--config of the stage', "voltpipe run --config wrong.json 'spool --config right.json d -- influx-write'"],
  ['--config of spool', 'spool --config right.json d -- influx-write'],
  ['--config of spool get', 'spool put d && spool get --config right.json d -- influx-write'],
  ["the sink's own --config", "voltpipe run --config wrong.json 'spool d -- influx-write --config right.json'"],
  [
    "the sink's own --config, though nothing else reads one",
    "voltpipe run --no-config 'spool d -- influx-write --config right.json'",
  ],
  ['--config within --no-config around it', 'VOLTPIPE_NO_CONFIG=1 spool --config right.json d -- influx-write'],
] as const) {
  test(`${what} holds for the sink of a spool`, async (t) => {
    const { cwd, right, wrong } = await home(t);
    const { status, stderr } = await shell(line, { cwd, env: cleanEnvironment(cwd), stdin: reading });
    assert.deepEqual([status, right.points().length, wrong.points().length], [0, 1, 0], stderr);
  });
}

test('with --no-config of voltpipe run the sink of a spool reads none either', async (t) => {
  const { cwd, right, wrong } = await home(t);
  const line = `voltpipe run --no-config 'spool d -- influx-write --url ${right.url}'`;
  writeFileSync(join(cwd, 'config/voltpipe/config.yaml'), 'influxdb: 1\n');
  const { status, stderr } = await shell(line, { cwd, env: cleanEnvironment(cwd), stdin: reading });
  assert.deepEqual([status, right.points().length, wrong.points().length], [0, 1, 0], stderr);
});
