import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recorded, shape } from './shape.ts';
import { api, login, simulator } from './support.ts';

const vector = recorded('bmw-rest/answers.ndjson');
const [vin, other] = ['WBYVP000000000001', 'WBYVP000000000002'];
const header = 'vehicle.drivetrain.batteryManagement.header';
const level = 'vehicle.drivetrain.electricEngine.charging.level';

test('mappings is a bare array, or on request the object of the document', async (t) => {
  const cars = [{ vin }, { vin: other, mapping: 'SECONDARY' as const }];
  const { bmw } = await simulator(t, { cars });
  const { access_token } = await login(bmw);
  const { status, body } = await api(bmw, access_token, '/customers/vehicles/mappings');
  assert.equal(status, 200);
  assert.deepEqual(shape(body), shape(vector('mappings').json));
  assert.deepEqual(
    body.map((car: { mappingType: string }) => car.mappingType),
    vector('mappings with a secondary car').json.map((car: { mappingType: string }) => car.mappingType),
  );
  for (const [mappings, expected] of [
    ['object', body[0]],
    ['wrapped', { mappings: body }],
  ] as const) {
    const changed = await simulator(t, { cars, rest: { mappings } });
    const token = (await login(changed.bmw)).access_token;
    assert.deepEqual((await api(changed.bmw, token, '/customers/vehicles/mappings')).body, expected);
  }
});

test('basicData has the keys of the recorded cars', async (t) => {
  const { bmw } = await simulator(t, { cars: [{ vin }, { vin: other, model: 'x1' }] });
  const { access_token } = await login(bmw);
  const electric = await api(bmw, access_token, `/customers/vehicles/${vin}/basicData`);
  const combustion = await api(bmw, access_token, `/customers/vehicles/${other}/basicData`);
  assert.deepEqual(shape(electric.body), shape(vector('basic data of an i4').json));
  assert.deepEqual(shape(combustion.body), shape(vector('basic data of an X1').json));
});

test('telematicData has the keys of the container, as texts or null, and predictions carry the time of the request', async (t) => {
  const { bmw, clock } = await simulator(t);
  const { access_token } = await login(bmw);
  const never = 'vehicle.powertrain.electric.battery.stateOfHealth.displayed';
  const request = { ...vector('container request').json, technicalDescriptors: [header, level, never] };
  const created = await api(bmw, access_token, '/customers/containers', { method: 'POST', body: request });
  assert.equal(created.status, 201);
  const path = `/customers/vehicles/${vin}/telematicData?containerId=${created.body.containerId}`;
  await clock.advance(1234);
  const { body } = await api(bmw, access_token, path);
  const data = body.telematicData;
  assert.deepEqual(Object.keys(data), [header, level, never]);
  assert.deepEqual(data[never], vector('telematic data of an i4').json.telematicData[never]);
  assert.deepEqual(shape(data[header]), shape(vector('telematic data of an i4').json.telematicData[header]));
  assert.equal(data[level].timestamp, new Date(clock.now()).toISOString());
  assert.match(data[header].timestamp, /^2026-03-01T09:00:00.000Z$/);

  const timestamp = new Date(clock.now()).toISOString();
  await bmw.publish(vin, { [header]: { timestamp, value: 42, unit: '%' } });
  await bmw.publish(vin, { [header]: { timestamp: '2026-03-01T11:00:00Z', value: 41, unit: '%' } });
  const after = await api(bmw, access_token, path);
  assert.deepEqual(after.body.telematicData[header], { timestamp, unit: '%', value: '42' });
});

test('containers are created, listed without their descriptors, read and deleted', async (t) => {
  const { bmw } = await simulator(t);
  const { access_token } = await login(bmw);
  const body = vector('container request').json;
  const created = await api(bmw, access_token, '/customers/containers', { method: 'POST', body });
  assert.match(created.body.containerId, /^[A-Z0-9]{13}$/);
  const { technicalDescriptors, ...listed } = created.body;
  assert.deepEqual(technicalDescriptors, body.technicalDescriptors);
  const list = await api(bmw, access_token, '/customers/containers');
  assert.deepEqual(list.body, { containers: [listed] });
  const documented = Object.keys(vector('container list').json.containers[0]);
  assert.ok(documented.every((key) => key in listed));

  const path = `/customers/containers/${created.body.containerId}`;
  assert.deepEqual((await api(bmw, access_token, path)).body, created.body);
  assert.equal((await api(bmw, access_token, path, { method: 'DELETE' })).status, 204);
  assert.equal((await api(bmw, access_token, path, { method: 'DELETE' })).status, 208);
  assert.equal((await api(bmw, access_token, path)).body.state, 'INACTIVE');
  const gone = await api(
    bmw,
    access_token,
    `/customers/vehicles/${vin}/telematicData?containerId=${created.body.containerId}`,
  );
  assert.deepEqual([gone.status, gone.body.exveErrorId], [403, 'CU-105']);
});

test('a user has ten containers at most, and a bad descriptor or too many fail the whole container', async (t) => {
  const unknownDescriptors = ['vehicle.retired'];
  const { bmw } = await simulator(t, { rest: { unknownDescriptors, maxDescriptors: 3 } });
  const { access_token } = await login(bmw);
  const create = async (keys: string[]) => {
    const body = { name: 'n', purpose: 'p', technicalDescriptors: keys };
    const answer = await api(bmw, access_token, '/customers/containers', { method: 'POST', body });
    return answer.body.exveErrorId ?? answer.status;
  };
  assert.equal(await create([header, 'vehicle.retired']), 'CU-402');
  assert.equal(await create([header, 'nonsense']), 'CU-402');
  assert.equal(await create([]), 'CU-400');
  assert.equal(await create([header, level, 'vehicle.a', 'vehicle.b']), 'CU-403');
  for (let i = 0; i < 10; i++) assert.equal(await create([header]), 201);
  assert.equal(await create([header]), 'CU-124');
});

