import assert from 'node:assert/strict';
import { type TestContext as NodeTest, test } from 'node:test';
import { type ContainerNotes, createContainers, descriptorLists } from '../../../src/clients/bmw/containers.ts';
import { logIn } from '../../../src/clients/bmw/device-flow.ts';
import { oauthClient } from '../../../src/clients/bmw/oauth.ts';
import { createPoller } from '../../../src/clients/bmw/poller.ts';
import { createQuota } from '../../../src/clients/bmw/quota.ts';
import { CarDataError, type Container, type RestClient } from '../../../src/clients/bmw/rest.ts';
import { createTokenStore } from '../../../src/clients/bmw/tokens.ts';
import type { CommandError } from '../../../src/runtime/exit.ts';
import { type BmwOptions, startBmw } from '../../../src/simulators/bmw/index.ts';
import { httpClient } from '../../../src/transports/http/client.ts';
import { fakeClock, turnWhile } from '../../support/clock.ts';
import { clientContext, gcid } from './support.ts';

const vin = 'WBYVP000000000001';
const anySpan = { from: 0, to: Date.parse('2026-03-01T12:00:00Z') };

const failing = (status: number, message?: RegExp) => (error: CommandError) => {
  assert.equal(error.status, status, error.stack);
  if (message) assert.match(`${error.message}. ${error.next}`, message);
  return true;
};

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** A poller that is logged in at a simulated BMW; both go by one fake clock. */
async function polling(t: NodeTest, options: BmwOptions & { cap?: number } = {}) {
  const clock = fakeClock();
  const bmw = await startBmw({ clock, ...options, oauth: { approveAfter: 0, ...options.oauth } });
  const http = httpClient(clock);
  t.after(async () => {
    await http.close();
    await bmw.close();
  });
  const test = clientContext(clock);
  const oauth = oauthClient({ http, url: bmw.authUrl });
  const store = createTokenStore(test.context, oauth);
  const login = logIn(bmw.clientId, {
    oauth,
    clock,
    signal: test.context.signal,
    onCode() {},
    onNote() {},
  });
  await store.save(await turnWhile(clock, 1000, login));
  const make = () =>
    createPoller(test.context, {
      store,
      http,
      url: bmw.apiUrl,
      ca: undefined,
      gcid: undefined,
      cap: options.cap ?? 40,
    }).then(({ read, ...rest }) => ({ ...rest, read: (...what: Parameters<typeof read>) => collect(read(...what)) }));
  return { bmw, clock, store, make, poller: await make(), ...test };
}

test('reads telematic values through a container that the next run finds again (BMW-67)', async (t) => {
  const { bmw, poller, make, clock } = await polling(t);
  const [record] = await poller.read(vin, 'telematic', anySpan);
  assert.equal(record?.type, 'bmw_telematics');
  assert.equal(record?.['via'], 'rest');
  assert.equal(record?.['vin'], vin);
  assert.equal(record?.['received_at'], new Date(clock.now()).toISOString());
  const data = record!['data'] as Record<string, { value: unknown }>;
  const { value } = data[descriptorLists[0]![0]!]!;
  assert.equal(typeof value, 'string', "BMW's spelling is untouched");
  assert.equal(50 - bmw.rest.left, 3, 'list, create, read');
  await (await make()).read(vin, 'telematic', anySpan);
  assert.equal(50 - bmw.rest.left, 4, 'read');
});

test('the primary vehicles of the account, in each shape that BMW has for the list (BMW-70)', async (t) => {
  const cars = [{ vin }, { vin: 'WBYVP000000000002', mapping: 'SECONDARY' as const }];
  for (const mappings of ['array', 'wrapped'] as const) {
    const { poller } = await polling(t, { cars, rest: { mappings } });
    assert.deepEqual(await poller.vehicles(), [vin]);
  }
});

test('basic data and the charging history, page by page', async (t) => {
  const { poller, clock } = await polling(t, { rest: { pageSize: 2 } });
  const [vehicle] = await poller.read(vin, 'basic', anySpan);
  assert.equal(vehicle?.type, 'bmw_vehicle');
  const sessions = await poller.read(vin, 'history', { from: clock.now() - 30 * 86_400_000, to: clock.now() });
  assert.ok(sessions.length > 2, `${sessions.length} sessions`);
  assert.ok(sessions.every(({ type, time }) => type === 'bmw_charging_session' && time !== undefined));
});

test('refuses at its own limit with 75, before BMW would, and goes on when a day has passed (BMW-74)', async (t) => {
  const { bmw, poller, clock } = await polling(t, { cap: 5 });
  for (let i = 0; i < 3; i++) await poller.read(vin, 'telematic', anySpan);
  await assert.rejects(poller.read(vin, 'telematic', anySpan), failing(75, /5 requests in 24 hours.*Try again after/));
  assert.equal(50 - bmw.rest.left, 5);
  await clock.advance(24 * 3_600_000 + 1);
  assert.equal((await poller.read(vin, 'telematic', anySpan)).length, 1);
});

test('the ledger is shared: another run counts the requests of this one', async (t) => {
  const { poller, make } = await polling(t, { cap: 3 });
  await poller.read(vin, 'telematic', anySpan);
  await assert.rejects((await make()).read(vin, 'basic', anySpan), failing(75));
});

