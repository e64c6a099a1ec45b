import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openUdp } from '../../src/transports/udp/client.ts';
import { freePort } from '../support/mosquitto.ts';

test('a socket to a machine on which nobody listens says so, and can be closed once and again', async (t) => {
  const socket = await openUdp('127.0.0.1', await freePort());
  t.after(socket.close);
  await socket.send(Buffer.from('anybody?'));
  const { kind, message } = await socket.failed;
  assert.equal(kind, 'network');
  assert.match(message, /connection refused/);
  socket.close();
});
