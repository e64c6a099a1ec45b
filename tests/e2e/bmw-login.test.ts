import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { command as bmwLogin } from '../../src/commands/bmw-login.ts';
import { fakeClock } from '../support/clock.ts';
import { runCommand } from '../support/command.ts';
import { during, login, started } from './bmw.ts';

test('a login from the device code to the token file (BMW-08, BMW-09, BMW-20, BMW-44, BMW-45, BMW-46, BMW-64)', async (t) => {
  const from = await started(t);
  const { records, status, log, items } = await login(from);
  assert.equal(status, 0, log.join('\n'));
  const [record] = records;
  assert.equal(records.length, 1);
  assert.equal(record?.type, 'bmw_login');
  assert.equal(record?.['status'], 'valid');
  assert.equal(record?.['gcid'], from.bmw.gcid);
  assert.equal(record?.['stream'], true);
  assert.equal(record?.['api'], true);

  const file = join(from.dataDir, 'bmw-tokens.json');
  const tokens = JSON.parse(readFileSync(file, 'utf8'));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const shown = log.join('\n') + JSON.stringify(items);
  for (const key of ['access_token', 'refresh_token', 'id_token']) assert.ok(!shown.includes(tokens[key]), key);
});

test('the user gets the code as BMW wrote it, and a link that has it in it (BMW-20, BMW-45)', async (t) => {
  const { log } = await login(await started(t));
  const text = log.join('\n');
  const code = /The code is (\S+)/.exec(text)?.[1] ?? '';
  assert.match(code, /^[A-Za-z0-9]{6,}$/);
  assert.match(text, new RegExp(`\\?user_code=${code}\\b`));
});

test('what the user reads is broken between words on a terminal', async (t) => {
  const from = await started(t);
  for (const { VOLTPIPE_BMW_CLIENT_ID: clientId, ...env } of [from.env, { ...from.env, VOLTPIPE_BMW_CLIENT_ID: '' }]) {
    const rows: string[] = [];
    const print = (text: string): void => void rows.push(...text.split('\n'));
    const screen = { interactive: true, shared: true, columns: 60, color: false, print, draw() {} };
    await runCommand(bmwLogin, { dataDir: from.dataDir, env, screen, flags: clientId ? { clientId, qr: false } : {} });
    assert.ok(rows.length > 7);
    assert.deepEqual(
      rows.filter((row) => row.length >= 60 && !row.includes('http')),
      [],
    );
  }
});

test('the user declines: 77 after the two minutes in which BMW may not mean it', async (t) => {
  const clock = fakeClock();
  const from = await started(t, { clock, oauth: { approveAfter: undefined as never, interval: 5 } });
  const running = login(from);
  const shown = setInterval(() => from.bmw.decline(), 5);
  const { status, error } = await during(clock, running).finally(() => clearInterval(shown));
  assert.equal(status, 77);
  assert.match(error?.message ?? '', /access_denied/);
});

test('a code that the gateway spoils is replaced, and the login goes on', async (t) => {
  const { status, log } = await login(await started(t, { faults: [{ name: 'poll-gateway-fault', times: 1 }] }));
  assert.equal(status, 0);
  assert.equal(log.filter((line) => line.includes('The code is')).length, 2);
});

test('a wrong client id ends with 77 and says what to check', async (t) => {
  const { status, error } = await login(await started(t), { clientId: '00000000-0000-4000-8000-00000000dead' });
  assert.equal(status, 77);
  assert.match(`${error?.message} ${(error as { next?: string }).next}`, /client/);
});

test('without a client id the portal is explained, with 78 (BMW-71)', async () => {
  const { status, log } = await runCommand(bmwLogin);
  assert.equal(status, 78);
  assert.match(log.join('\n'), /Subscribe it to "CarData API" and to "CarData Stream"/);
  assert.match(log.join('\n'), /Configure data stream/);
});

for (const fault of ['token-scope-missing', 'token-no-dynamic-scopes'] as const) {
  test(`a login that opens nothing (${fault}) is told with the way out, 77 (BMW-71)`, async (t) => {
    const from = await started(t, { faults: [{ name: fault, times: 1 }] });
    const { status, records, log } = await login(from);
    assert.equal(status, 77);
    assert.equal(records[0]?.['stream'], false);
    assert.match(log.join('\n'), /does not open CarData Stream.*Delete the client/s);
  });
}

