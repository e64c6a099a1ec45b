import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { queryClient } from '../../src/clients/influx/setup-v1.ts';
import { judgeWrite, type PlainAnswer, type Verdict } from '../../src/protocols/influx/answer.ts';
import { writeUrl } from '../../src/protocols/influx/requests.ts';
import { identify } from '../../src/protocols/influx/server.ts';
import { httpClient } from '../../src/transports/http/client.ts';
import { type Database, influxQuery, influxRows, startInfluxd, startVictoriaMetrics } from '../support/databases.ts';

interface Ask {
  db?: string;
  precision?: string;
  rp?: string;
  headers?: Record<string, string>;
}

async function post(
  { url }: Database,
  body: string | Buffer,
  { db = 'x', precision = 'ms', rp, headers = {} }: Ask = {},
): Promise<PlainAnswer> {
  const query = new URLSearchParams({ db, precision, ...(rp ? { rp } : {}) });
  const answer = await fetch(`${url}/write?${query}`, {
    method: 'POST',
    body: new Uint8Array(Buffer.from(body)),
    headers,
  });
  return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() };
}

async function get({ url }: Database, path: string): Promise<PlainAnswer> {
  const answer = await fetch(url + path);
  return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() };
}

/** What 1.6.7 answers: the request, the status, a part of the message, and what we make of it. */
const answers: readonly (readonly [string, string | Buffer, number, RegExp, Verdict['kind'], Ask?])[] = [
  ['a good line', 'm v=1 1', 204, /^$/, 'taken'],
  ['no body', '', 204, /^$/, 'taken'],
  ['a blank line and a comment', '\n# x\nm v=1 1\n', 204, /^$/, 'taken'],
  ['a database that is not there', 'm v=1 1', 404, /^database not found: "nowhere"$/, 'noDatabase', { db: 'nowhere' }],
  ['no name of a database', 'm v=1 1', 400, /^database is required$/, 'misconfigured', { db: '' }],
  [
    'a retention policy that is not there',
    'm v=1 1',
    500,
    /^retention policy not found: nope$/,
    'misconfigured',
    { rp: 'nope' },
  ],
  [
    'a bad line between good ones',
    'm v=1 2\nbad line here\nm v=1 3',
    400,
    /^partial write: unable to parse 'bad line here': invalid field format dropped=0$/,
    'some',
  ],
  [
    'two bad lines',
    'bad one\nm v=1 4\nworse',
    400,
    /unable to parse 'bad one': .*\nunable to parse 'worse': missing fields/,
    'some',
  ],
  ['only a bad line', 'bad', 400, /^unable to parse 'bad': missing fields$/, 'some'],
  [
    'a text in a float field',
    'm v="a" 5',
    400,
    /^partial write: field type conflict: input field "v" on measurement "m" is type string, already exists as type float dropped=1$/,
    'some',
  ],
  ['an integer in a float field', 'm v=13i 5', 400, /is type integer, already exists as type float dropped=1$/, 'some'],
  ['an unsigned integer', 'm u=1u 5', 400, /unable to parse/, 'some'],
  ['an empty tag', 'm,t= v=1 6', 400, /missing tag value/, 'some'],
  ['NaN', 'm v=NaN 6', 400, /invalid number/, 'some'],
  ['a tag twice', 'm,a=1,a=2 v=1 6', 400, /duplicate tags/, 'some'],
  ['CRLF after the time', 'm v=1 6\r\n', 400, /bad timestamp/, 'some'],
  ['a fraction in the time', 'm v=1 6.5', 400, /bad timestamp/, 'some'],
  ['a tag called time', 'm,time=1 v=1 6', 400, /^partial write: invalid tag key: .*dropped=1$/, 'some'],
  ['a tag that ends with a backslash', 'm,t=a\\ v=1 6', 400, /unable to parse/, 'some'],
  ['an integer of more than 64 bits', 'm i=9223372036854775808i 6', 400, /value out of range/, 'some'],
  ['a time out of range', 'm v=1 9223372036854775807', 400, /time outside range/, 'some'],
  ['compressed', gzipSync('m v=1 7'), 204, /^$/, 'taken', { headers: { 'content-encoding': 'gzip' } }],
  [
    'compressed and cut',
    gzipSync('m v=1 7').subarray(0, 15),
    400,
    /unexpected EOF/,
    'foreign',
    { headers: { 'content-encoding': 'gzip' } },
  ],
  ['more than 25 MB', `m v=1 8\n`.repeat(3_200_000), 413, /^Request Entity Too Large$/, 'split'],
];

