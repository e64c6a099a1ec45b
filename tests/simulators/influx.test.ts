import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { influxFaults } from '../../src/simulators/influx/faults.ts';
import { type InfluxOptions, type InfluxSimulator, startInflux } from '../../src/simulators/influx/index.ts';
import { parseLine } from '../../src/simulators/influx/line.ts';

const running: InfluxSimulator[] = [];
after(() => Promise.all(running.map((influx) => influx.close())));

const start = async (options: InfluxOptions): Promise<InfluxSimulator> => {
  const influx = await startInflux(options);
  running.push(influx);
  return influx;
};
const post = async (influx: InfluxSimulator, path: string, body: string) => {
  const answer = await fetch(influx.url + path, { method: 'POST', body });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
};
const lines = 'm v=1 1\nbad\nm v="x" 2\nm v=3 3';

test('1.x stores the good lines and answers as 1.6.7 does', async () => {
  const influx = await start({ dialect: '1', databases: ['x'] });
  assert.deepEqual(await post(influx, '/write?db=x&precision=ms', 'm v=1 1\nbad'), {
    status: 400,
    body: { error: "partial write: unable to parse 'bad': missing fields dropped=0" },
  });
  assert.match(
    (await post(influx, '/write?db=x&precision=ms', lines)).body.error,
    /^partial write: field type conflict: .* is type string, already exists as type float dropped=1$/,
  );
  assert.deepEqual(await post(influx, '/write?db=y', 'm v=1'), {
    status: 404,
    body: { error: 'database not found: "y"' },
  });
  assert.deepEqual(
    influx.points().map(({ time }) => time),
    [1, 3],
  );
});

test('2.x answers 422 to a conflict of types, 3 names each line', async () => {
  const two = await start({ dialect: '2' });
  const second = await post(two, '/api/v2/write?org=home&bucket=x&precision=ms', lines);
  assert.equal(second.status, 422);
  assert.match(second.body.message, /^failure writing points to database: partial write: field type conflict/);
  const three = await start({ dialect: '3' });
  const third = await post(three, '/api/v3/write_lp?db=x&precision=millisecond', lines);
  assert.equal(third.status, 400);
  assert.deepEqual(
    third.body.data.map(({ line_number }: { line_number: number }) => line_number),
    [2, 3],
  );
  assert.equal(two.points().length, 2);
  assert.equal(three.points().length, 2);
});

test('what is not named is said as the servers say it: a database, a bucket, an organisation', async () => {
  const one = await start({ dialect: '1', databases: ['x'] });
  assert.deepEqual(await post(one, '/write', 'm v=1'), { status: 400, body: { error: 'database is required' } });
  const two = await start({ dialect: '2', databases: ['x'] });
  for (const [query, status, code, message] of [
    ['org=&bucket=x', 400, 'invalid', 'Please provide either orgID or org'],
    ['bucket=x', 400, 'invalid', 'Please provide either orgID or org'],
    ['org=home', 404, 'not found', 'bucket not found'],
    ['org=nobody&bucket=x', 404, 'not found', 'organization name "nobody" not found'],
  ] as const)
    assert.deepEqual(await post(two, `/api/v2/write?${query}`, 'm v=1'), { status, body: { code, message } });
});

test('a point that comes again is one point, its fields joined', async () => {
  const influx = await start({ dialect: '1' });
  await post(influx, '/write?db=x&precision=s', 'm,b=1,a=2 v=1,w=2 5');
  await post(influx, '/write?db=x&precision=s', 'm,a=2,b=1 v=3 5');
  assert.equal(influx.points().length, 1);
  assert.deepEqual(influx.points()[0]?.fields, { v: { type: 'float', value: 3 }, w: { type: 'float', value: 2 } });
});

test('line protocol is read strictly', () => {
  assert.deepEqual(parseLine('a\\,b,t=x\\ y\\,z\\=q s="a \\"b\\\\,c",i=-5i,f=1e-7,b=t -3'), {
    measurement: 'a,b',
    tags: { t: 'x y,z=q' },
    fields: {
      s: { type: 'string', value: 'a "b\\,c' },
      i: { type: 'integer', value: -5 },
      f: { type: 'float', value: 1e-7 },
      b: { type: 'boolean', value: true },
    },
    timestamp: -3,
  });
  for (const [line, why] of [
    ['m', 'missing fields'],
    ['m,t= v=1', 'missing tag value'],
    ['m,a=1,a=2 v=1', 'duplicate tags'],
    ['m v=NaN', 'invalid number'],
    ['m v=1 1.5', 'bad timestamp'],
    ['m v="x', 'unbalanced quotes'],
    ['a line with words', 'missing field value'],
  ] as const) {
    assert.throws(
      () => parseLine(line),
      { message: why === 'missing field value' ? /missing field value|invalid field format/ : why },
      line,
    );
  }
});

test('faults come from the command line and by POST /control, and a wrong one is named', async () => {
  assert.deepEqual(influxFaults.parse('status=503,retryAfter=5,times=3'), { status: 503, retryAfter: 5, times: 3 });
  assert.deepEqual(influxFaults.parse('reject=device_id=X'), { reject: 'device_id=X' });
  for (const text of ['', 'statsu=1', 'status=abc', 'status=9', 'drop=later', 'times=-1'])
    assert.throws(() => influxFaults.parse(text), Error, text);
  const influx = await start({ dialect: '1' });
  assert.equal((await post(influx, '/control', '{"status":503}')).status, 200);
  assert.equal((await post(influx, '/write?db=x', 'm v=1')).status, 503);
  assert.equal((await post(influx, '/write?db=x', 'm v=1')).status, 204);
  assert.equal((await post(influx, '/control', '{"statsu":503}')).status, 400);
});
