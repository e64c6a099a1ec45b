import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFaultName, parseFault } from '../../../src/simulators/bmw/faults.ts';
import type { Bmw } from '../../../src/simulators/bmw/index.ts';
import { api, connect, get, login, refresh, simulator, startLogin, until } from './support.ts';

async function order(bmw: Bmw, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${bmw.authUrl}/control`, { method: 'POST', body: text });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('a shell user approves, declines and provokes faults by POST /control', async (t) => {
  const { bmw } = await simulator(t);
  const { code, poll } = await startLogin(bmw);
  assert.equal((await order(bmw, { fault: 'poll-slow-down', times: 1 })).status, 200);
  assert.deepEqual((await get(`${bmw.authUrl}/control`)).body.faults, { 'poll-slow-down': 1 });
  assert.equal((await order(bmw, { clear: true })).status, 200);
  assert.equal((await order(bmw, { approve: code.body.user_code })).status, 200);
  assert.equal((await poll()).status, 200);
  const second = await startLogin(bmw);
  assert.equal((await order(bmw, { decline: true })).status, 200);
  assert.equal((await second.poll()).body.error, 'access_denied');
});

test('messages, drops, silence and outages are ordered by POST /control', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { id_token, gcid } = await login(bmw);
  const first = await connect(t, bmw, id_token);
  await first.client.subscribeAsync(`${gcid}/+`);
  await order(bmw, { publish: { 'vehicle.isMoving': { value: 'ASN_isTrue' } } });
  await order(bmw, { publish: 'not JSON at all' });
  await until(() => first.messages.length === 2);
  assert.equal(JSON.parse(first.messages[0]?.payload ?? '').data['vehicle.isMoving'].value, 'ASN_isTrue');
  assert.equal(first.messages[1]?.payload, 'not JSON at all');
  assert.deepEqual((await get(`${bmw.authUrl}/control`)).body.subscriptions, [`${gcid}/+`]);
  await order(bmw, { freeze: true });
  await order(bmw, { publish: { 'vehicle.isMoving': { value: 'ASN_isFalse' } } });
  await order(bmw, { freeze: false });
  assert.equal((await get(`${bmw.authUrl}/control`)).body.sent, 2);
  await order(bmw, { drop: true });
  await first.closed;
  await order(bmw, { broker: 'down' });
  await clock.advance(10_000);
  assert.notEqual((await connect(t, bmw, id_token)).code, 0);
  await order(bmw, { broker: 'up' });
  assert.equal((await connect(t, bmw, id_token)).code, 0);
});

test('the allowance and the tokens are taken away by POST /control', async (t) => {
  const { bmw } = await simulator(t);
  const { access_token, refresh_token } = await login(bmw);
  await order(bmw, { quota: 1 });
  assert.equal((await api(bmw, access_token, '/customers/containers')).status, 200);
  assert.equal((await api(bmw, access_token, '/customers/containers')).body.exveErrorId, 'CU-429');
  await order(bmw, { quota: 50 });
  await order(bmw, { revoke: true });
  assert.equal((await api(bmw, access_token, '/customers/containers')).body.exveErrorId, 'CU-101');
  assert.equal((await refresh(bmw, refresh_token)).status, 400);
});

test('cars that drive fall silent and go on', async (t) => {
  const { bmw, clock } = await simulator(t, { journey: { speedUp: 60 } });
  const { id_token, gcid } = await login(bmw);
  const { client, messages } = await connect(t, bmw, id_token);
  await client.subscribeAsync(`${gcid}/+`);
  await clock.advance(20_000);
  await until(() => messages.length > 5);
  await order(bmw, { pause: true });
  const { sent } = (await get(`${bmw.authUrl}/control`)).body;
  await clock.advance(20_000);
  assert.equal((await get(`${bmw.authUrl}/control`)).body.sent, sent);
  await order(bmw, { pause: false });
  await clock.advance(20_000);
  assert.ok((await get(`${bmw.authUrl}/control`)).body.sent > sent);
});

for (const nonsense of [
  'not JSON',
  '[]',
  {},
  { explode: true },
  { fault: 'api-CU-999' },
  { fault: 'poll-slow-down', times: -1 },
  { approve: true },
  { quota: 'all' },
  { broker: 'sideways' },
  { publish: 5 },
]) {
  test(`an order that makes no sense is refused with 400: ${JSON.stringify(nonsense)}`, async (t) => {
    const { bmw } = await simulator(t);
    const { status, body } = await order(bmw, nonsense);
    assert.equal(status, 400);
    assert.equal(typeof body.error, 'string');
  });
}

test('faults are written NAME, NAME:3 or NAME:always', () => {
  assert.deepEqual(parseFault('broker-malformed'), { name: 'broker-malformed', times: 1 });
  assert.deepEqual(parseFault('api-CU-429:3'), { name: 'api-CU-429', times: 3 });
  assert.deepEqual(parseFault('refresh-dead:always'), { name: 'refresh-dead', times: Number.POSITIVE_INFINITY });
  for (const wrong of [
    '',
    'nothing',
    'api-CU-999',
    'broker-malformed:x',
    'broker-malformed:0',
    'broker-malformed:1:2',
  ]) {
    assert.equal(parseFault(wrong), undefined, wrong);
  }
  assert.equal(isFaultName('constructor'), false);
});