test('influxd 1.6.7 answers as the table of answers has it, and each answer is judged as it must be', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  await influxQuery(influxd, 'CREATE DATABASE "x"');
  for (const [name, body, status, message, kind, ask] of answers) {
    const answer = await post(influxd, body, ask);
    assert.equal(answer.status, status, name);
    const said = answer.text === '' ? '' : (JSON.parse(answer.text) as { error: string }).error;
    assert.match(said, message, name);
    if (status >= 400 && !/[\r\n]/.test(said)) assert.equal(answer.headers['x-influxdb-error'], said, name);
    assert.equal(judgeWrite(answer, 0).kind, kind, name);
  }
  assert.deepEqual(
    (await influxRows(influxd, 'SELECT v FROM x.autogen.m')).map(({ time }) => time),
    [1, 2, 3, 4, 7],
    'good lines beside bad ones are stored',
  );
});

test('what influxd stores without a word although it is wrong: an unknown precision, a field called time', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  await influxQuery(influxd, 'CREATE DATABASE "x"');
  assert.equal((await post(influxd, 'm v=1 1772366400', { precision: 'zz' })).status, 204);
  assert.equal((await post(influxd, 'n time=5,v=1 1772366400000')).status, 204);
  const [odd] = await influxRows(influxd, 'SELECT v FROM x.autogen.m');
  assert.ok(Number(odd?.time) < 10_000, 'the point is in 1970');
  assert.deepEqual(await influxRows(influxd, 'SELECT * FROM x.autogen.n'), [{ time: 1_772_366_400_000, v: 1 }]);
});

test('influxd with users: 401 and 403, a series limit, points older than the policy', async (t) => {
  const influxd = await startInfluxd(t, { auth: true, data: ['max-series-per-database = 8'] });
  if (!influxd) return;
  const admin = { u: 'root', p: 'secret' };
  await influxQuery(influxd, `CREATE USER "root" WITH PASSWORD 'secret' WITH ALL PRIVILEGES`);
  for (const statement of [
    'CREATE DATABASE "x"',
    `CREATE USER "w" WITH PASSWORD 'w'`,
    'GRANT READ ON "x" TO "w"',
    'CREATE RETENTION POLICY "short" ON "x" DURATION 1h REPLICATION 1',
  ]) {
    await influxQuery(influxd, statement, admin);
  }
  const basic = (user: string, password: string): Ask => ({
    headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
  });
  const now = Date.now();
  const series = Array.from({ length: 13 }, (_, i) => `m,t=${i} v=1 ${now}`).join('\n');
  const table: readonly (readonly [string, string, Ask, number, RegExp, Verdict['kind']])[] = [
    ['nobody', 'm v=1 1', {}, 401, /unable to parse authentication credentials/, 'refused'],
    ['a wrong password', 'm v=1 1', basic('root', 'x'), 401, /authorization failed/, 'refused'],
    [
      'a token, which 1.6 does not know',
      'm v=1 1',
      { headers: { authorization: 'Token root:secret' } },
      401,
      /./,
      'refused',
    ],
    [
      'a user who may only read',
      'm v=1 1',
      basic('w', 'w'),
      403,
      /"w\\?" user is not authorized to write to database/,
      'refused',
    ],
    [
      'more series than allowed',
      series,
      basic('root', 'secret'),
      400,
      /^partial write: max-series-per-database limit exceeded: \(8\) dropped=\d+$/,
      'some',
    ],
    [
      'older than the policy',
      `m,t=0 v=1 ${now - 7_200_000}\nm,t=0 v=1 ${now}`,
      { rp: 'short', ...basic('root', 'secret') },
      400,
      /^partial write: points beyond retention policy dropped=1$/,
      'some',
    ],
  ];
  for (const [name, body, ask, status, message, kind] of table) {
    const answer = await post(influxd, body, ask);
    assert.equal(answer.status, status, `${name}: ${answer.text}`);
    assert.match((JSON.parse(answer.text) as { error: string }).error, message, name);
    assert.equal(judgeWrite(answer, 0).kind, kind, name);
    assert.match(answer.headers['x-influxdb-version'] ?? '', /^1\./, name);
    if (status === 401) assert.match(answer.headers['www-authenticate'] ?? '', /^Basic/, name);
  }
});

