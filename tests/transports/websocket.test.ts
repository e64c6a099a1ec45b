import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WebSocketServer } from 'ws';
import { connectWebSocket, type WebSocketConnection } from '../../src/transports/websocket/client.ts';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
before(() => once(server, 'listening'));
after(() => {
  for (const client of server.clients) client.terminate();
  server.close();
});

const connect = (): Promise<WebSocketConnection> =>
  connectWebSocket({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    timeoutMs: 20_000,
    pingEvery: 60_000,
  });

test('nothing is left of a ping that was answered, however long the connection stands', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const connection = await connect();
  const pings: WeakRef<Promise<void>>[] = [];
  for (let i = 0; i < 50; i++) {
    const ping = connection.ping();
    pings.push(new WeakRef(ping));
    await ping;
  }
  // Weak references hold until the turn is over.
  await turn();
  collect();
  const left = pings.filter((ping) => ping.deref() !== undefined).length;
  assert.ok(left <= 2, `${left} of 50 are still held`);
  connection.destroy();
});

test('a ping on a connection that is over is refused at once, one under way as soon as it is', async () => {
  const connection = await connect();
  const underWay = assert.rejects(connection.ping(), /given up/);
  connection.destroy();
  await connection.closed;
  await underWay;
  await assert.rejects(connection.ping(), /given up/);
});
