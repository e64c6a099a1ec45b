import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, test } from 'node:test';
import type { InfluxOptions } from '../../src/simulators/influx/index.ts';
import { readings, simulated, writing, writingTo } from '../support/influx-writing.ts';

const strangers: Server[] = [];
after(() => Promise.all(strangers.map((server) => server.close())));

/** influx-write beside InfluxDB 1, which it need not ask what it is. */
const beside = (options: InfluxOptions = {}) => writing({ dialect: '1', ...options }, { flags: { api: 'v1' } });

/** Something that is no database and says the same to everybody; `asked` counts. */
async function stranger(status: number, headers: Record<string, string>, body: string) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    request.resume().on('end', () => response.writeHead(status, headers).end(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  strangers.push(server);
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked };
}

const page = { 'content-type': 'text/html' };

for (const [status, headers, body] of [
  [400, { 'content-type': 'text/plain' }, 'Client sent an HTTP request to an HTTPS server.\n'],
  [400, page, '<html>400 Bad Request</html>'],
  [422, { 'content-type': 'application/json' }, '{"detail":"what is this"}'],
  [402, page, ''],
  [405, page, '<html>405 Not Allowed</html>'],
  [407, page, ''],
  [411, page, ''],
  [426, page, ''],
  [431, page, ''],
  [200, page, '<html>a router</html>'],
  [413, page, '<html>413 Request Entity Too Large</html>'],
] as const) {
  test(`${status} ${body} is no database that speaks of the lines: none is given up, and 78`, async () => {
    const { url } = await stranger(status, headers, body);
    for (const flags of [{ api: 'v1' }, { api: 'v2' }, { api: 'v3', gzip: true }]) {
      const { put, end, finished } = writingTo(url, { flags: { org: 'home', ...flags } });
      put(...readings(1, 20));
      end();
      const { status: ended, delivered, error, log } = await finished();
      assert.deepEqual([ended, delivered], [78, 0], error?.message);
      assert.doesNotMatch(log.join('\n'), /rejects a line/);
    }
  });
}

test('a proxy that answers 404 while its server starts anew is an outage, when it had worked: nothing is lost, nothing ends (HAWK-140)', async () => {
  const { put, until, end, finished, influx, records } = await beside();
  put(...readings(1, 1));
  await until(() => influx.points().length === 1);
  influx.fault({ status: 404, message: '404 page not found', times: 5 });
  put(...readings(2, 2));
  await until(() => records.some(({ ok }) => ok === false));
  put(...readings(3, 4));
  await until(() => influx.points().length === 4, 600_000);
  end();
  const { status, delivered, log } = await finished();
  assert.deepEqual([status, delivered], [0, 4]);
  assert.equal(log.filter((line) => /warning.*takes no records/.test(line)).length, 1);
  assert.equal(log.filter((line) => line.includes('takes records again')).length, 1);
});

for (const [status, message] of [
  [400, 'Bad Request'],
  [302, 'moved'],
  [405, 'not allowed'],
] as const) {
  test(`so is ${status} that says nothing of lines`, async () => {
    const { put, until, end, finished, influx } = await beside();
    put(...readings(1, 1));
    await until(() => influx.points().length === 1);
    influx.fault({ status, message, times: 3 });
    put(...readings(2, 9));
    await until(() => influx.points().length === 9, 600_000);
    end();
    const { status: ended, delivered } = await finished();
    assert.deepEqual([ended, delivered], [0, 9]);
  });
}

test('an outage of this kind that outlasts the end of input is 69, and nothing is acknowledged', async () => {
  const { put, until, end, finished, influx } = await beside();
  put(...readings(1, 1));
  await until(() => influx.points().length === 1);
  influx.fault({ status: 404, message: '404 page not found', times: 1000 });
  put(...readings(2, 3));
  end();
  const { status, delivered, error } = await finished();
  assert.deepEqual([status, delivered], [69, 1]);
  assert.match(error?.message ?? '', /2 records not delivered: 404 page not found/);
});

for (const api of ['v1', 'auto']) {
  test(`--api ${api}: a 404 at the very first is waited for as long as --patience, then it is 78`, async () => {
    const { url, asked } = await stranger(404, { 'content-type': 'text/plain' }, '404 page not found\n');
    const { put, until, finished, clock } = writingTo(url, { flags: { api } });
    put(...readings(1, 3));
    await until(() => asked.length > 4);
    const { status, delivered, error } = await finished();
    assert.deepEqual([status, delivered], [78, 0]);
    assert.match(error?.message ?? '', /404 page not found/);
    assert.ok(clock.monotonic() >= 60_000, `${clock.monotonic()}`);
  });
}

test('a proxy that is up before its server costs a wait and no more', async () => {
  const { put, end, finished, influx } = await beside({
    faults: [{ status: 404, message: '404 page not found', times: 3 }],
  });
  put(...readings(1, 3));
  end();
  const { status, delivered } = await finished();
  assert.deepEqual([status, delivered, influx.points().length], [0, 3, 3]);
});

test('a 404 that lasts from the first to the end of input is 78, not 69', async () => {
  const { put, end, finished } = await beside({
    faults: [{ status: 404, message: '404 page not found', times: 1000 }],
  });
  put(...readings(1, 3));
  end();
  const { status, delivered, error } = await finished();
  assert.deepEqual([status, delivered], [78, 0]);
  assert.match(`${(error as { next?: string }).next}`, /influxdb\.url/);
});

test('InfluxDB 2 without an organisation: 78 before anything is sent, with --api as without', async () => {
  const influx = await simulated({ dialect: '2' });
  for (const api of ['auto', 'v2']) {
    for (const org of [undefined, '']) {
      const { put, end, finished } = writingTo(influx.url, { flags: { api, org } });
      put(...readings(1, 3));
      end();
      const { status, delivered, error } = await finished();
      assert.deepEqual([status, delivered], [78, 0]);
      assert.match(error?.message ?? '', /no organisation/);
      assert.match(`${(error as { next?: string }).next}`, /--org/);
    }
  }
  assert.deepEqual(influx.bodies, []);
});

test('an address that holds more than a server is refused with 78 and not shown; so is an empty database', async () => {
  for (const [flags, why] of [
    [{ url: 'http://hawk:swordfish@127.0.0.1:1' }, /holds a user name or a password/],
    [{ url: 'http://swordfish@127.0.0.1:1' }, /holds a user name or a password/],
    [{ url: 'http://127.0.0.1:1/influx/?p=swordfish' }, /has a query/],
    [{ url: 'http://127.0.0.1:1/?' }, /has a query/],
    [{ url: 'http://127.0.0.1:1/#x' }, /has a query/],
    [{ url: 'udp://127.0.0.1:8089' }, /not the address of a database/],
    [{ database: '' }, /influxdb\.database: is empty/],
    [{ bucket: '' }, /influxdb\.bucket: is empty/],
  ] as const) {
    const { put, end, finished } = writingTo('http://127.0.0.1:1', { flags: { org: 'home', ...flags } });
    put(...readings(1, 1));
    end();
    const { status, error } = await finished();
    assert.equal(status, 78, JSON.stringify(flags));
    assert.match(error?.message ?? '', why);
    assert.doesNotMatch(error?.message ?? '', /swordfish/);
  }
});