test('the charging history comes page by page, and its token runs out', async (t) => {
  const { bmw, clock } = await simulator(t, { rest: { pageSize: 4 } });
  const { access_token } = await login(bmw);
  const range = 'from=2026-02-01T00:00:00.000Z&to=2026-02-15T00:00:00.000Z';
  const page = (token = '') =>
    api(bmw, access_token, `/customers/vehicles/${vin}/chargingHistory?${range}${token && `&nextToken=${token}`}`);
  const first = (await page()).body;
  const recordedSession = vector('charging history').json.data[0];
  assert.deepEqual(shape(first.data[0]), shape({ ...recordedSession }));
  assert.equal(first.data.length, 4);
  const second = (await page(first.next_token)).body;
  assert.deepEqual(Object.keys(second), Object.keys(vector('charging history').json));
  assert.equal(second.next_token, null);
  const starts = [...first.data, ...second.data].map(({ startTime }) => startTime);
  assert.equal(starts.length, 7);
  assert.deepEqual(starts, [...new Set(starts)].sort());
  await clock.advance(600_000);
  assert.equal((await page(first.next_token)).body.exveErrorId, 'CU-125');
  assert.equal((await api(bmw, access_token, `/customers/vehicles/${vin}/chargingHistory`)).body.exveErrorId, 'CU-401');
});

test('the picture is a PNG', async (t) => {
  const { bmw } = await simulator(t);
  const { access_token } = await login(bmw);
  const { status, headers } = await api(bmw, access_token, `/customers/vehicles/${vin}/image`);
  assert.deepEqual([status, headers.get('content-type')], [200, 'image/png']);
});

test('tokens, scopes, versions, cars and ids are checked, each with its error id', async (t) => {
  const { bmw, clock } = await simulator(t, { cars: [{ vin }, { vin: other, mapping: 'SECONDARY' }] });
  const { access_token } = await login(bmw);
  const id = async (token: string | undefined, path: string, headers: Record<string, string> = {}) => {
    const { status, body } = await api(bmw, token, path, { headers });
    assert.deepEqual(Object.keys(body).sort(), Object.keys(vector('CU-403').json).sort());
    return [status, body.exveErrorId];
  };
  const mappings = '/customers/vehicles/mappings';
  assert.deepEqual(await id(undefined, mappings), [401, 'CU-100']);
  assert.deepEqual(await id('nonsense', mappings), [401, 'CU-101']);
  assert.deepEqual(await id(access_token, mappings, { 'x-version': '' }), [400, 'CU-400']);
  assert.deepEqual(await id(access_token, `/customers/vehicles/${other}/basicData`), [403, 'CU-104']);
  assert.deepEqual(await id(access_token, '/customers/vehicles/WBYVP000000000009/basicData'), [403, 'CU-104']);
  assert.deepEqual(await id(access_token, `/customers/vehicles/${vin.toLowerCase()}/basicData`), [400, 'CU-120']);
  assert.deepEqual(await id(access_token, '/customers/containers/short'), [400, 'CU-121']);
  assert.deepEqual(await id(access_token, '/customers/containers/ABCDEFGHIJKLM'), [403, 'CU-105']);
  assert.deepEqual(await id(access_token, `/customers/vehicles/${vin}/locationBasedChargingSettings`), [404, 'CU-127']);
  bmw.faults.arm('token-scope-missing');
  assert.deepEqual(await id((await login(bmw)).access_token, mappings), [403, 'CU-103']);
  await clock.advance(3_600_000);
  assert.deepEqual(await id(access_token, mappings), [401, 'CU-102']);
});

test('errors happen on request', async (t) => {
  const { bmw } = await simulator(t);
  const { access_token } = await login(bmw);
  for (const [fault, status] of [
    ['api-CU-403', 403],
    ['api-CU-402', 400],
    ['api-CU-500', 500],
    ['api-CU-503', 503],
  ] as const) {
    bmw.faults.arm(fault);
    const answer = await api(bmw, access_token, '/customers/containers');
    assert.deepEqual([answer.status, answer.body.exveErrorId], [status, fault.slice(4)]);
  }
  bmw.faults.arm('api-rate-limit');
  const limited = await api(bmw, access_token, '/customers/containers');
  assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '60']);
  assert.equal((await api(bmw, access_token, '/customers/containers')).status, 200);
});

test('fifty requests a day, refused ones included, then CU-429 as HTTP 403 until a day has passed (BMW-67, BMW-74)', async (t) => {
  const { bmw, clock } = await simulator(t, { lifetimes: { access: 1e9 } });
  const { access_token } = await login(bmw);
  const ask = (token = access_token) => api(bmw, token, '/customers/vehicles/mappings');
  for (let i = 0; i < 25; i++) await ask('nonsense');
  await clock.advance(3_600_000);
  for (let i = 0; i < 25; i++) assert.equal((await ask()).status, 200);
  const refused = await ask();
  assert.equal(refused.status, vector('CU-429').expect.status);
  assert.deepEqual(shape(refused.body), shape(vector('CU-429').json));
  assert.equal(refused.body.exveErrorId, 'CU-429');
  await clock.advance(23 * 3_600_000);
  assert.equal(bmw.rest.left, 24);
  assert.equal((await ask()).status, 200);
});
