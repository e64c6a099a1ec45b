import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { command } from '../../src/commands/send.ts';
import { type ServerCertificate, serverCertificate } from '../../src/simulators/certificates.ts';
import { runCommand } from '../support/command.ts';
import { countTo, fedSink, numbersIn, readings, until } from '../support/feed.ts';
import { freePort } from '../support/mosquitto.ts';
import { temporaryFolder } from '../support/shell.ts';

interface Peer {
  url: string;
  requests: IncomingMessage[];
  messages: string[];
  close(): Promise<void>;
}

const peers: Peer[] = [];
after(() => Promise.all(peers.map((peer) => peer.close())));

interface Setting {
  port?: number;
  /** Answers pings (default true). */
  pongs?: boolean;
  maxPayload?: number;
  /** Speaks TLS with this certificate. */
  certificate?: ServerCertificate;
  /** HTTP status instead of a WebSocket. */
  refuse?: number;
  talk?: (socket: WebSocket, message: string, count: number) => void;
}

async function startPeer({
  port = 0,
  pongs = true,
  maxPayload,
  certificate,
  refuse,
  talk,
}: Setting = {}): Promise<Peer> {
  const messages: string[] = [];
  const requests: IncomingMessage[] = [];
  const listener = certificate ? createTlsServer(certificate) : createServer();
  listener.on('tlsClientError', () => {});
  const server = new WebSocketServer({
    server: listener,
    autoPong: pongs,
    ...(maxPayload === undefined ? {} : { maxPayload }),
    verifyClient: (_info: unknown, done: (ok: boolean, code?: number) => void) => done(refuse === undefined, refuse),
  });
  server.on('connection', (socket, request) => {
    requests.push(request);
    socket.on('error', () => {});
    socket.on('message', (data) => {
      messages.push(String(data));
      talk?.(socket, String(data), messages.length);
    });
  });
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  const peer: Peer = {
    url: `${certificate ? 'wss' : 'ws'}://127.0.0.1:${(listener.address() as AddressInfo).port}/in`,
    requests,
    messages,
    close: () =>
      new Promise((resolve) => {
        for (const client of server.clients) client.terminate();
        server.close();
        listener.close(() => resolve());
      }),
  };
  peers.push(peer);
  return peer;
}

describe('WebSocket (ESP-74)', () => {
  test('one message a record, with headers, delivered when a ping behind it was answered', async () => {
    const peer = await startPeer();
    const { status, delivered, records } = await runCommand(command, {
      args: [peer.url],
      input: readings(3),
      flags: { receipts: true, header: ['X-Site: home'], subprotocol: 'ndjson' },
      env: { VOLTPIPE_SEND_TOKEN: 'tok3n-secret' },
    });
    assert.equal(status, 0);
    assert.equal(delivered, 3);
    assert.deepEqual(
      peer.messages.map((text) => JSON.parse(text) as unknown),
      readings(3),
    );
    assert.equal(peer.requests[0]?.headers['x-site'], 'home');
    assert.equal(peer.requests[0]?.headers.authorization, 'Bearer tok3n-secret');
    assert.equal(peer.requests[0]?.headers['sec-websocket-protocol'], 'ndjson');
    assert.ok(records.every(({ ok, status: word }) => ok === true && word === 'read'));
  });

  test('over TLS: an unknown certificate is refused with 78 and gets nothing, one that is trusted with --ca gets all', async () => {
    const certificate = await serverCertificate(['127.0.0.1']);
    const peer = await startPeer({ certificate });
    assert.match(peer.url, /^wss:/);
    const refused = await runCommand(command, { args: [peer.url], input: readings(1) });
    assert.deepEqual([refused.status, refused.delivered], [78, 0]);
    assert.deepEqual(peer.messages, []);
    const ca = join(temporaryFolder('wss'), 'ca.pem');
    writeFileSync(ca, certificate.ca);
    const { status, delivered } = await runCommand(command, { args: [peer.url], input: readings(3), flags: { ca } });
    assert.deepEqual([status, delivered], [0, 3]);
    assert.deepEqual(numbersIn(peer.messages.join('')), [0, 1, 2]);
  });

  test('a server that never answers a ping has not taken anything: given up, tried again', async () => {
    const port = await freePort();
    const mute = await startPeer({ pongs: false, port });
    const sink = fedSink(command, { args: [mute.url], flags: { readTimeout: '500ms', receipts: true } });
    sink.put(...readings(2));
    await until(() => sink.receipts.some(({ ok }) => ok === false), 'the loss');
    await mute.close();
    const peer = await startPeer({ port });
    sink.end();
    const { status, delivered, log } = await sink.result;
    assert.equal(status, 0);
    assert.equal(delivered, 2);
    assert.deepEqual(numbersIn(peer.messages.join('')), [0, 1]);
    assert.match(log.join('\n'), /a ping was not answered/);
  });

  test('a server that dies and comes back: nothing that it has not confirmed is missing, only that comes twice', async () => {
    const port = await freePort();
    const first = await startPeer({
      port,
      talk: (socket, _message, count) => (count > 55 ? socket.terminate() : socket.send('ok')),
    });
    const sink = fedSink(command, { args: [first.url], flags: { confirm: 'line', receipts: true } });
    for (let i = 0; i < 10; i++) sink.put(...readings(10, i * 10));
    await until(() => first.messages.length > 55);
    await first.close();
    const second = await startPeer({ port, talk: (socket) => socket.send('ok') });
    sink.end();
    const { status, delivered } = await sink.result;
    assert.equal(status, 0);
    assert.equal(delivered, 100);
    const again = numbersIn(second.messages.join(''));
    assert.deepEqual(again, countTo(100).slice(again[0]));
    assert.ok(again[0]! <= 55, String(again[0]));
  });

  test('--confirm line: one that answers steadily is alive, however long all of it takes; nothing comes twice', async () => {
    let due = 0;
    const peer = await startPeer({
      talk(socket) {
        due += 50;
        setTimeout(() => socket.send('ok'), due);
      },
    });
    const { status, delivered, log } = await runCommand(command, {
      args: [peer.url],
      input: readings(60),
      flags: { confirm: 'line', readTimeout: '2s' },
    });
    assert.deepEqual([status, delivered], [0, 60], log.join('\n'));
    assert.deepEqual(numbersIn(peer.messages.join('')), countTo(60));
  });

  test('a message that is too long for the server is found and rejected; the others arrive (76)', async () => {
    const peer = await startPeer({ maxPayload: 1000 });
    const records = [...readings(3), ...readings(1, 3, { device_name: 'x'.repeat(2000) }), ...readings(3, 4)];
    const { status, delivered, log } = await runCommand(command, { args: [peer.url], input: records });
    assert.equal(status, 76, log.join('\n'));
    assert.equal(delivered, 7);
    assert.deepEqual([...new Set(numbersIn(peer.messages.join('')))], [0, 1, 2, 4, 5, 6]);
  });

  test('one that refuses is 77, one that is no WebSocket 78, one that is busy is tried again', async () => {
    for (const [refuse, status] of [
      [401, 77],
      [403, 77],
      [404, 78],
    ] as const) {
      const peer = await startPeer({ refuse });
      assert.equal((await runCommand(command, { args: [peer.url], input: readings(1) })).status, status);
    }
    const busy = await startPeer({ refuse: 503 });
    const { status, error } = await runCommand(command, {
      args: [busy.url],
      input: readings(1),
      flags: { retryFor: '0' },
    });
    assert.equal(status, 69);
    assert.match(error?.message ?? '', /answered HTTP 503 instead of a WebSocket/);
  });
});
