import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recorded, shape } from './shape.ts';
import { get, login, post, refresh, scope, simulator, startLogin } from './support.ts';

const vector = recorded('bmw-oauth/answers.ndjson');

const claims = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());

test('a login goes from the device code over the approval to tokens (BMW-64)', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { code, poll } = await startLogin(bmw);
  const { verification_uri_complete: _, ...documented } = vector('device code').json;
  assert.equal(code.status, 200);
  assert.deepEqual(shape(code.body), shape(documented));
  assert.equal(code.body.expires_in, 300);
  assert.equal(code.body.interval, 5);
  assert.match(code.body.user_code, /^[A-Za-z]{8}$/);

  const pending = await poll();
  assert.equal(pending.status, vector('authorization_pending').expect.status);
  assert.equal(pending.body.error, 'authorization_pending');

  const page = await get(`${code.body.verification_uri}?user_code=${code.body.user_code}`);
  assert.equal(page.status, 200);
  assert.match(page.body, /Approved/);

  await clock.advance(5000);
  const tokens = await poll();
  assert.equal(tokens.status, 200);
  assert.deepEqual(shape(tokens.body), shape(vector('tokens').json));
  assert.equal(tokens.body.expires_in, vector('tokens').json.expires_in);
  assert.equal(tokens.body.gcid, bmw.gcid);
  assert.equal(tokens.body.scope, scope);
});

test('the id token says when it ends and what may be streamed', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { id_token } = await login(bmw);
  assert.equal(claims(id_token).exp, clock.now() / 1000 + 3600);
  assert.deepEqual(claims(id_token).dynamic_scopes, [`read:streaming/*/${bmw.gcid}.*`]);
  assert.equal(JSON.parse(Buffer.from(id_token.split('.')[0], 'base64url').toString()).alg, 'RS256');
});

test('the page asks for the code when the link has none, and knows no other', async (t) => {
  const { bmw } = await simulator(t);
  const { code } = await startLogin(bmw);
  assert.match((await get(code.body.verification_uri)).body, /name="user_code"/);
  const wrong = await get(`${code.body.verification_uri}?user_code=${code.body.user_code.toUpperCase()}x`);
  assert.equal(wrong.status, 404);
});

test('every parameter of the device request is needed, unless the simulator is lenient', async (t) => {
  const { bmw } = await simulator(t);
  const lenient = await simulator(t, { oauth: { lenient: true } });
  for (const name of ['response_type', 'scope', 'code_challenge', 'code_challenge_method']) {
    const refused = (await startLogin(bmw, { [name]: '' })).code;
    assert.equal(refused.status, vector('invalid_request').expect.status, name);
    assert.equal(refused.body.error, 'invalid_request');
    assert.deepEqual(shape(refused.body), shape(vector('invalid_request').json));
  }
  const bare = await post(lenient.bmw, '/gcdm/oauth/device/code', { client_id: bmw.clientId });
  assert.equal(bare.status, 200);
});

test('a body that is no form, a foreign scope and a foreign grant are refused as malformed', async (t) => {
  const { bmw } = await simulator(t);
  const json = await post(bmw, '/gcdm/oauth/device/code', { client_id: bmw.clientId }, 'application/json');
  const granular = (await startLogin(bmw, { scope: 'openid cardata:streaming:vehicle.isMoving' })).code;
  const grant = await post(bmw, '/gcdm/oauth/token', { client_id: bmw.clientId, grant_type: 'password' });
  for (const { status, body } of [json, granular, grant]) {
    assert.equal(status, 400);
    assert.equal(body.error, 'invalid_request');
  }
});

test('a wrong client id is answered with invalid_client at both endpoints', async (t) => {
  const { bmw } = await simulator(t);
  const wrong = { client_id: '00000000-0000-4000-8000-00000000dead' };
  const device = (await startLogin(bmw, wrong)).code;
  const poll = await (await startLogin(bmw)).poll(wrong);
  for (const { status, body } of [device, poll]) {
    assert.equal(status, vector('invalid_client').expect.status);
    assert.deepEqual([body.error, shape(body)], ['invalid_client', shape(vector('invalid_client').json)]);
  }
});

