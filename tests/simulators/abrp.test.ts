import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type AbrpOptions, type AbrpSimulator, startAbrp } from '../../src/simulators/abrp.ts';
import { abrpFaults } from '../../src/simulators/abrp-faults.ts';
import { httpClient } from '../../src/transports/http/client.ts';
import { HttpFailure } from '../../src/transports/http/failure.ts';
import { fakeClock, settle } from '../support/clock.ts';

const http = httpClient();
const running: AbrpSimulator[] = [];
after(async () => {
  await http.close();
  await Promise.all(running.map((abrp) => abrp.close()));
});

async function start(options: AbrpOptions = {}): Promise<AbrpSimulator> {
  const abrp = await startAbrp(options);
  running.push(abrp);
  return abrp;
}

const full = { utc: 1772366458, soc: 63.7, power: 14.5, speed: 62, lat: 48.1, lon: 11.5, is_charging: false };

async function ask(abrp: AbrpSimulator, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return http.call({
    method: body === undefined ? 'GET' : 'POST',
    url: abrp.url + path,
    headers: { authorization: `APIKEY ${abrp.apiKey}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: text }),
  });
}

test('a point is taken in each of the three forms: JSON body, form body, query', async () => {
  const abrp = await start();
  const [token] = abrp.tokens;
  const tlm = encodeURIComponent(JSON.stringify(full));
  const answers = [
    await ask(abrp, `tlm/send?token=${token}`, { tlm: full }),
    await ask(abrp, 'tlm/send', `token=${token}&tlm=${tlm}`, { 'content-type': 'application/x-www-form-urlencoded' }),
    await ask(abrp, `tlm/send?token=${token}&tlm=${tlm}`, ''),
    await ask(abrp, `tlm/send?token=${token}&tlm=${tlm}&api_key=${abrp.apiKey}`, undefined, { authorization: '' }),
  ];
  for (const { status, text } of answers) {
    assert.equal(status, 200);
    assert.equal(text, '{"status":"ok"}');
  }
  assert.equal(abrp.points().length, 4);
  for (const { tlm, vehicle } of abrp.points()) {
    assert.deepEqual(tlm, full);
    assert.equal(vehicle, 1);
  }
});

test('fields that are missing are named in the form of the real answer', async () => {
  const abrp = await start();
  const { power: _, ...tlm } = full;
  const { text } = await ask(abrp, `tlm/send?token=${abrp.tokens[0]}`, { tlm });
  assert.deepEqual(JSON.parse(text), { status: 'ok', missing: 'Missing telemetry: power, ' });
});

test('several points of several vehicles come by bulk, all or none', async () => {
  const abrp = await start({ tokens: ['one', 'two'] });
  const both = [
    { token: 'one', tlm_list: [full, { ...full, utc: full.utc + 5 }] },
    { token: 'two', tlm_list: [full] },
  ];
  assert.equal((await ask(abrp, 'tlm/bulk', { data: both })).text, '{"status":"ok"}');
  assert.deepEqual(
    abrp.points().map(({ vehicle, method }) => [vehicle, method]),
    [
      [1, 'bulk'],
      [1, 'bulk'],
      [2, 'bulk'],
    ],
  );
  const refused = await ask(abrp, 'tlm/bulk', { data: [...both, { token: 'three', tlm_list: [full] }] });
  assert.equal(refused.status, 401);
  assert.equal(abrp.points().length, 3);
});

test('bad token, bad key and wrong path are answered as by the real one: no JSON', async () => {
  const abrp = await start();
  const token = await ask(abrp, 'tlm/send?token=other', { tlm: full });
  assert.deepEqual(
    [token.status, token.headers['content-type'], token.text],
    [401, 'text/html', '401 Unauthorized Token'],
  );
  const key = await ask(abrp, `tlm/send?token=${abrp.tokens[0]}`, { tlm: full }, { authorization: 'APIKEY other' });
  assert.equal(key.status, 401);
  const path = await ask(abrp, 'tlm/elsewhere', { tlm: full });
  assert.equal(path.status, 404);
  assert.match(path.text, /^<html>/);
  assert.equal(abrp.points().length, 0);
});

test('a request that makes no sense is an error with HTTP 200', async () => {
  const abrp = await start();
  const send = `tlm/send?token=${abrp.tokens[0]}`;
  const bad: [string, unknown][] = [
    [send, { tlm: [] }],
    [send, 'no JSON'],
    [send, { tlm: { ...full, power: null } }],
    [send, { tlm: { ...full, utc: full.utc * 1000 } }],
    ['tlm/bulk', {}],
    ['tlm/bulk', { data: [{ token: abrp.tokens[0], tlm_list: [7] }] }],
  ];
  for (const [path, body] of bad) {
    const { status, text } = await ask(abrp, path, body);
    assert.equal(status, 200);
    assert.equal(JSON.parse(text).status, 'error', text);
  }
  assert.equal(abrp.points().length, 0);
});

test('a point is shown only after more data came outside of its window of 60 s', async () => {
  const clock = fakeClock();
  const abrp = await start({ clock });
  const send = (soc: number) =>
    ask(abrp, `tlm/send?token=${abrp.tokens[0]}`, { tlm: { ...full, soc, utc: clock.now() / 1000 } });
  const shown = async () => JSON.parse((await ask(abrp, `tlm/get_telemetry?token=${abrp.tokens[0]}`)).text).result.soc;
  await send(50);
  await clock.advance(59_000);
  await send(51);
  assert.equal(await shown(), undefined);
  await clock.advance(3_600_000);
  assert.equal(await shown(), undefined);
  await send(52);
  assert.equal(await shown(), 51);
  await clock.advance(60_000);
  await send(53);
  assert.equal(await shown(), 52);
});

test('next charge and car models are answered in the published shape', async () => {
  const abrp = await start();
  const token = `token=${abrp.tokens[0]}`;
  await ask(abrp, `tlm/set_next_charge?${token}&next_charge_to_perc=82`, '');
  assert.deepEqual(JSON.parse((await ask(abrp, `tlm/get_next_charge?${token}`)).text), {
    status: 'ok',
    result: { next_charge: 82 },
  });
  const models = JSON.parse((await ask(abrp, 'tlm/get_CARMODELs_list')).text);
  assert.equal(models.status, 'ok');
  assert.ok(models.result.every((model: object) => Object.keys(model).length === 1));
});

test('faults hit as many requests as asked, then all is well again', async () => {
  const abrp = await start({ faults: [{ status: 500, times: 2 }, { error: 'Not authorized' }] });
  abrp.fault({ status: 502 });
  const send = () => ask(abrp, `tlm/send?token=${abrp.tokens[0]}`, { tlm: full });
  const seen = [];
  for (let i = 0; i < 5; i++) seen.push((await send()).status);
  assert.deepEqual(seen, [500, 500, 200, 502, 200]);
  assert.equal(abrp.points().length, 1);
  assert.equal(abrp.requests(), 5);
});

test('a connection dropped before the answer takes no point, during the answer it does', async () => {
  const abrp = await start();
  const send = () => ask(abrp, `tlm/send?token=${abrp.tokens[0]}`, { tlm: full });
  abrp.fault({ drop: 'before' });
  await assert.rejects(send(), HttpFailure);
  assert.equal(abrp.points().length, 0);
  abrp.fault({ drop: 'during' });
  await assert.rejects(send(), HttpFailure);
  assert.equal(abrp.points().length, 1);
});

test('a delay passes on the injected clock', async () => {
  const clock = fakeClock();
  const abrp = await start({ clock, faults: [{ delay: 20_000 }] });
  let answered = false;
  const call = ask(abrp, `tlm/send?token=${abrp.tokens[0]}`, { tlm: full }).then(() => {
    answered = true;
  });
  while (clock.waiting === 0) await settle();
  assert.equal(answered, false);
  await clock.advance(20_000);
  await call;
  assert.equal(answered, true);
});

test('faults come by POST /control too, and a wrong one is named', async () => {
  const abrp = await start();
  const control = new URL('/control', abrp.url).href;
  const post = (fault: unknown) => http.call({ method: 'POST', url: control, body: JSON.stringify(fault) });
  assert.equal((await post({ status: 503 })).status, 200);
  assert.equal((await ask(abrp, `tlm/send?token=${abrp.tokens[0]}`, { tlm: full })).status, 503);
  const wrong = await post({ statsu: 503 });
  assert.equal(wrong.status, 400);
  assert.match(wrong.text, /unknown key statsu/);
});

test('a fault is read from a command line', () => {
  assert.deepEqual(abrpFaults.parse('status=500,times=3'), { status: 500, times: 3 });
  assert.deepEqual(abrpFaults.parse('drop=during'), { drop: 'during' });
  assert.deepEqual(abrpFaults.parse('error=a=b'), { error: 'a=b' });
  for (const text of ['', 'statsu=1', 'status=abc', 'status=9', 'drop=later', 'times=-1']) {
    assert.throws(() => abrpFaults.parse(text), Error, text);
  }
  assert.throws(() => abrpFaults.check([]), /object/);
});
