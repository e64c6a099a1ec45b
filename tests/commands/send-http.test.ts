import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createRawServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { command } from '../../src/commands/send.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createHealth } from '../../src/runtime/health.ts';
import { serverCertificate } from '../../src/simulators/certificates.ts';
import { type FakeClock, fakeClock } from '../support/clock.ts';
import { type RunOptions, type RunResult, runCommand } from '../support/command.ts';
import { countTo, fedSink, numbersIn, readings, until } from '../support/feed.ts';
import { freePort } from '../support/mosquitto.ts';
import { temporaryFolder } from '../support/shell.ts';

interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

interface Peer {
  url: string;
  seen: Seen[];
  /** Numbers of the readings in the requests that were answered with 2xx, in order. */
  taken: number[];
  close(): Promise<void>;
}

/** Answers the n-th request; undefined: 204. */
type Script = (
  n: number,
  seen: Seen,
  response: ServerResponse,
) => number | [number, Record<string, string>, string?] | 'silent' | 'reset' | undefined;

const peers: Peer[] = [];
after(() => Promise.all(peers.map((peer) => peer.close())));

async function startPeer(
  script: Script = () => undefined,
  options: { port?: number; tls?: object } = {},
): Promise<Peer> {
  const seen: Seen[] = [];
  const taken: number[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const one = { method: request.method!, path: request.url!, headers: request.headers, body: Buffer.concat(parts) };
    seen.push(one);
    const answer = script(seen.length, one, response);
    if (answer === 'silent') return;
    if (answer === 'reset') return void request.socket.resetAndDestroy();
    const [status, headers, text] = Array.isArray(answer) ? answer : [answer ?? 204, {}];
    if (status < 300) taken.push(...numbersIn(one.body.toString('latin1')));
    response.writeHead(status, headers).end(text);
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void =>
    void handle(request, response).catch(() => {});
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const peer: Peer = {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/in`,
    seen,
    taken,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  peers.push(peer);
  return peer;
}

const run = (url: string, records = readings(3), options: RunOptions = {}): Promise<RunResult> =>
  runCommand(command, {
    args: [url],
    input: records,
    ...options,
    flags: { receipts: true, retryFor: '20s', ...options.flags },
  });

/** Lets time pass on the clock, slowly enough for sockets, until something is over. */
async function whileTimePasses<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  work.then(end, end);
  while (!over) {
    await pause(1);
    await clock.advance(100);
  }
  return work;
}

const folder = temporaryFolder('send');
const fileWith = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** Answers a request as soon as it has seen its head, and takes its time to read the body. */
async function startHastyPeer(): Promise<{ url: string; lines(): string[] }> {
  let bodies = '';
  const server = createRawServer((socket) => {
    let head = Buffer.alloc(0);
    let left = 0;
    socket.on('error', () => {});
    socket.on('data', (part) => {
      while (part.length > 0) {
        if (left > 0) {
          bodies += part.subarray(0, left).toString('latin1');
          const rest = part.subarray(left);
          left -= part.length - rest.length;
          part = rest;
          continue;
        }
        const whole = Buffer.concat([head, part]);
        const end = whole.indexOf('\r\n\r\n');
        head = end < 0 ? whole : Buffer.alloc(0);
        if (end < 0) return;
        left = Number(/content-length: (\d+)/i.exec(whole.subarray(0, end).toString('latin1'))![1]);
        part = whole.subarray(end + 4);
        socket.write('HTTP/1.1 204 No Content\r\n\r\n');
        socket.pause();
        setTimeout(() => socket.resume(), 50);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`,
    lines: () => bodies.split('\n').slice(0, -1),
  };
}

test('a server that answers before it has read the body still gets it as it was', async () => {
  const peer = await startHastyPeer();
  const records = readings(16_000).map((record) => ({ ...record, text: 'x'.repeat(1000) }));
  const { status } = await run(peer.url, records, { flags: { batch: 3500, queue: 20_000 } });
  assert.equal(status, 0);
  // Of the last request the rest went down with the connection: the answer had been given.
  const whole = records.slice(0, 3 * 3500).map((record) => JSON.stringify(record));
  await until(() => peer.lines().length >= whole.length);
  assert.deepEqual(peer.lines().slice(0, whole.length), whole);
});

test('what was dropped from the queue is 69 in the end, also when the far side was there all the time', async () => {
  const peer = await startPeer();
  const { status, delivered, log } = await run(peer.url, readings(30), {
    flags: { queue: 3, whenFull: 'drop-oldest' },
  });
  assert.equal(status, 69);
  assert.equal(delivered, 30);
  assert.ok(peer.taken.length < 30 && peer.taken.at(-1) === 29, peer.taken.join(' '));
  assert.match(log.join('\n'), new RegExp(`${30 - peer.taken.length} records were dropped`));
});

describe('a request (ESP-73, ESP-75)', () => {
  test('holds the records that are ready, as lines of NDJSON; a receipt tells the answer', async () => {
    const peer = await startPeer(() => [200, {}, 'thanks']);
    const { status, records, delivered } = await run(peer.url);
    assert.equal(status, 0);
    assert.equal(delivered, 3);
    assert.equal(peer.seen[0]?.method, 'POST');
    assert.equal(peer.seen[0]?.path, '/in');
    assert.equal(peer.seen[0]?.headers['content-type'], 'application/x-ndjson');
    assert.deepEqual(peer.taken, [0, 1, 2]);
    const { latency_ms, time, ...receipt } = records.at(-1)!;
    assert.ok(typeof latency_ms === 'number' && time);
    assert.deepEqual(
      { ...receipt, count: 1 },
      { type: 'receipt', sink: 'send', ok: true, count: 1, status: '200', message: 'thanks' },
    );
  });

  test('as an array, as single objects for webhooks, as CSV (BMW-68, ESP-79)', async () => {
    const array = await startPeer();
    await run(array.url, readings(1), { flags: { body: 'array' } });
    assert.deepEqual(JSON.parse(array.seen[0]!.body.toString()), readings(1));
    assert.equal(array.seen[0]?.headers['content-type'], 'application/json');

    const single = await startPeer();
    await run(single.url, readings(3), { flags: { body: 'object' } });
    assert.deepEqual(
      single.seen.map(({ body }) => JSON.parse(body.toString())),
      readings(3),
    );

    const csv = await startPeer();
    await run(csv.url, readings(1), { flags: { payload: 'csv', columns: 'time,voltage' } });
    assert.equal(csv.seen[0]?.body.toString(), 'time,voltage\n2026-03-01T12:00:00.000Z,13.2\n');
    assert.equal(csv.seen[0]?.headers['content-type'], 'text/csv; charset=utf-8');
  });

  test('is no longer than --batch, and waits for others with --linger', async () => {
    const peer = await startPeer();
    const { delivered } = await run(peer.url, readings(7), { flags: { batch: '3', linger: '1h' } });
    assert.equal(delivered, 7);
    assert.deepEqual(
      peer.seen.map(({ body }) => numbersIn(body.toString())),
      [[0, 1, 2], [3, 4, 5], [6]],
    );
  });

  test('is of 500 records and 4 MiB at most, unless said', async () => {
    const peer = await startPeer();
    await run(peer.url, readings(1200), { flags: { linger: '1h', queue: '5000' } });
    assert.deepEqual(
      peer.seen.map(({ body }) => numbersIn(body.toString()).length),
      [500, 500, 200],
    );
    const large = await startPeer();
    const wide = readings(10).map((record) => ({ ...record, text: 'x'.repeat(900_000) }));
    await run(large.url, wide, { flags: { linger: '1h' } });
    assert.deepEqual(large.taken, countTo(10));
    assert.ok(large.seen.length > 1 && large.seen.every(({ body }) => body.length <= 4 * 1024 * 1024));
  });

  test('of a table: records of other types count as delivered in their turn, and are said', async () => {
    const peer = await startPeer();
    const other = { type: 'gap', time: '2026-03-01T12:00:00.000Z', source: 'x', count: 1 };
    const [one, two] = readings(2) as [VoltRecord, VoltRecord];
    const { status, delivered, log } = await run(peer.url, [other, one, other, two, other], {
      flags: { payload: 'csv', of: 'battery_reading', columns: 'time,cycles' },
    });
    assert.deepEqual([status, delivered], [0, 5]);
    assert.match(log.join('\n'), /3 records of other types left out/);
  });

  test('that waits for others with --linger goes at once when it is told to stop', async () => {
    const peer = await startPeer();
    const sink = fedSink(command, { args: [peer.url], flags: { linger: '1h' } });
    sink.put(...readings(2));
    // Nobody tells when it has read them.
    await pause(50);
    assert.equal(peer.seen.length, 0);
    sink.stop();
    await until(() => peer.taken.length === 2);
    sink.end();
    assert.equal((await sink.result).delivered, 2);
  });

  test('is compressed on request', async () => {
    const peer = await startPeer();
    await run(peer.url, readings(1), { flags: { gzip: true } });
    assert.equal(peer.seen[0]?.headers['content-encoding'], 'gzip');
    assert.deepEqual(numbersIn(gunzipSync(peer.seen[0]!.body).toString()), [0]);
  });

  test('has the method and headers of the user, and secrets from files alone', async () => {
    const peer = await startPeer();
    await run(peer.url, readings(1), {
      flags: { method: 'PUT', header: ['X-Site: home', 'content-type: text/plain'], url: undefined },
      env: { VOLTPIPE_SEND_TOKEN_FILE: fileWith('token', 'tok3n-secret\n') },
    });
    assert.equal(peer.seen[0]?.method, 'PUT');
    assert.equal(peer.seen[0]?.headers['x-site'], 'home');
    assert.equal(peer.seen[0]?.headers['content-type'], 'text/plain');
    assert.equal(peer.seen[0]?.headers.authorization, 'Bearer tok3n-secret');

    const basic = await startPeer();
    await run(basic.url, readings(1), {
      flags: { user: 'me' },
      env: {
        VOLTPIPE_SEND_PASSWORD_FILE: fileWith('password', 'pässword'),
        VOLTPIPE_SEND_HEADERS: 'X-Api-Key: 12345678',
      },
    });
    assert.equal(basic.seen[0]?.headers.authorization, `Basic ${Buffer.from('me:pässword').toString('base64')}`);
    assert.equal(basic.seen[0]?.headers['x-api-key'], '12345678');
  });
});

describe('a server with faults', () => {
  test('500, a reset in the midst, silence, 429 with Retry-After: everything arrives, in order', async () => {
    const script: Record<number, ReturnType<Script>> = {
      1: 500,
      2: 'reset',
      3: 'silent',
      4: [429, { 'retry-after': '1' }],
    };
    const peer = await startPeer((n) => script[n]);
    const clock = fakeClock();
    const sink = fedSink(command, {
      clock,
      args: [peer.url],
      flags: { readTimeout: '1m', retryFor: '1h', batch: '2' },
    });
    sink.put(...readings(5));
    sink.end();
    const { status, log, delivered } = await whileTimePasses(clock, sink.result);
    assert.equal(status, 0);
    assert.deepEqual(peer.taken, countTo(5));
    assert.equal(delivered, 5);
    const said = log.filter((line) => !line.includes('debug'));
    assert.match(said[0]!, /warning: http:\/\/127\.0\.0\.1:\d+\/in: answered 500 \(waiting=\d\)/);
    assert.match(said[1]!, /is back \(after=/);
    assert.equal(said.length, 2, said.join('\n'));
  });

  test('a long answer is read to its end: its status decides, and it is not kept', async () => {
    const long = `taken ${'x'.repeat(3 << 20)}`;
    const peer = await startPeer(() => [200, {}, long]);
    const { status, delivered, records } = await run(peer.url, readings(2), { flags: { body: 'object' } });
    assert.deepEqual([status, delivered], [0, 2]);
    assert.deepEqual(peer.taken, [0, 1]);
    assert.deepEqual(
      records.map(({ message }) => message),
      [long.slice(0, 200), long.slice(0, 200)],
    );
  });

  test('413: in smaller requests; a record that is too large alone is rejected (exit status 76)', async () => {
    const peer = await startPeer((_n, { body }) => (body.length > 400 ? 413 : undefined));
    const records = [...readings(6), ...readings(1, 6, { device_name: 'x'.repeat(500) }), ...readings(2, 7)];
    const { status, delivered, log } = await run(peer.url, records);
    assert.deepEqual(peer.taken, [0, 1, 2, 3, 4, 5, 7, 8]);
    assert.equal(status, 76);
    assert.equal(delivered, 9);
    assert.match(log.join('\n'), /a record is not wanted: answered 413/);
  });

  test('400: only the record at fault is missing', async () => {
    const peer = await startPeer((_n, { body }) =>
      numbersIn(body.toString()).includes(4) ? [400, {}, 'no such\n battery'] : undefined,
    );
    const { status, delivered, log } = await run(peer.url, readings(9));
    assert.deepEqual(peer.taken, [0, 1, 2, 3, 5, 6, 7, 8]);
    assert.equal(status, 76);
    assert.equal(delivered, 9);
    assert.match(log.join('\n'), /answered 400: no such battery/);
    assert.match(log.join('\n'), /1 record was rejected/);
  });

  test('one that rejects all: 76, and what it has not taken does not count as delivered', async () => {
    const peer = await startPeer(() => 422);
    const { status, delivered, error } = await run(peer.url, readings(50));
    assert.equal(status, 76);
    assert.equal(delivered, 0);
    assert.match(error?.message ?? '', /10 records in a row rejected/);
  });

  test('401 is 77; 404 and a redirect are 78, and nobody follows it', async () => {
    const other = await startPeer();
    for (const [answer, status] of [
      [401, 77],
      [403, 77],
      [404, 78],
      [[302, { location: other.url }], 78],
    ] as const) {
      const peer = await startPeer(() => answer as number);
      const got = await run(peer.url);
      assert.equal(got.status, status, String(answer));
      assert.equal(got.delivered, 0);
    }
    assert.equal(other.seen.length, 0);
  });

  test('one that is not there is 69 after --retry-for, with the records unsent', async () => {
    const port = await freePort();
    const { status, delivered, error } = await run(`http://127.0.0.1:${port}/`, readings(2), {
      flags: { retryFor: '0' },
    });
    assert.equal(status, 69);
    assert.equal(delivered, 0);
    assert.match(error?.message ?? '', /^2 records not delivered to http:\/\/127\.0\.0\.1:\d+: connection refused/);
  });

  test('a name that nobody knows is 69, too', async () => {
    const { status, error } = await run('http://nobody.invalid/', readings(1), { flags: { retryFor: '0' } });
    assert.equal(status, 69);
    assert.match(error?.message ?? '', /no such host|name service/);
  });

  test('while it takes nothing, the pipeline is not ready, and says why; then it is', async () => {
    const port = await freePort();
    const health = createHealth(systemClock);
    const sink = fedSink(command, { args: [`http://127.0.0.1:${port}/in`], health });
    sink.put(...readings(1));
    await until(() => /^send: http:\/\/127\.0\.0\.1:\d+\/in: connection refused$/.test(health.unready().join()));
    const peer = await startPeer(undefined, { port });
    await until(() => peer.taken.length === 1 && health.unready().length === 0);
    sink.end();
    assert.equal((await sink.result).status, 0);
  });

  test('one that goes and comes back: nothing that was accepted is missing, order is kept', async () => {
    const port = await freePort();
    const first = await startPeer(undefined, { port });
    const sink = fedSink(command, { args: [first.url] });
    sink.put(...readings(10));
    await until(() => first.taken.length === 10);
    await first.close();
    sink.put(...readings(10, 10));
    const second = await startPeer(undefined, { port });
    sink.put(...readings(10, 20));
    sink.end();
    const { status, delivered } = await sink.result;
    assert.equal(status, 0);
    assert.equal(delivered, 30);
    assert.deepEqual([...first.taken, ...second.taken], countTo(30));
  });
});

describe('secrets', () => {
  test('an address from a file shows its host alone, whatever goes wrong', async () => {
    const peer = await startPeer(() => 404);
    const { log, error, status } = await runCommand(command, {
      input: readings(1),
      env: { VOLTPIPE_SEND_URL: `${peer.url}/hook/s3cr3t?key=s3cr3t` },
    });
    assert.equal(peer.seen[0]?.path, '/in/hook/s3cr3t?key=s3cr3t');
    assert.equal(status, 78);
    assert.ok(!`${log.join('\n')}${error?.message}`.includes('s3cr3t'), log.join('\n'));
  });

  test('a password in the address is refused on the command line, taken from a file, and sent nowhere else', async () => {
    const peer = await startPeer();
    const withPassword = peer.url.replace('//', '//me:pa55word@');
    assert.equal((await run(withPassword)).status, 64);
    const { status } = await runCommand(command, { input: readings(1), env: { VOLTPIPE_SEND_URL: withPassword } });
    assert.equal(status, 0);
    assert.equal(peer.seen[0]?.headers.authorization, `Basic ${Buffer.from('me:pa55word').toString('base64')}`);
  });
});

describe('TLS', () => {
  test('an authority of its own is 78 with a hint, works with --ca, and loudly with --insecure', async () => {
    const { ca, cert, key } = await serverCertificate();
    const peer = await startPeer(undefined, { tls: { cert, key } });
    const refused = await run(peer.url, readings(1));
    assert.equal(refused.status, 78);
    assert.match(String((refused.error as { next?: string }).next), /--ca/);
    const trusted = await run(peer.url, readings(1), { flags: { ca: fileWith('ca.pem', ca) } });
    assert.equal(trusted.status, 0);
    const insecure = await run(peer.url, readings(1), { flags: { insecure: true } });
    assert.equal(insecure.status, 0);
    assert.match(insecure.log[0]!, /warning: --insecure: whoever answers at 127\.0\.0\.1/);
  });

  test('a server that asks for a certificate gets ours; without one it is no use', async () => {
    const { ca, cert, key } = await serverCertificate();
    const peer = await startPeer(undefined, { tls: { cert, key, ca, requestCert: true, rejectUnauthorized: false } });
    const files = { ca: fileWith('ca2.pem', ca), cert: fileWith('cert.pem', cert), key: fileWith('key.pem', key) };
    assert.equal((await run(peer.url, readings(1), { flags: files })).status, 0);
    assert.equal((await run(peer.url, readings(1), { flags: { cert: files.cert } })).status, 78);
    const stranger = fileWith('other-key.pem', (await serverCertificate()).key);
    const mixed = await run(peer.url, readings(1), { flags: { ...files, key: stranger } });
    assert.equal(mixed.status, 78);
    assert.equal(mixed.error?.message, '--cert, --key: the key belongs to another certificate');
    assert.equal((await run(peer.url, readings(1), { flags: { ca: '/nowhere/ca.pem' } })).status, 78);
    assert.equal((await run(peer.url, readings(1), { flags: { ca: fileWith('no.pem', 'x') } })).status, 78);
  });
});

describe('the command line', () => {
  test('an option that means nothing for the scheme is refused, not ignored', async () => {
    for (const [url, flags] of [
      ['tcp://127.0.0.1:1', { gzip: true }],
      ['udp://127.0.0.1:1', { confirm: 'line' }],
      ['http://127.0.0.1:1/', { frame: 'lf' }],
      ['file:x', { method: 'PUT' }],
      ['http://127.0.0.1:1/', { insecure: true }],
      ['ftp://127.0.0.1/', {}],
      ['tcp://127.0.0.1', {}],
      ['http://127.0.0.1/', { header: ['nonsense'] }],
      ['http://127.0.0.1/', { body: 'object', batch: '2' }],
      ['file:x', { sync: 'sometimes' }],
    ] as const) {
      const { status } = await runCommand(command, { args: [url], input: [], flags: { ...flags } });
      assert.equal(status, 64, `${url} ${JSON.stringify(flags)}`);
    }
    assert.equal((await runCommand(command, { input: [] })).status, 64);
  });

  test('--dry-run of a table shows names of columns only where they are sent', async () => {
    const flags = { dryRun: true, payload: 'csv', columns: 'cycles' };
    for (const [url, names] of [
      ['udp://127.0.0.1:1', []],
      ['ws://127.0.0.1:1/', []],
      ['wss://127.0.0.1:1/', []],
      ['tcp://127.0.0.1:1', ['cycles']],
      ['http://127.0.0.1:1/', ['cycles']],
      ['serial:///dev/x', ['cycles']],
      ['file:x', ['cycles']],
    ] as const) {
      const { items } = await runCommand(command, { args: [url], input: readings(2), flags });
      assert.deepEqual(items, [...names, '0', '1'], url);
    }
  });

  test('--payload csv says what a table has no room for', async () => {
    const input = readings(2, 0, { extra: 1, cells: [3.1, 3.2] });
    const { log } = await runCommand(command, {
      args: ['udp://127.0.0.1:1'],
      input,
      flags: { dryRun: true, payload: 'csv', cells: '1' },
    });
    const warnings = log.filter((line) => line.includes('warning'));
    assert.equal(warnings.length, 2, log.join('\n'));
    assert.match(warnings.join('\n'), /more cells than the table/);
    assert.match(warnings.join('\n'), /no column for "extra"/);
  });

  test('--dry-run shows what would go, and connects to nobody', async () => {
    const peer = await startPeer();
    const { items, log } = await run(peer.url, readings(1), { flags: { dryRun: true } });
    assert.deepEqual(items, [JSON.stringify(readings(1)[0])]);
    assert.equal(peer.seen.length, 0);
    assert.match(log[0]!, /would send to http/);
  });
});
