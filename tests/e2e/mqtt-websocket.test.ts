import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Aedes } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { shell } from '../support/shell.ts';

test('a broker behind a WebSocket is reached, though WebSockets are loaded only for it', async (t) => {
  const broker = await Aedes.createBroker();
  const published: string[] = [];
  broker.on('publish', ({ topic }) => {
    if (topic.startsWith('voltpipe/device/')) published.push(topic);
  });
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  new WebSocketServer({ server }).on('connection', (socket, request) => {
    broker.handle(createWebSocketStream(socket), request);
  });
  t.after(() => {
    broker.close();
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;

  const { status, stdout } = await shell(`mqtt-pub --url ws://127.0.0.1:${port} --receipts`, {
    stdin: '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"x","voltage":13}\n',
  });
  assert.equal(status, 0);
  assert.match(stdout, /"ok":true,"count":1/);
  assert.deepEqual(published, ['voltpipe/device/x/reading']);
});
