import assert from 'node:assert/strict';
import { test } from 'node:test';
import { background } from '../support/background.ts';
import { cleanEnvironment, temporaryFolder } from '../support/shell.ts';
import { login, started, vin } from './bmw.ts';

const minutes = 6;
const lifetime = 60_000;
const perSecond = 200;

test(`${minutes} minutes at ${perSecond} messages a second with tokens of a minute: none lost, none twice (BMW-78)`, async (t) => {
  const from = await started(t, { lifetimes: { access: lifetime, id: lifetime } });
  assert.equal((await login(from)).status, 0);
  const home = temporaryFolder('soak');
  const stream = background(['bmw-stream'], cleanEnvironment(home, { ...from.env, VOLTPIPE_DATA_DIR: from.dataDir }));
  t.after(() => stream.stop());

  const { broker } = from.bmw;
  const end = Date.now() + minutes * 60_000;
  for (let n = 0; Date.now() < end; n++) {
    await from.bmw.publish(vin, {
      'vehicle.vehicle.travelledDistance': { timestamp: new Date(n).toISOString(), value: n, unit: 'km' },
    });
    await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
  }
  const numberOf = (data: unknown): number =>
    (data as Record<string, { value: number }>)['vehicle.vehicle.travelledDistance']!.value;
  const sent = broker.sent.map(({ payload }) => numberOf(JSON.parse(payload).data));
  for (let i = 0; i < 100 && stream.lines.length < sent.length; i++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  const got = (stream.lines as Record<string, unknown>[])
    .filter(({ type }) => type === 'bmw_telematics')
    .map(({ data }) => numberOf(data));
  const connections = new Set(broker.sent.map(({ connection }) => connection)).size;
  t.diagnostic(`${sent.length} messages over ${connections} connections`);
  assert.ok(connections >= 4, `${connections} connections`);
  assert.deepEqual(got, sent);
});
