import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeWrite } from '../../../src/protocols/influx/answer.ts';
import { isolate } from '../../../src/protocols/influx/isolate.ts';
import { authorization, bucketOf, writeUrl } from '../../../src/protocols/influx/requests.ts';
import { identify } from '../../../src/protocols/influx/server.ts';
import { vectorsIn } from '../../support/ndjson.ts';

interface Vector {
  name: string;
  status: number;
  headers?: Record<string, string>;
  text: string;
  expect: unknown;
}

const vectors = vectorsIn<Vector>('influx/answers.ndjson');

for (const { name, status, headers = {}, text, expect } of vectors) {
  test(`the answer to a write is judged: ${name}`, () => {
    assert.deepEqual(judgeWrite({ status, headers, text }, 0), expect);
  });
}

test('a hundred lines named may not be all', () => {
  const data = Array.from({ length: 100 }, (_, i) => ({ line_number: i + 1, error_message: 'x' }));
  const verdict = judgeWrite({ status: 400, headers: {}, text: JSON.stringify({ error: 'partial', data }) }, 0);
  assert.ok(verdict.kind === 'named' && !verdict.all);
});

const indices = (lines: string[], message: string, dropped?: number): number[] | undefined => {
  const found = isolate(lines, message, dropped);
  return found && [...found.rejected.keys()];
};

test('lines that could not be parsed are named in the message', () => {
  const lines = ['m v=1 1', 'bad', 'm v=2 2', 'worse one'];
  const message = `partial write: unable to parse 'bad': missing fields\nunable to parse 'worse one': invalid field format dropped=0`;
  const found = isolate(lines, message, undefined);
  assert.deepEqual(
    [...(found?.rejected ?? [])],
    [
      [1, 'unable to parse: missing fields'],
      [3, 'unable to parse: invalid field format'],
    ],
  );
  assert.equal(indices(lines, "unable to parse 'what': no such line"), undefined);
});

test('lines beyond the policy are the oldest, a type conflict is that of every line with the field, as far as the counts agree', () => {
  const lines = ['m v=1 30', 'm v=2 10', 'm v=3 20', 'm w=4 40'];
  assert.deepEqual(indices(lines, 'partial write: points beyond retention policy dropped=2', 2), [1, 2]);
  const conflict =
    'field type conflict: input field "v" on measurement "m" is type float, already exists as type string dropped=3';
  assert.deepEqual(indices(lines, conflict, 3), [0, 1, 2]);
  assert.equal(indices(lines, conflict, 2), undefined);
  assert.deepEqual(indices(lines, 'whatever', 4), [0, 1, 2, 3]);
  assert.equal(indices(lines, 'max-series-per-database limit exceeded: (8) dropped=2', 2), undefined);
});

test('servers are told apart by ping and health', () => {
  const answer = (status: number, headers: Record<string, string> = {}, text = '') => ({ status, headers, text });
  const version = (value: string) => ({ 'x-influxdb-version': value });
  const notFound = answer(404, {}, '404 page not found');
  const ok = answer(200, {}, 'OK');
  assert.deepEqual(identify(answer(204, version('1.6.7~rc0')), notFound), { api: 'v1', version: '1.6.7~rc0' });
  assert.deepEqual(identify(answer(204, version('v2.7.11')), answer(200, {}, '{"version":"v2.7.11"}')), {
    api: 'v2',
    version: 'v2.7.11',
  });
  assert.deepEqual(identify(answer(200, {}, '{"version":"3.11.2","revision":"x"}'), ok), {
    api: 'v3',
    version: '3.11.2',
  });
  assert.deepEqual(identify(answer(204), ok), { api: 'vm' });
  // VictoriaMetrics imitates a version where it answers writes.
  assert.deepEqual(identify(answer(204, version('1.8.0')), ok), { api: 'vm' });
  assert.equal(identify(answer(200, {}, '<html>'), notFound), undefined);
});

test('each interface has its own address, precision and authorization', () => {
  const target = { url: 'http://h:8086/', database: 'a b', rp: 'weeks', org: 'home' };
  assert.equal(writeUrl('v1', target, 'ms'), 'http://h:8086/write?db=a+b&rp=weeks&precision=ms');
  assert.equal(writeUrl('v2', target, 's'), 'http://h:8086/api/v2/write?org=home&bucket=a+b%2Fweeks&precision=s');
  assert.equal(
    writeUrl('v3', target, 'ms'),
    'http://h:8086/api/v3/write_lp?db=a+b&precision=millisecond&accept_partial=true',
  );
  assert.equal(writeUrl('vm', target, 'ms'), 'http://h:8086/write?db=a+b&precision=ms');
  assert.equal(bucketOf({ ...target, bucket: 'mine' }), 'mine');
  assert.deepEqual(authorization('v1', { username: 'ü', password: 'p' }), {
    authorization: `Basic ${Buffer.from('ü:p').toString('base64')}`,
  });
  assert.deepEqual(authorization('v2', { token: 't' }), { authorization: 'Token t' });
  assert.deepEqual(authorization('v3', { token: 't' }), { authorization: 'Bearer t' });
  assert.deepEqual(authorization('v1', {}), {});
});