test('a used-up quota, told as HTTP 403, stops every further request until our oldest one is a day old', async (t) => {
  const { bmw, poller, clock } = await polling(t);
  await poller.read(vin, 'basic', anySpan);
  bmw.rest.leave(0);
  await clock.advance(3_600_000);
  await assert.rejects(poller.read(vin, 'basic', anySpan), failing(75, /BMW says/));
  const asked = bmw.events.length;
  await assert.rejects(poller.read(vin, 'basic', anySpan), failing(75, /BMW said.*Try again after 2026-03-02T12:00/));
  assert.equal(bmw.events.length, asked, 'BMW was not asked again');
});

test('a refused request counts too', async (t) => {
  const { bmw, poller } = await polling(t);
  bmw.faults.arm('api-CU-104');
  await assert.rejects(poller.read(vin, 'basic', anySpan), failing(77, /primary user/));
  assert.equal(await poller.quota.left(), 39);
});

test('a token that BMW no longer takes is renewed once; the error id decides, not the status', async (t) => {
  const { bmw, poller, store } = await polling(t);
  const before = await store.read();
  bmw.faults.arm('api-CU-102');
  assert.equal((await poller.read(vin, 'basic', anySpan)).length, 1);
  assert.notEqual((await store.read()).access_token, before.access_token);
  bmw.faults.arm('api-CU-101', 2);
  await assert.rejects(poller.read(vin, 'basic', anySpan), failing(77, /Run bmw-login/));
});

test('an access token that has run out is renewed before it is used', async (t) => {
  const { bmw, poller, clock } = await polling(t);
  await clock.advance(2 * 3_600_000);
  assert.equal((await poller.read(vin, 'basic', anySpan)).length, 1);
  assert.equal(50 - bmw.rest.left, 1);
});

test('CU-105 with HTTP 403 means that the container is gone: a new one is made', async (t) => {
  const { bmw, poller } = await polling(t);
  await poller.read(vin, 'telematic', anySpan);
  bmw.faults.arm('api-CU-105');
  assert.equal((await poller.read(vin, 'telematic', anySpan)).length, 1);
});

test('a key that BMW does not know costs the rare keys, not the reading', async (t) => {
  const { poller, said } = await polling(t, {
    rest: { unknownDescriptors: ['vehicle.drivetrain.electricEngine.charging.level'] },
  });
  const [record] = await poller.read(vin, 'telematic', anySpan);
  const keys = Object.keys(record?.['data'] as object);
  assert.ok(keys.includes(descriptorLists[2]![0]!));
  assert.ok(!keys.includes('vehicle.drivetrain.electricEngine.charging.level'));
  assert.ok(said.some((line) => line.includes('CU-402')));
});

test('errors that may pass are 69, others of the API 76', async (t) => {
  const { bmw, poller } = await polling(t);
  bmw.faults.arm('api-CU-503');
  await assert.rejects(poller.read(vin, 'basic', anySpan), failing(69, /CU-503/));
  bmw.faults.arm('api-CU-401');
  await assert.rejects(poller.read(vin, 'basic', anySpan), failing(76, /CU-401/));
});

test('a login without the scope of the API is told at once, with the way out (77)', async (t) => {
  await assert.rejects(
    polling(t, { faults: [{ name: 'token-scope-missing', times: 1 }] }),
    failing(77, /CarData API.*Delete the client/),
  );
});

test('at ten containers an old one of ours makes room, and nobody else loses one', async () => {
  const { context } = clientContext(fakeClock());
  const deleted: string[] = [];
  const present: Container[] = [
    { containerId: 'THEIRS0000001', name: 'evcc', purpose: 'v6' },
    { containerId: 'OURS000000001', name: 'voltpipe', purpose: 'voltpipe 000000000000' },
  ];
  const rest = {
    containers: async () => present.filter(({ containerId }) => !deleted.includes(containerId)),
    async createContainer() {
      if (deleted.length === 0) throw new CarDataError('CU-124', 403, 'too many');
      return { containerId: 'NEW0000000001' };
    },
    deleteContainer: async (id: string) => void deleted.push(id),
    telematics: async (_vin: string, id: string) => ({ telematicData: {}, id }),
  } as unknown as RestClient;
  const containers = createContainers(rest, context, gcid);
  assert.deepEqual(await containers.telematics(vin), { telematicData: {}, id: 'NEW0000000001' });
  assert.deepEqual(deleted, ['OURS000000001']);
  const notes = await context.state<ContainerNotes>('bmw-containers').read();
  assert.equal(notes?.[gcid]?.id, 'NEW0000000001');

  deleted.length = 0;
  present.pop();
  const full = createContainers(rest, clientContext(fakeClock()).context, gcid);
  await assert.rejects(full.telematics(vin), failing(77, /ten are there/));
});

test('Retry-After shortens the ban of a used-up quota', async () => {
  const clock = fakeClock();
  const quota = createQuota(clientContext(clock).context, gcid, 40);
  await quota.spend();
  await quota.exhausted(60_000);
  assert.equal(await quota.left(), 0);
  await assert.rejects(quota.spend(), failing(75));
  await clock.advance(60_000);
  await quota.spend();
  assert.equal(await quota.left(), 38);
});
