import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { cleanEnvironment, root, temporaryFolder } from '../support/shell.ts';

const folder = temporaryFolder('send-memory');
const megabytes = 1_000_000;
const line = `${JSON.stringify({ type: 'battery_reading', time: '2026-03-01T12:00:00.000Z', device_id: 'a', text: 'x'.repeat(400) })}\n`;

async function portOf(server: Server | HttpServer, t: TestContext): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** The most memory that send has taken when 100 MB went through it. */
async function peakOf(...args: string[]): Promise<number> {
  const child = spawn(process.execPath, [join(root, 'bin/send.js'), ...args, '-q'], {
    env: cleanEnvironment(folder),
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const block = line.repeat(200);
  for (let left = 100 * megabytes; left > 0; left -= block.length) {
    if (!child.stdin.write(block)) await once(child.stdin, 'drain');
  }
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))!;
  child.stdin.end();
  const [status] = await once(child, 'exit');
  assert.equal(status, 0);
  return Number(kilobytes) * 1024;
}

describe('100 MB at once take no more than 120 MB of memory', { skip: !existsSync('/proc/self/status') }, () => {
  test('over HTTP', async (t) => {
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(204).end());
    });
    t.after(() => server.closeAllConnections());
    const port = await portOf(server, t);
    assert.ok((await peakOf(`http://127.0.0.1:${port}/in`)) < 120 * megabytes);
  });

  for (const [name, ...args] of [
    ['over TCP'],
    ['over TCP, as CSV', '--payload', 'csv', '--columns', 'time,text'],
  ] as const) {
    test(name, async (t) => {
      const sockets: Socket[] = [];
      const server = createTcpServer((socket) => {
        sockets.push(socket.resume());
      });
      t.after(() => {
        for (const socket of sockets) socket.destroy();
      });
      const port = await portOf(server, t);
      assert.ok((await peakOf(`tcp://127.0.0.1:${port}`, ...args)) < 120 * megabytes);
    });
  }

  test('into a file', async () => {
    assert.ok((await peakOf(`file:${join(folder, 'readings.ndjson')}`)) < 120 * megabytes);
  });
});
