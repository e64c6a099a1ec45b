import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FrameName, frames } from '../../../src/clients/send/frames.ts';
import { parseHeaders } from '../../../src/clients/send/headers.ts';
import { kindOf } from '../../../src/clients/send/http-status.ts';
import { createSendQueue } from '../../../src/clients/send/queue.ts';
import { schemeOf, schemes } from '../../../src/clients/send/schemes.ts';
import { parseTarget, pathOf, portOf } from '../../../src/clients/send/target.ts';
import { retryAfter } from '../../../src/protocols/http/retry-after.ts';
import { CommandError } from '../../../src/runtime/exit.ts';
import { txQueueIn } from '../../../src/transports/tcp/unacknowledged.ts';

test('each frame divides records in its own way', () => {
  const expected: Record<FrameName, string> = {
    lf: '{"a":"ä"}\n{}\n',
    crlf: '{"a":"ä"}\r\n{}\r\n',
    nul: '{"a":"ä"}\0{}\0',
    length: '\0\0\0\x0a{"a":"ä"}\0\0\0\x02{}',
    octets: '10 {"a":"ä"}2 {}',
    'json-seq': '\x1e{"a":"ä"}\n\x1e{}\n',
    none: '{"a":"ä"}{}',
  };
  for (const [name, text] of Object.entries(expected)) {
    assert.equal(frames[name as FrameName].bytes(['{"a":"ä"}', '{}']).toString(), text, name);
    assert.equal(frames[name as FrameName].bytes([]).length, 0, name);
  }
});

describe('an address', () => {
  test('shows neither user nor password nor query; one that is a secret shows its host alone', () => {
    const target = parseTarget('https://me@example.org/in/box?token=s3cret', false);
    assert.equal(target.shown, 'https://example.org/in/box');
    assert.equal(target.user, 'me');
    assert.equal(target.url.href, 'https://example.org/in/box?token=s3cret');
    const secret = parseTarget('https://me:pa%20ss@hooks.example.org/T0/B0/xyz', true);
    assert.equal(secret.shown, 'https://hooks.example.org/…');
    assert.equal(secret.password, 'pa ss');
    assert.ok(!secret.url.href.includes('pa'));
  });

  test('with a password is refused where all processes see it', () => {
    assert.throws(() => parseTarget('https://me:secret@example.org/', false), /in the list of processes/);
  });

  test('that is none is refused, and a secret one is not shown', () => {
    for (const text of ['example.org', 'http//x', 'https://', '/var/log/x']) {
      assert.throws(() => parseTarget(text, false), CommandError, text);
      assert.throws(() => parseTarget(text, true), /^CommandError: the address is no URL/, text);
    }
  });

  test('has a scheme that the table knows, or none', () => {
    assert.equal(schemeOf(new URL('wss://example.org/in')), schemes.wss);
    for (const text of ['ftp://x', 'constructor://x']) assert.equal(schemeOf(new URL(text)), undefined, text);
  });

  test('of a file may be absolute or relative', () => {
    for (const [text, path] of [
      ['file:///var/log/x.ndjson', '/var/log/x.ndjson'],
      ['file:/var/log/x%20y', '/var/log/x y'],
      ['file:x.ndjson', 'x.ndjson'],
      ['file:./x.ndjson', './x.ndjson'],
      ['file://./x.ndjson', './x.ndjson'],
      ['file:100%.ndjson', '100%.ndjson'],
    ] as const) {
      assert.equal(pathOf(parseTarget(text, false)), path, text);
    }
    for (const text of ['file:', 'file:///', 'file:///var/log/', 'file://host/x']) {
      assert.throws(() => parseTarget(text, false), CommandError, text);
    }
  });

  test('of a socket has a port and no path', () => {
    assert.equal(portOf(new URL('tcp://[::1]:4000'), ''), 4000);
    assert.throws(() => portOf(new URL('tcp://host'), 'tcp://host'), /needs a host and a port/);
    assert.throws(() => portOf(new URL('tcp://host:1/x'), 'x'), /has a path/);
  });
});