test('a failure shows the x-correlation-id that BMW asks for', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(400, { 'content-type': 'application/json', 'x-correlation-id': 'c0ffee' });
    response.end('{"error":"invalid_client"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const authUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { error } = await runCommand(bmwLogin, { flags: { authUrl, clientId: 'x' } });
  assert.match(error?.message ?? '', /x-correlation-id c0ffee/);
});

test('--check: 0 valid, 75 about to expire, 77 log in again, and never a call to BMW (BMW-21)', async (t) => {
  const clock = fakeClock();
  const from = await started(t, { clock });
  const check = () => runCommand(bmwLogin, { ...from, clock, flags: { check: true } });
  assert.equal((await check()).status, 77);
  await during(clock, login(from), 20);
  const calls = from.bmw.events.length;

  const valid = await check();
  assert.equal(valid.status, 0);
  assert.equal(valid.records[0]?.['status'], 'valid');
  await clock.advance(2 * 3_600_000);
  const expiring = await check();
  assert.equal(expiring.status, 75);
  assert.match(expiring.log.join('\n'), /bmw-login --refresh/);
  await clock.advance(14 * 24 * 3_600_000);
  const dead = await check();
  assert.equal(dead.status, 77);
  assert.equal(dead.records[0]?.['status'], 'dead');
  assert.equal(from.bmw.events.length, calls);
});

test('--refresh renews an expired login and keeps the gcid that BMW leaves out (BMW-21, BMW-22)', async (t) => {
  const clock = fakeClock();
  const from = await started(t, { clock });
  await during(clock, login(from), 20);
  const before = JSON.parse(readFileSync(join(from.dataDir, 'bmw-tokens.json'), 'utf8'));
  await clock.advance(5 * 3_600_000);
  const { status, records } = await during(clock, login(from, { refresh: true }));
  assert.equal(status, 0);
  assert.equal(records[0]?.['status'], 'valid');
  const after = JSON.parse(readFileSync(join(from.dataDir, 'bmw-tokens.json'), 'utf8'));
  assert.notEqual(after.refresh_token, before.refresh_token);
  assert.equal(after.gcid, before.gcid);
});

for (const fault of ['refresh-dead', 'refresh-invalid-grant'] as const) {
  test(`--refresh with a dead refresh token (${fault}) says to log in again, 77`, async (t) => {
    const from = await started(t);
    await login(from);
    from.bmw.faults.arm(fault);
    const { status, error } = await login(from, { refresh: true });
    assert.equal(status, 77);
    assert.match((error as { next?: string }).next ?? '', /Run bmw-login/);
  });
}

test('a half-written token file: --refresh says to log in again, and a login repairs it', async (t) => {
  const from = await started(t);
  await login(from);
  const file = join(from.dataDir, 'bmw-tokens.json');
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100));
  assert.equal((await login(from, { refresh: true })).status, 77);
  assert.ok(existsSync(`${file}.broken`));
  assert.equal((await login(from)).status, 0);
  assert.equal((await login(from, { refresh: true })).status, 0);
});

test('a second login needs no client id: the stored one is taken', async (t) => {
  const from = await started(t);
  await login(from);
  const { VOLTPIPE_BMW_CLIENT_ID: _id, ...env } = from.env;
  const { status, records } = await login({ ...from, env });
  assert.equal(status, 0);
  assert.equal(records[0]?.['client_id'], from.bmw.clientId);
});

test('--check and --refresh exclude each other (64)', async () => {
  assert.equal((await runCommand(bmwLogin, { flags: { check: true, refresh: true } })).status, 64);
});

test('Ctrl-C during a login is no error', async (t) => {
  const from = await started(t, { oauth: { approveAfter: undefined as never, interval: 5 } });
  const stop = new AbortController();
  const running = runCommand(bmwLogin, { ...from, signal: stop.signal } as never);
  setTimeout(() => stop.abort(), 50);
  const { status, error } = await running;
  assert.deepEqual([status, error], [0, undefined]);
});
