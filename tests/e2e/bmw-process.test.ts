import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { background } from '../support/background.ts';
import { freePort } from '../support/mosquitto.ts';
import { requireSmallDisk } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';
import { header, login, type Started, started, vin } from './bmw.ts';

const environment = (from: Started): NodeJS.ProcessEnv =>
  cleanEnvironment(temporaryFolder('home'), { ...from.env, VOLTPIPE_DATA_DIR: from.dataDir });

test('a full disk under the token file: the old tokens are still there, and still good (74)', async (t) => {
  const from = await started(t);
  await login(from);
  const file = join(from.dataDir, 'bmw-tokens.json');
  const before = readFileSync(file, 'utf8');
  // No file may have a byte: stands for a full disk where none can be made.
  const full = await shell(`trap '' XFSZ; ulimit -f 0; bmw-login --refresh`, { env: environment(from) });
  assert.equal(full.status, 74, full.stderr);
  assert.match(full.stderr, /bmw-tokens\.json: cannot be written/);
  assert.equal(readFileSync(file, 'utf8'), before);
  const after = await shell('bmw-login --refresh', { env: environment(from) });
  assert.equal(after.status, 0, after.stderr);
});

test('the same on a small disk that is really full', async (t) => {
  const disk = requireSmallDisk(t);
  if (!disk) return;
  const from = await started(t);
  from.dataDir = join(disk, 'bmw');
  t.after(() => rmSync(from.dataDir, { recursive: true, force: true }));
  await login(from);
  const file = join(from.dataDir, 'bmw-tokens.json');
  const before = readFileSync(file, 'utf8');
  const ballast = join(from.dataDir, 'ballast');
  await shell(`cat /dev/zero >${ballast}`, { env: environment(from) });
  const full = await shell('bmw-login --refresh', { env: environment(from) });
  assert.equal(full.status, 74, full.stderr);
  assert.equal(readFileSync(file, 'utf8'), before);
  rmSync(ballast);
  assert.equal((await shell('bmw-login --refresh', { env: environment(from) })).status, 0);
});

test('metrics and readiness of a running stream (BMW-49, BMW-51)', async (t) => {
  const from = await started(t);
  await login(from);
  const port = await freePort();
  const stream = background(['bmw-stream', '--http', String(port)], environment(from));
  t.after(() => stream.stop());
  const value = async (name: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return Number(new RegExp(`^voltpipe_${name}\\{cmd="bmw-stream"\\} (\\S+)$`, 'm').exec(text)?.[1]);
  };
  while (from.bmw.broker.subscriptions.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await from.bmw.publish(vin, { [header]: { timestamp: '2026-03-01T12:00:00Z', value: 61, unit: '%' } });
  await stream.line(({ type }) => type === 'bmw_telematics');
  assert.equal(await value('mqtt_connected'), 1);
  assert.ok(Math.abs((await value('last_record_timestamp_seconds')) - Date.now() / 1000) < 60);
  assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
  await from.bmw.broker.down();
  while ((await value('mqtt_connected')) !== 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 503);
});

test('a reader that stalls costs the oldest records, shown as a gap, and never the connection', async (t) => {
  const from = await started(t);
  await login(from);
  // Nobody reads its stdout for now.
  const child = spawn(process.execPath, ['bin/bmw-stream.js', '--queue-size', '50'], {
    env: environment(from),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill());
  while (from.bmw.broker.subscriptions.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const long = 'x'.repeat(2000);
  const last = 3000;
  for (let i = 0; i <= last; i++) {
    await from.bmw.publish(vin, { [header]: { timestamp: '2026-03-01T12:00:00Z', value: i, unit: long } });
  }
  const values: number[] = [];
  let lost = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const record = JSON.parse(line);
    if (record.type === 'gap') lost += record.count;
    else values.push(record.data[header].value);
    if (values.at(-1) === last) break;
  }
  assert.ok(lost > 0);
  assert.equal(values.length + lost, last + 1, 'every message is there, or told to be missing');
  assert.deepEqual(
    values,
    values.toSorted((a, b) => a - b),
  );
  assert.equal(from.bmw.broker.accepted, 1);
});

test('SIGTERM ends a stream cleanly, and its lock with it', async (t) => {
  const from = await started(t, { broker: { reconnectPause: 0 } });
  await login(from);
  const env = environment(from);
  for (let i = 0; i < 2; i++) {
    const stream = background(['bmw-stream'], env);
    while (!from.bmw.broker.connected) await new Promise((resolve) => setTimeout(resolve, 20));
    await stream.stop();
    assert.deepEqual(await stream.ended, { status: null, signal: 'SIGTERM' });
    while (from.bmw.broker.connected) await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

test('a token file of the wrong shape is told with its path (77)', async (t) => {
  const from = await started(t);
  writeFileSync(join(from.dataDir, 'bmw-tokens.json'), '[]');
  const { status, stderr } = await shell('bmw-stream', { env: environment(from) });
  assert.equal(status, 77);
  assert.match(stderr, /bmw-tokens\.json: incomplete.*Run bmw-login/);
});
