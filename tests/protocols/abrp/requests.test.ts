import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  abrpUrl,
  bulkRequest,
  methodUrl,
  sendRequest,
  telemetryRequest,
} from '../../../src/protocols/abrp/requests.ts';

const access = { url: abrpUrl, apiKey: 'key', token: 'a b&c' };
const tlm = { utc: 1772366458, soc: 63.7 };

test('one point goes to tlm/send: key in the header, token in the query, JSON body (BMW-14, BMW-15, BMW-16, BMW-19)', () => {
  const { method, url, headers, body } = sendRequest(access, tlm);
  assert.equal(method, 'POST');
  assert.equal(url, 'https://api.iternio.com/1/tlm/send?token=a+b%26c');
  assert.equal(headers.Authorization, 'APIKEY key');
  assert.equal(headers['Content-Type'], 'application/json');
  assert.equal(body, '{"tlm":{"utc":1772366458,"soc":63.7}}');
});

test('several points go to tlm/bulk in the published shape, with no secret in the address', () => {
  const { url, headers, body } = bulkRequest(access, [tlm, { ...tlm, utc: 1772366468 }]);
  assert.equal(url, 'https://api.iternio.com/1/tlm/bulk');
  assert.equal(headers.Authorization, 'APIKEY key');
  assert.deepEqual(JSON.parse(body ?? ''), {
    data: [{ token: 'a b&c', tlm_list: [tlm, { ...tlm, utc: 1772366468 }] }],
  });
});

test('what ABRP holds is asked with GET', () => {
  const { method, url, body } = telemetryRequest(access);
  assert.equal(method, 'GET');
  assert.equal(url, 'https://api.iternio.com/1/tlm/get_telemetry?token=a+b%26c');
  assert.equal(body, undefined);
});

test('the base address may be a host, the version, or tlm/send itself', () => {
  for (const base of [
    'http://h:1',
    'http://h:1/',
    'http://h:1/1',
    'http://h:1/1/',
    'http://h:1/1/tlm/',
    'http://h:1/1/tlm/send',
    'http://h:1/1/tlm/bulk/',
  ]) {
    assert.equal(methodUrl(base, 'send').href, 'http://h:1/1/tlm/send', base);
  }
  assert.equal(methodUrl('http://h/proxy/abrp/1/', 'send').href, 'http://h/proxy/abrp/1/tlm/send');
});
