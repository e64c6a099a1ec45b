import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type OAuthClient, tokensOf } from '../../../src/clients/bmw/oauth.ts';
import { grantsOf } from '../../../src/clients/bmw/scopes.ts';
import { createTokenStore, ownerFault, renewalTime } from '../../../src/clients/bmw/tokens.ts';
import { type CommandError, fail } from '../../../src/runtime/exit.ts';
import type { State } from '../../../src/runtime/state.ts';
import { HttpFailure } from '../../../src/transports/http/failure.ts';
import { fakeClock, turnWhile } from '../../support/clock.ts';
import { answer, clientContext, clientId, gcid, jwt, rotatingServer, scope, tokenSet } from './support.ts';

/** A store with the first set of a login in it. */
async function loggedIn(oauth?: OAuthClient) {
  const clock = fakeClock();
  const test = clientContext(clock);
  const server = rotatingServer(clock);
  const store = createTokenStore(test.context, oauth ?? server);
  await store.save(tokenSet(1, clock.now()));
  return { ...test, clock, server, store, file: join(test.dataDir, 'bmw-tokens.json') };
}

const status = (wanted: number, message?: RegExp) => (error: CommandError) => {
  assert.equal(error.status, wanted, error.stack);
  if (message) assert.match(`${error.message}. ${error.next}`, message);
  return true;
};

test('the token file has the fields of the requirement, is private, and holds nothing half-written (BMW-09, BMW-21, BMW-46)', async () => {
  const { file, dataDir } = await loggedIn();
  const stored = JSON.parse(readFileSync(file, 'utf8'));
  assert.deepEqual(Object.keys(stored).sort(), [
    'access_token',
    'client_id',
    'expires_at',
    'gcid',
    'id_token',
    'refresh_token',
    'scope',
    'token_type',
  ]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(dataDir), ['bmw-tokens.json']);
});

test('a renewal that leaves out gcid and refresh token keeps the old ones (C-5)', () => {
  const before = tokenSet(1, 0);
  const after = tokensOf(answer(200, { access_token: 'new', expires_in: 3599 }), clientId, 1000, before);
  assert.equal(after.gcid, gcid);
  assert.equal(after.refresh_token, 'refresh-token-1');
  assert.equal(after.access_token, 'new');
  assert.equal(after.expires_at, '1970-01-01T01:00:00.000Z');
});

test('a renewal is on disk before anybody uses it, and the next one starts from it (BMW-22)', async () => {
  const { store, file, server } = await loggedIn();
  const second = await store.refresh(await store.read());
  assert.equal(second.refresh_token, 'refresh-token-2');
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).refresh_token, 'refresh-token-2');
  await store.refresh(second);
  assert.deepEqual(server.refreshed, ['refresh-token-1', 'refresh-token-2']);
});

test('of two processes that want to renew at once, one does and the other takes what it finds (BMW-22)', async () => {
  const { store, context, server } = await loggedIn();
  const other = createTokenStore(context, server);
  const stale = await store.read();
  const [a, b] = await Promise.all([store.refresh(stale), other.refresh(stale)]);
  assert.equal(a.refresh_token, 'refresh-token-2');
  assert.equal(b.refresh_token, 'refresh-token-2');
  assert.deepEqual(server.refreshed, ['refresh-token-1']);
});

for (const error of ['invalid_request', 'invalid_grant', 'invalid_token']) {
  test(`a dead refresh token, told as ${error}, means: log in again (77)`, async () => {
    const { store } = await loggedIn({ ...rotatingServer(fakeClock()), refresh: async () => answer(400, { error }) });
    await assert.rejects(store.refresh(await store.read()), status(77, /Run bmw-login/));
  });
}

test('an outage during the renewal is retried and leaves the old tokens alone', async () => {
  const failures = [
    new HttpFailure('network', 'POST', 'https://bmw.example/', 'connection refused'),
    answer(503),
    answer(429),
  ];
  const clock = fakeClock();
  const server = rotatingServer(clock);
  const { context } = clientContext(clock);
  const store = createTokenStore(context, {
    ...server,
    async refresh(client, token) {
      const failure = failures.shift();
      if (failure instanceof Error) throw failure;
      return failure ?? server.refresh(client, token);
    },
  });
  await store.save(tokenSet(1, clock.now()));
  const renewed = await turnWhile(clock, 1000, store.refresh(await store.read()));
  assert.equal(renewed.refresh_token, 'refresh-token-2');
});

test('an outage in a renewal is told at once, once, and so is its end', async () => {
  const clock = fakeClock();
  const { context, said } = clientContext(clock);
  const server = rotatingServer(clock);
  const failures = [1, 2].map(() => new HttpFailure('network', 'POST', 'https://bmw.example/', 'no such host'));
  const toldBefore: number[] = [];
  const store = createTokenStore(context, {
    ...server,
    async refresh(client, token) {
      toldBefore.push(said.length);
      const failure = failures.shift();
      if (failure) throw failure;
      return server.refresh(client, token);
    },
  });
  await store.save(tokenSet(1, clock.now()));
  await turnWhile(clock, 1000, store.refresh(await store.read()));
  assert.deepEqual(toldBefore, [0, 1, 1]);
  assert.equal(said.length, 2, said.join('\n'));
  assert.match(said[0] ?? '', /token renewal: .*no such host; again in 2 s/);
  assert.match(said[1] ?? '', /tokens are renewed again/);
});

test('403 without an error is an outage, not a refusal: the error decides, never the status', async () => {
  const clock = fakeClock();
  const { context } = clientContext(clock);
  const store = createTokenStore(context, { ...rotatingServer(clock), refresh: async () => answer(403) });
  await store.save(tokenSet(1, clock.now()));
  await turnWhile(clock, 1000, assert.rejects(store.refresh(await store.read()), status(69)));
  assert.equal((await store.read()).refresh_token, 'refresh-token-1');
});

