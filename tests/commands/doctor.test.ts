import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { command } from '../../src/commands/voltpipe-doctor.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { fakeClock } from '../support/clock.ts';
import { type RunResult, runCommand } from '../support/command.ts';
import { temporaryFolder } from '../support/shell.ts';

const now = '2026-12-01T12:00:00.000Z';
const vin = 'WBYVP000000000001';

/** A `timedatectl` that answers so; undefined: there is none. */
function timedatectl(answer: string | undefined): () => ChildProcess {
  return () => {
    const child = new EventEmitter() as ChildProcess;
    const stdout = new PassThrough();
    child.stdout = stdout;
    setImmediate(() => {
      if (answer === undefined) return child.emit('error', new Error('ENOENT'));
      stdout.on('end', () => child.emit('close', 0));
      stdout.end(`${answer}\n`);
    });
    return child;
  };
}

interface Installation {
  time?: string;
  synchronised?: string;
  files?: Record<string, unknown>;
  config?: string;
  env?: Record<string, string>;
  flags?: Record<string, unknown>;
}

async function examine(
  installation: Installation = {},
): Promise<{ result: RunResult; of(check: string): VoltRecord[] }> {
  const dataDir = join(temporaryFolder('doctor'), 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  for (const [name, content] of Object.entries(installation.files ?? {}))
    writeFileSync(join(dataDir, name), JSON.stringify(content));
  const config = join(dataDir, 'config.yaml');
  if (installation.config !== undefined) writeFileSync(config, installation.config);
  const result = await runCommand(command, {
    clock: fakeClock(installation.time ?? now),
    spawn: timedatectl(installation.synchronised),
    dataDir,
    flags: { ...(installation.config === undefined ? {} : { config }), ...installation.flags },
    ...(installation.env ? { env: installation.env } : {}),
  });
  return { result, of: (check) => result.records.filter((record) => record.check === check) };
}

const statuses = (findings: readonly VoltRecord[]): unknown[] => findings.map((finding) => finding.status);

test('doctor gives findings as records, and exit status 0 when nothing is wrong', async () => {
  const { result } = await examine();
  assert.equal(result.status, 0);
  assert.ok(result.records.every((record) => record.type === 'finding' && record.time === now));
  assert.ok(!statuses(result.records).includes('error'));
});

test('on a terminal doctor speaks in words, in rows that fit it, and prints no record', async () => {
  const printed: string[] = [];
  const result = await runCommand(command, {
    clock: fakeClock('1970-01-01T00:05:00.000Z'),
    spawn: timedatectl(undefined),
    screen: {
      interactive: true,
      shared: true,
      columns: 60,
      color: false,
      print: (text) => void printed.push(...text.split('\n')),
      draw() {},
    },
  });
  assert.deepEqual([result.status, result.records], [78, []]);
  assert.match(printed[0] ?? '', /^ok {7}node: Node /);
  const clock = printed.findIndex((row) => row.startsWith('error    clock: the clock says 1970-'));
  assert.match(printed[clock + 1] ?? '', /^ {9}\S/);
  assert.ok(
    printed.every((row) => row.length < 60 || !row.trim().includes(' ')),
    printed.join('\n'),
  );
  assert.equal(result.log.filter((line) => line.includes('clock')).length, 0, 'said once');
});

test('doctor finds a clock older than the release (ESP-67)', async () => {
  const { result, of } = await examine({ time: '1970-01-01T00:05:00.000Z' });
  assert.deepEqual(statuses(of('clock')), ['error']);
  assert.equal(result.status, 78);
});

test('doctor tells a clock that is not synchronised from one that is', async () => {
  assert.deepEqual(statuses((await examine({ synchronised: 'no' })).of('clock')), ['warning']);
  assert.deepEqual(statuses((await examine({ synchronised: 'yes' })).of('clock')), ['ok']);
});

test('doctor names every unknown key of the configuration', async () => {
  const { result, of } = await examine({ config: 'bmw:\n  clientID: x\nabrb:\n  apiKey: y\n' });
  const messages = of('config').map((finding) => finding.message);
  assert.ok(
    messages.some((message) => String(message).includes("'clientID'")),
    String(messages),
  );
  assert.ok(
    messages.some((message) => String(message).includes("'abrb'")),
    String(messages),
  );
  assert.equal(result.status, 78);
});

test('doctor says which credentials of ABRP are missing, and shows none', async () => {
  assert.match(String((await examine()).of('abrp credentials')[0]?.message), /abrp\.apiKey and abrp\.userToken/);
  const { result, of } = await examine({
    env: { VOLTPIPE_ABRP_API_KEY: 'key-0123456789', VOLTPIPE_ABRP_USER_TOKEN: 'token-0123456789' },
  });
  assert.deepEqual(statuses(of('abrp credentials')), ['ok']);
  assert.doesNotMatch(JSON.stringify(result.records) + result.log.join(''), /0123456789/);
});

test('doctor tells how long the login is good for, and that one of 15 days ago is not', async () => {
  const tokens = { client_id: 'c', access_token: 'a', refresh_token: 'r' };
  const login = (expires_at: string) => examine({ files: { 'bmw-tokens.json': { ...tokens, expires_at } } });
  const good = await login('2026-12-01T12:30:00.000Z');
  assert.match(String(good.of('bmw login')[0]?.message), /good for 14\.0 days .* for 30 min/);
  const dead = await login('2026-11-16T12:00:00.000Z');
  assert.deepEqual(statuses(dead.of('bmw login')), ['error']);
  assert.equal(dead.result.status, 77);
});

test('doctor lists the descriptors that did not come for hours (BMW-13, BMW-71)', async () => {
  const seen = {
    [vin]: { 'vehicle.a.soc': '2026-12-01T11:59:00.000Z', 'vehicle.b.position': '2026-12-01T01:00:00.000Z' },
  };
  const { of } = await examine({ files: { 'bmw-seen.json': seen } });
  const [finding] = of('bmw descriptors');
  assert.equal(finding?.status, 'warning');
  assert.match(String(finding?.message), /1 of 2 .*vehicle\.b\.position \(last 2026-12-01T01:00/);
  const patient = await examine({ files: { 'bmw-seen.json': seen }, flags: { stale: '12h' } });
  assert.deepEqual(statuses(patient.of('bmw descriptors')), ['ok']);
});

test('doctor warns of a data directory that others may enter', async () => {
  const dataDir = temporaryFolder('doctor');
  chmodSync(dataDir, 0o755);
  const result = await runCommand(command, { clock: fakeClock(now), spawn: timedatectl(undefined), dataDir });
  const finding = result.records.find((record) => record.check === 'data directory');
  assert.equal(finding?.status, 'warning');
});