test('who polls too fast is slowed down, and stays slowed down', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { poll } = await startLogin(bmw);
  await poll();
  await clock.advance(4000);
  const slow = await poll();
  assert.equal(slow.status, vector('slow_down').expect.status);
  assert.equal(slow.body.error, 'slow_down');
  await clock.advance(9000);
  assert.equal((await poll()).body.error, 'slow_down');
  await clock.advance(15_000);
  assert.equal((await poll()).body.error, 'authorization_pending');
});

test('a code runs out after five minutes, approved or not', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { poll } = await startLogin(bmw);
  await clock.advance(300_000);
  const late = await poll();
  assert.equal(late.status, vector('expired_token').expect.status);
  assert.equal(late.body.error, 'expired_token');
  assert.equal(bmw.approve(), false);
});

test('a code gives tokens once', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { poll } = await startLogin(bmw);
  bmw.approve();
  assert.equal((await poll()).status, 200);
  await clock.advance(5000);
  assert.equal((await poll()).body.error, 'expired_token');
});

test('a wrong code_verifier gets no tokens', async (t) => {
  const { bmw } = await simulator(t);
  const { poll } = await startLogin(bmw);
  bmw.approve();
  const refused = await poll({ code_verifier: 'A'.repeat(43) });
  assert.equal(refused.body.error, 'invalid_request');
});

test('a declined login is answered with access_denied for good', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { poll } = await startLogin(bmw);
  bmw.decline();
  for (let i = 0; i < 3; i++) {
    const denied = await poll();
    assert.equal(denied.status, vector('access_denied').expect.status);
    assert.equal(denied.body.error, 'access_denied');
    await clock.advance(5000);
  }
});

test('access_denied for a minute right after the approval is not the end', async (t) => {
  const { bmw, clock } = await simulator(t, { oauth: { deniedAfterApproval: 60_000 } });
  const { poll } = await startLogin(bmw);
  bmw.approve();
  for (let i = 0; i < 12; i++) {
    assert.equal((await poll()).body.error, 'access_denied');
    await clock.advance(5000);
  }
  assert.equal((await poll()).status, 200);
});

test('the gateway fault burns the code: the next poll is denied', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { poll } = await startLogin(bmw);
  bmw.approve();
  bmw.faults.arm('poll-gateway-fault');
  const fault = await poll();
  assert.equal(fault.status, vector('gateway fault').expect.status);
  assert.deepEqual(fault.body, vector('gateway fault').json);
  await clock.advance(5000);
  assert.equal((await poll()).body.error, 'access_denied');
});

const onRequest = [
  ['poll-slow-down', 400, 'slow_down'],
  ['poll-access-denied', 403, 'access_denied'],
  ['poll-expired-token', 401, 'expired_token'],
  ['poll-invalid-client', 401, 'invalid_client'],
  ['poll-invalid-request', 400, 'invalid_request'],
  ['poll-no-json', 403, undefined],
  ['poll-rate-limit', 429, undefined],
  ['poll-server-error', 503, undefined],
] as const;

for (const [fault, status, error] of onRequest) {
  test(`${fault} happens once on request, then the login goes on`, async (t) => {
    const { bmw, clock } = await simulator(t, { faults: [{ name: fault, times: 1 }] });
    const { poll } = await startLogin(bmw);
    bmw.approve();
    const answer = await poll();
    assert.deepEqual([answer.status, answer.body?.error], [status, error]);
    assert.ok(answer.headers.get('x-correlation-id'));
    await clock.advance(10_000);
    assert.equal((await poll()).status, 200);
  });
}