test('headers are names and values; what is none is said without its value', () => {
  assert.deepEqual(parseHeaders(['X-Key:  a b ', 'y:'], '--header', 'usage'), { 'x-key': 'a b', y: '' });
  assert.throws(
    () => parseHeaders(['X Key: s3cret'], '--header', 'usage'),
    (error: Error) => !error.message.includes('s3cret'),
  );
  assert.throws(() => parseHeaders(['x: a\nb: c'], '--header', 'usage'), CommandError);
});

test('every status of HTTP has its meaning', () => {
  const kinds = (statuses: readonly number[]): string[] => [...new Set(statuses.map(kindOf))];
  assert.deepEqual(kinds([200, 201, 202, 204]), ['delivered']);
  assert.deepEqual(kinds([408, 425, 429, 500, 502, 503, 504, 507, 599]), ['later']);
  assert.deepEqual(kinds([401, 403, 407]), ['refused']);
  assert.deepEqual(kinds([400, 409, 418, 422]), ['rejected']);
  assert.deepEqual(kinds([301, 302, 307, 404, 405, 410, 415, 501]), ['wrong']);
  assert.deepEqual(kinds([413]), ['tooLarge']);
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');
  assert.equal(retryAfter('120', now), 120_000);
  assert.equal(retryAfter('Sun, 01 Mar 2026 12:01:00 GMT', now), 60_000);
  assert.equal(retryAfter('Sun, 01 Mar 2026 11:00:00 GMT', now), 0);
  for (const text of ['soon', '', '-']) assert.equal(retryAfter(text, now), undefined, text);
  assert.equal(retryAfter(undefined, now), undefined);
});

test('what the kernel holds of a connection is read from its table', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:B7C5 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 0100007F:9C40 0100007F:B7C5 01 00010F2C:00000000 01:00000014 00000000  1000        0 2 4 0 20 4 30 10 -1
   2: 0100007F:B7C5 0100007F:9C40 01 00000000:0000FFFF 00:00000000 00000000  1000        0 3 1 0 20 4 30 10 -1
`;
  assert.equal(txQueueIn(table, 0x9c40, 0xb7c5), 0x10f2c);
  assert.equal(txQueueIn(table, 0xb7c5, 0x9c40), 0);
  assert.equal(txQueueIn(table, 1, 2), undefined);
});

test('a queue keeps to its bounds in records and in bytes', () => {
  const dropped: number[] = [];
  const queue = createSendQueue({
    records: 3,
    bytes: 10,
    policy: 'drop-oldest',
    onDrop: (ordinals) => dropped.push(...ordinals),
    gap: ({ count, from, to }) => `${count}:${from}-${to}`,
  });
  for (const [ordinal, payload] of ['aaaa', 'bbbb', 'cccc', 'd'].entries()) {
    queue.push({ payload, ordinal, time: String(ordinal) });
  }
  assert.deepEqual(dropped, [0]);
  const portion = queue.take({ records: 9, bytes: 100 })!;
  assert.deepEqual(portion.payloads, ['1:0-0', 'bbbb', 'cccc', 'd']);
  queue.push({ payload: 'e', ordinal: 4, time: '4' });
  queue.putBack(portion);
  assert.deepEqual(dropped, [0, 1]);
  // The hole of before is told with the new one.
  assert.deepEqual(queue.take({ records: 9, bytes: 100 })?.payloads, ['2:0-1', 'cccc', 'd', 'e']);
});

test('what is put back counts in bytes again, and a record longer than a portion goes alone', () => {
  const queue = createSendQueue({ records: 9, bytes: 100, policy: 'block', onDrop() {}, gap: () => undefined });
  for (const [ordinal, payload] of ['aaaa', 'bb', 'cc'].entries()) queue.push({ payload, ordinal, time: undefined });
  const long = queue.take({ records: 9, bytes: 3 })!;
  assert.deepEqual(long.payloads, ['aaaa']);
  assert.equal(queue.bytes, 4);
  queue.putBack(long);
  assert.equal(queue.bytes, 8);
  assert.deepEqual(queue.take({ records: 9, bytes: 8 })?.payloads, ['aaaa', 'bb', 'cc']);
});
