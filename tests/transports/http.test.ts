import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { after, test } from 'node:test';
import { serverCertificate } from '../../src/simulators/certificates.ts';
import { httpClient } from '../../src/transports/http/client.ts';
import { HttpFailure, type HttpFailureCode, shownUrl } from '../../src/transports/http/failure.ts';
import { fakeClock, settle } from '../support/clock.ts';

const servers: { close(): void; closeAllConnections?(): void }[] = [];
const client = httpClient();
after(async () => {
  await client.close();
  for (const server of servers) {
    server.closeAllConnections?.();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(listener);
  return { url: await listen(server), server };
}

async function listen(server: ReturnType<typeof createTcpServer>, scheme = 'http'): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server as Server);
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function failsAs(code: HttpFailureCode, call: Promise<unknown>): Promise<HttpFailure> {
  const error = await call.then(
    () => assert.fail(`expected a failure of kind ${code}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HttpFailure, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}

test('a call sends method, path, query, headers and body, and brings status, headers and text', async () => {
  const { url } = await serve((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      response.writeHead(418, { 'Content-Type': 'text/plain', 'X-Twice': ['a', 'b'] });
      response.end(`${request.method} ${request.url} ${request.headers.authorization} ${body} ü`);
    });
  });
  const answer = await client.call({
    method: 'POST',
    url: `${url}/a/b?c=d%20e`,
    headers: { Authorization: 'APIKEY k' },
    body: '{"x":1}',
  });
  assert.equal(answer.status, 418);
  assert.equal(answer.headers['content-type'], 'text/plain');
  assert.equal(answer.headers['x-twice'], 'a, b');
  assert.equal(answer.text, 'POST /a/b?c=d%20e APIKEY k {"x":1} ü');
});

test('calls one after the other use one connection', async () => {
  const ports = new Set<number | undefined>();
  const { url } = await serve((request, response) => {
    ports.add(request.socket.remotePort);
    response.end('ok');
  });
  for (let i = 0; i < 5; i++) {
    await client.call({ method: 'GET', url });
    await settle();
  }
  assert.equal(ports.size, 1);
});

test('a redirect is an answer and is not followed', async () => {
  const { url } = await serve((_, response) => response.writeHead(302, { Location: '/elsewhere' }).end());
  const answer = await client.call({ method: 'GET', url });
  assert.equal(answer.status, 302);
  assert.equal(answer.headers.location, '/elsewhere');
});

test('a far side that never answers is a timeout on the injected clock', async () => {
  const { url } = await serve(() => {});
  const clock = fakeClock();
  const own = httpClient(clock);
  const outcome = failsAs('timeout', own.call({ method: 'GET', url, timeoutMs: 5000 }));
  await clock.advance(5000);
  assert.match((await outcome).message, /no answer within 5 s/);
  await own.close();
});

test('an answer that stalls in its middle is a timeout', async () => {
  const { url } = await serve((_, response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('half');
  });
  const failure = await failsAs('timeout', client.call({ method: 'GET', url, timeoutMs: 100 }));
  assert.equal(failure.temporary, true);
});

test('a connection reset in mid-answer is a network failure, never a short text', async () => {
  const { url } = await serve((_, response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('half', () => response.socket?.resetAndDestroy());
  });
  await failsAs('network', client.call({ method: 'GET', url }));
});

test('a connection closed in mid-answer is a network failure, with and without a length', async () => {
  for (const headers of [{ 'Content-Length': '100' }, { 'Transfer-Encoding': 'chunked' }]) {
    const { url } = await serve((_, response) => {
      response.writeHead(200, headers);
      response.write('half', () => response.socket?.destroy());
    });
    await failsAs('network', client.call({ method: 'GET', url }));
  }
});

test('a connection closed before any answer is a network failure', async () => {
  const { url } = await serve((request) => request.socket.destroy());
  await failsAs('network', client.call({ method: 'POST', url, body: 'x' }));
});

test('nobody listening is a network failure that says so', async () => {
  const { url, server } = await serve(() => {});
  await new Promise((resolve) => server.close(resolve));
  const failure = await failsAs('network', client.call({ method: 'GET', url: `${url}/path` }));
  assert.equal(failure.message, `GET ${url}/path: connection refused`);
});

test('a call works again after the far side came back', async () => {
  const first = await serve((_, response) => response.end('first'));
  const port = Number(new URL(first.url).port);
  await client.call({ method: 'GET', url: first.url });
  first.server.closeAllConnections();
  await new Promise((resolve) => first.server.close(resolve));
  await failsAs('network', client.call({ method: 'GET', url: first.url }));
  const second = createServer((_, response) => response.end('second'));
  servers.push(second);
  await new Promise<void>((resolve) => second.listen(port, '127.0.0.1', resolve));
  assert.equal((await client.call({ method: 'GET', url: first.url })).text, 'second');
});

test('an answer longer than allowed is given up', async () => {
  const { url } = await serve((_, response) => response.end('x'.repeat(5000)));
  assert.equal((await client.call({ method: 'GET', url, maxBytes: 5000 })).text.length, 5000);
  const failure = await failsAs('tooLarge', client.call({ method: 'GET', url, maxBytes: 4999 }));
  assert.equal(failure.temporary, false);
  assert.equal((await client.call({ method: 'GET', url, maxBytes: 4999, cut: true })).text, 'x'.repeat(4999));
});

test('what is not HTTP is named as such', async () => {
  const url = await listen(createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')));
  await failsAs('protocol', client.call({ method: 'GET', url }));
});

test('a server with an authority of its own is trusted by ca, and refused without it', async () => {
  const { ca, key, cert } = await serverCertificate();
  const url = await listen(
    createTlsServer({ key, cert }, (_, response) => response.end('secret')),
    'https',
  );
  assert.equal((await client.call({ method: 'GET', url, ca })).text, 'secret');
  const refused = await failsAs('tls', client.call({ method: 'GET', url }));
  assert.match(refused.reason, /UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
  assert.equal(refused.temporary, false);
  const other = await serverCertificate();
  await failsAs('tls', client.call({ method: 'GET', url, ca: other.ca }));
});

test('a certificate for another name is refused', async () => {
  const { ca, key, cert } = await serverCertificate(['127.0.0.2']);
  const url = await listen(
    createTlsServer({ key, cert }, (_, response) => response.end()),
    'https',
  );
  await failsAs('tls', client.call({ method: 'GET', url, ca }));
});

test('https to a server without TLS is a failure of TLS', async () => {
  const { url } = await serve((_, response) => response.end());
  await failsAs('tls', client.call({ method: 'GET', url: url.replace('http:', 'https:') }));
});

test('a call is given up by its signal: before it starts, and while it waits', async () => {
  let asked = 0;
  const arrived = deferred();
  const { url } = await serve(() => {
    asked++;
    arrived.resolve(undefined);
  });
  await failsAs('aborted', client.call({ method: 'GET', url, signal: AbortSignal.abort() }));
  assert.equal(asked, 0);
  const stop = new AbortController();
  const call = failsAs('aborted', client.call({ method: 'GET', url, signal: stop.signal }));
  await arrived.promise;
  stop.abort();
  await call;
});

function deferred(): { promise: Promise<unknown>; resolve(value: unknown): void } {
  let resolve: (value: unknown) => void = () => {};
  const promise = new Promise((r) => {
    resolve = r;
  });
  return { promise, resolve };
}

test('closing ends the calls that are under way and refuses new ones', async () => {
  const arrived = deferred();
  const { url } = await serve(() => arrived.resolve(undefined));
  const own = httpClient();
  const call = failsAs('aborted', own.call({ method: 'GET', url }));
  await arrived.promise;
  await own.close();
  await call;
  await failsAs('aborted', own.call({ method: 'GET', url }));
});

test('neither query nor password of an address is in a message (BMW-16)', async () => {
  const { url, server } = await serve(() => {});
  await new Promise((resolve) => server.close(resolve));
  const secret = url.replace('//', '//user:hidden@');
  const failure = await failsAs('network', client.call({ method: 'GET', url: `${secret}/send?token=hidden#hidden` }));
  assert.equal(failure.message, `GET ${url}/send: connection refused`);
  const bad = await failsAs('url', client.call({ method: 'GET', url: 'ftp://user:hidden@host/?token=hidden' }));
  assert.doesNotMatch(bad.message, /hidden/);
  assert.equal(shownUrl('no address?token=hidden'), 'no address');
});

test('an address that is none is refused by name', async () => {
  for (const url of ['', 'nonsense', 'ftp://host/']) await failsAs('url', client.call({ method: 'GET', url }));
});

test('a header that HTTP does not allow is a failure, not a crash', async () => {
  const { url } = await serve((_, response) => response.end());
  await failsAs('url', client.call({ method: 'GET', url, headers: { Authorization: 'a\r\nX: b' } }));
});