test('the device request fails on request', async (t) => {
  const { bmw } = await simulator(t);
  bmw.faults.arm('device-server-error');
  assert.equal((await startLogin(bmw)).code.status, 503);
  bmw.faults.arm('device-invalid-request');
  assert.equal((await startLogin(bmw)).code.body.error, 'invalid_request');
  assert.equal((await startLogin(bmw)).code.status, 200);
});

test('a login is approved by itself when the simulator is told so', async (t) => {
  const { bmw, clock } = await simulator(t, { oauth: { approveAfter: 8000 } });
  const { poll } = await startLogin(bmw);
  assert.equal((await poll()).body.error, 'authorization_pending');
  await clock.advance(8000);
  assert.equal((await poll()).status, 200);
});

test('a refresh brings a whole new set without a gcid, and the old refresh token is dead', async (t) => {
  const { bmw } = await simulator(t);
  const first = await login(bmw);
  const second = await refresh(bmw, first.refresh_token);
  const { gcid: _, ...rest } = vector('tokens').json;
  assert.deepEqual(shape(second.body), shape(rest));
  assert.notEqual(second.body.refresh_token, first.refresh_token);
  assert.notEqual(second.body.id_token, first.id_token);
  const again = await refresh(bmw, first.refresh_token);
  assert.equal(again.status, vector('dead refresh token').expect.status);
  assert.equal(again.body.error, vector('dead refresh token').json.error);
  assert.equal((await refresh(bmw, second.body.refresh_token)).status, 200);
});

test('a refresh token lives fourteen days from its last use', async (t) => {
  const { bmw, clock } = await simulator(t);
  const day = 24 * 3_600_000;
  const { refresh_token } = await login(bmw);
  await clock.advance(13 * day);
  const second = await refresh(bmw, refresh_token);
  await clock.advance(13 * day);
  const third = await refresh(bmw, second.body.refresh_token);
  assert.equal(third.status, 200);
  await clock.advance(14 * day);
  assert.equal((await refresh(bmw, third.body.refresh_token)).body.error, 'invalid_request');
});

test('refreshes fail on request, and withdrawn tokens are dead', async (t) => {
  const { bmw } = await simulator(t);
  const { refresh_token } = await login(bmw);
  for (const [fault, status, error] of [
    ['refresh-server-error', 503, undefined],
    ['refresh-rate-limit', 429, undefined],
    ['refresh-dead', 400, 'invalid_request'],
    ['refresh-invalid-grant', 400, 'invalid_grant'],
  ] as const) {
    bmw.faults.arm(fault);
    const answer = await refresh(bmw, refresh_token);
    assert.deepEqual([answer.status, answer.body?.error], [status, error]);
  }
  bmw.account.revoke();
  assert.equal((await refresh(bmw, refresh_token)).status, 400);
});

test('tokens lack scopes, dynamic scopes, an id token or a refresh token on request', async (t) => {
  const { bmw } = await simulator(t);
  bmw.faults.arm('token-scope-missing');
  assert.equal((await login(bmw)).scope, 'authenticate_user openid');
  bmw.faults.arm('token-no-dynamic-scopes');
  assert.deepEqual(claims((await login(bmw)).id_token).dynamic_scopes, []);
  bmw.faults.arm('token-no-id-token');
  assert.equal((await login(bmw)).id_token, undefined);
  const { refresh_token } = await login(bmw);
  bmw.faults.arm('token-no-refresh-token');
  assert.equal((await refresh(bmw, refresh_token)).body.refresh_token, undefined);
  assert.equal((await refresh(bmw, refresh_token)).status, 200);
});

test('short lifetimes are taken as told', async (t) => {
  const { bmw, clock } = await simulator(t, { lifetimes: { access: 20_000, id: 20_000, code: 10_000 } });
  const { code } = await startLogin(bmw);
  assert.equal(code.body.expires_in, 10);
  const tokens = await login(bmw);
  assert.equal(tokens.expires_in, 19);
  assert.equal(claims(tokens.id_token).exp, clock.now() / 1000 + 20);
});