test('a statement that influxd refuses is answered with 200, and its error stands in the body', async (t) => {
  const influxd = await startInfluxd(t);
  if (!influxd) return;
  const ask = async (statement: string): Promise<{ status: number; error: string | undefined }> => {
    const answer = await fetch(`${influxd.url}/query`, { method: 'POST', body: new URLSearchParams({ q: statement }) });
    const { results } = (await answer.json()) as { results: { error?: string }[] };
    return { status: answer.status, error: results[0]?.error };
  };
  const policy = (duration: string): string => `CREATE RETENTION POLICY "p" ON "x" DURATION ${duration} REPLICATION 1`;
  for (const [statement, error] of [
    ['CREATE DATABASE "x"', undefined],
    ['CREATE DATABASE "x"', undefined],
    [policy('2h'), undefined],
    [policy('2h'), undefined],
    [policy('3h'), 'retention policy already exists'],
    ['CREATE DATABASE "a/b"', 'invalid name'],
  ] as const) {
    assert.deepEqual(await ask(statement), { status: 200, error }, statement);
  }
  const http = httpClient();
  const client = queryClient(http, { url: influxd.url, database: 'x' }, {}, 30_000);
  await assert.rejects(client.query(policy('3h')), { status: 76, message: /retention policy already exists/ });
  await http.close();
});

test('influxd and VictoriaMetrics are told apart by ping and health', async (t) => {
  const influxd = await startInfluxd(t);
  const victoria = await startVictoriaMetrics(t);
  if (!influxd || !victoria) return;
  const [old, metrics] = await Promise.all(
    [influxd, victoria].map(async (server) => identify(await get(server, '/ping'), await get(server, '/health'))),
  );
  assert.equal(old?.api, 'v1');
  assert.match(old?.version ?? '', /^1\./);
  assert.deepEqual(metrics, { api: 'vm' });
});

test('VictoriaMetrics says 204 to everything, so that nothing wrong may be sent to it', async (t) => {
  const victoria = await startVictoriaMetrics(t);
  if (!victoria) return;
  const asked: readonly (readonly [string, string | Buffer, (Ask | undefined)?])[] = [
    ...answers.filter(([, , , , kind]) => kind === 'some').map(([name, body, , , , ask]) => [name, body, ask] as const),
    ['a database that is not there', 'm v=1 1772366400000', { db: 'nowhere' }],
    ['a policy that is not there', 'm v=1 1772366400000', { rp: 'nope' }],
    ['no words at all', 'bad'],
  ];
  for (const [name, body, ask] of asked) {
    if (name === 'compressed and cut') continue;
    const answer = await post(victoria, body, ask);
    assert.deepEqual([answer.status, judgeWrite(answer, 0).kind], [204, 'taken'], name);
  }
  const cut = await post(victoria, gzipSync('m v=1 7').subarray(0, 15), { headers: { 'content-encoding': 'gzip' } });
  assert.equal(cut.status, 400, cut.text);
  await fetch(`${victoria.url}/write?db=x`, { method: 'POST', body: 'odd s="text",b=true 1772366400000000000' });
  assert.deepEqual(await exported(victoria, 'odd_.*'), { odd_s: [0], odd_b: [1] });
});

test('VictoriaMetrics makes no database, and says 400 to a page of InfluxDB 3: the lines are not at fault', async (t) => {
  const victoria = await startVictoriaMetrics(t);
  if (!victoria) return;
  await influxQuery(victoria, 'CREATE DATABASE "x"');
  assert.deepEqual(
    (await influxRows(victoria, 'SHOW DATABASES')).map(({ name }) => name),
    ['_internal'],
  );
  const url = writeUrl('v3', { url: victoria.url, database: 'battery_hawk'.repeat(20) }, 'ms');
  const answer = await fetch(url, { method: 'POST', body: 'm v=1 1' });
  const plain = { status: answer.status, headers: {}, text: await answer.text() };
  assert.deepEqual([plain.status, judgeWrite(plain, 0).kind], [400, 'misconfigured'], plain.text);
});

/** The values of the series whose names fit, as soon as there are any. */
async function exported({ url }: Database, name: string): Promise<Record<string, number[]>> {
  const query = new URLSearchParams({ 'match[]': `{__name__=~"${name}"}` });
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    await fetch(`${url}/internal/force_flush`);
    const text = await (await fetch(`${url}/api/v1/export?${query}`)).text();
    const series = text
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { metric: { __name__: string }; values: number[] });
    if (series.length > 1) return Object.fromEntries(series.map(({ metric, values }) => [metric.__name__, values]));
  }
  throw new Error(`${name}: nothing was stored`);
}