test('no token file: 77 and the next step', async () => {
  const { context } = clientContext(fakeClock());
  await assert.rejects(
    createTokenStore(context, rotatingServer(fakeClock())).read(),
    status(77, /no login.*Run bmw-login/),
  );
});

test('a half-written token file is moved aside, and means: log in again (77)', async () => {
  const { store, file } = await loggedIn();
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.slice(0, text.length / 2));
  await assert.rejects(store.read(), status(77, /Run bmw-login/));
  assert.ok(existsSync(`${file}.broken`));
});

test('a token file that lacks a token says which (77)', async () => {
  const { store, file } = await loggedIn();
  writeFileSync(file, JSON.stringify({ client_id: clientId, access_token: 'a', expires_at: 'x' }));
  await assert.rejects(store.read(), status(77, /refresh_token is missing/));
});

test('a token file that cannot be read says so (74)', {
  skip: userInfo().uid === 0 && 'root reads everything',
}, async () => {
  const { store, file } = await loggedIn();
  chmodSync(file, 0o000);
  await assert.rejects(store.read(), status(74, /cannot be read: permission denied \(EACCES\)/));
});

test('a token file that others can read is told once', async () => {
  const { store, file, said } = await loggedIn();
  chmodSync(file, 0o644);
  await store.read();
  await store.read();
  assert.equal(said.filter((line) => line.includes('readable by others')).length, 1);
});

/** A login on a disk that takes no more bytes while `full` says so. */
async function onDisk(full: (refreshed: number) => boolean) {
  const clock = fakeClock();
  const { context, said, dataDir } = clientContext(clock);
  const server = rotatingServer(clock);
  await createTokenStore(context, server).save(tokenSet(1, clock.now()));
  const state = <T>(name: string): State<T> => {
    const real = context.state<T>(name);
    return {
      ...real,
      async update(fn) {
        const value = await fn(await real.read());
        if (full(server.refreshed.length)) throw fail('io', 'bmw-tokens.json: cannot be written: ENOSPC');
        return real.update(() => value);
      },
    };
  };
  const onFile = (): string => JSON.parse(readFileSync(join(dataDir, 'bmw-tokens.json'), 'utf8')).refresh_token;
  return { store: createTokenStore({ ...context, state }, server), server, said, onFile };
}

test('on a full disk the renewal does not even begin: the old tokens are there, and alive (74)', async () => {
  const { store, server, onFile } = await onDisk(() => true);
  await assert.rejects(store.refresh(await store.read()), status(74, /ENOSPC/));
  assert.deepEqual(server.refreshed, []);
  assert.equal(onFile(), 'refresh-token-1');
});

test('tokens that the disk would not take stay in memory, and are written as soon as it does', async () => {
  let filled = true;
  const { store, said, onFile } = await onDisk((refreshed) => filled && refreshed > 0);
  const renewed = await store.refresh(await store.read());
  assert.equal(renewed.refresh_token, 'refresh-token-2');
  assert.ok(said.some((line) => line.includes('ENOSPC') && line.includes('kept in memory')));
  assert.equal((await store.read()).refresh_token, 'refresh-token-2');
  assert.equal(onFile(), 'refresh-token-1');
  filled = false;
  await store.read();
  assert.equal(onFile(), 'refresh-token-2');
});

test('a token file of another user is left alone (77)', async () => {
  const { store, file } = await loggedIn();
  assert.equal(ownerFault(file, statSync(file).uid), undefined);
  assert.match(ownerFault(file, 4711)?.message ?? '', /belongs to user id \d+, this is 4711/);
  assert.equal(ownerFault(file, 4711)?.status, 77);
  assert.equal(ownerFault(file, 0), undefined, 'root may, and keeps the owner');
  assert.ok(await store.read());
});

test('tokens of the configuration file seed an empty token file, once (BMW-54, BMW-55, C-6)', async () => {
  const clock = fakeClock();
  const { context } = clientContext(clock);
  const server = rotatingServer(clock);
  const seeds = { clientId, access: 'seed-access', refresh: 'refresh-token-1', id: undefined };
  const store = createTokenStore(context, server, seeds);
  const seeded = await store.read();
  assert.equal(seeded.refresh_token, 'refresh-token-1');
  await store.refresh(seeded);
  const later = createTokenStore(context, server, seeds);
  assert.equal((await later.read()).refresh_token, 'refresh-token-2');
});

test('no token is ever in the log, once it is known (BMW-48)', async () => {
  const { context, said, store } = await loggedIn();
  const { access_token, refresh_token, id_token } = await store.read();
  context.log.info(`a ${access_token} b ${refresh_token} c ${id_token}`);
  assert.match(said.at(-1) ?? '', /a \[redacted\] b \[redacted\] c \[redacted\]/);
});

test('a token is renewed five minutes ahead, a short-lived one at three quarters', () => {
  const minute = 60_000;
  assert.equal(renewalTime(0, 60 * minute), 55 * minute);
  assert.equal(renewalTime(0, 4 * minute), 3 * minute);
});

test('scope and dynamic_scopes tell what a login opens (BMW-71)', () => {
  const open = jwt({ dynamic_scopes: [`read:streaming/*/${gcid}.*`] });
  assert.deepEqual(grantsOf({ scope, id_token: open }), { stream: true, api: true });
  assert.deepEqual(grantsOf({ scope, id_token: jwt({ dynamic_scopes: [] }) }), { stream: false, api: true });
  assert.deepEqual(grantsOf({ scope: 'openid cardata:streaming:read' }), { stream: true, api: false });
  assert.deepEqual(grantsOf({}), { stream: undefined, api: undefined });
});
