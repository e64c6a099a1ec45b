// send beside what people pipe into today: socat over TCP, curl for HTTP, cat for a file. Those only move bytes, send also reads records
// and knows which of them have arrived. Then its memory before a far side that takes nothing, and after hours of it.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compare, environment, goal, peakMemory, root, start, sumUp, table } from './harness.mjs';

const lines = 200_000;
const batch = 500;

/** The peers run in a process of their own, so that their work is not ours. */
if (process.argv[2] === 'peers') {
  const drain = createServer((socket) => socket.on('error', () => {}).resume());
  const deaf = createServer((socket) => socket.on('error', () => {}).pause());
  const http = createHttp((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  });
  const ports = [];
  for (const server of [drain, deaf, http]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push(server.address().port);
  }
  process.send(ports);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'voltpipe-bench-'));
  const peers = fork(import.meta.filename, ['peers'], { env: environment });
  try {
    const [[tcp, deaf, http]] = await once(peers, 'message');
    const file = join(folder, 'readings.ndjson');
    await generate(file);
    const http1 = `http://127.0.0.1:${http}/in`;

    table(
      `TCP, ${lines} readings`,
      compare(
        [
          { name: 'socat', line: `socat -u OPEN:${file} TCP:127.0.0.1:${tcp}`, needs: 'socat' },
          { name: 'send', line: `send tcp://127.0.0.1:${tcp} < ${file}` },
          { name: 'cat | socat', line: `cat ${file} | socat -u - TCP:127.0.0.1:${tcp}`, needs: 'socat' },
          { name: 'cat | send', line: `cat ${file} | send tcp://127.0.0.1:${tcp}` },
        ],
        5,
      ),
    );
    const split = (filter) => `split -l ${batch} --filter='${filter}' ${file}`;
    const rows = compare(
      [
        { name: 'send', line: `send ${http1} --batch ${batch} < ${file}` },
        { name: 'send --gzip', line: `send ${http1} --batch ${batch} --gzip < ${file}` },
        { name: 'split | curl', line: split(`curl -sf --data-binary @- ${http1}`), needs: 'curl' },
      ],
      3,
    );
    table(`HTTP, ${lines} readings in requests of ${batch}`, rows);
    const curl = rows.find(({ name }) => name === 'split | curl');
    if (curl)
      goal('send over HTTP beside split and curl', `${curl.wallRatio.toFixed(1)}x`, curl.wallRatio >= 1.8, '>= 1.8x');
    table(
      `a file, ${lines} readings`,
      compare(
        [
          { name: 'cat', line: `cat ${file} > ${folder}/cat; sync -d ${folder}/cat; rm ${folder}/cat` },
          { name: 'send', line: `send file:${folder}/send < ${file}; rm ${folder}/send` },
        ],
        5,
      ),
    );
    await memory(`tcp://127.0.0.1:${deaf}`, 'a far side that takes nothing');
    await memory('tcp://127.0.0.1:1', 'nobody there');
    await memory('tcp://127.0.0.1:1', 'nobody there, the oldest dropped', '--when-full', 'drop-oldest');
    await memory(`tcp://127.0.0.1:${tcp}`, 'everything taken over TCP');
    await memory(
      `tcp://127.0.0.1:${tcp}`,
      'everything taken over TCP as CSV',
      '--payload',
      'csv',
      '--columns',
      'time,text',
    );
    await memory(http1, 'everything taken over HTTP');
    await memory(http1, 'everything taken over HTTP, compressed', '--gzip');
    await memory(http1, 'everything taken over HTTP, one record a request', '--body', 'object');
    await memory(`file:${folder}/kept`, 'everything taken by a file');
  } finally {
    peers.kill();
    rmSync(folder, { recursive: true, force: true });
  }
  sumUp();
}

async function generate(path) {
  const out = createWriteStream(path);
  for (let i = 0; i < lines; i++) {
    const record = {
      type: 'battery_reading',
      time: new Date(1_772_366_400_000 + i * 1000).toISOString(),
      device_id: `serial-pack${i % 10}`,
      voltage: 13.2 + (i % 100) / 100,
      current: -4.1,
      state_of_charge: 83,
      temperatures: [21.5, 20.9],
      cells: [3.301, 3.299, 3.302, 3.298],
    };
    if (!out.write(`${JSON.stringify(record)}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
}

/** The most memory that send takes while 100 MB and more want to go there. */
async function memory(url, what, ...flags) {
  const child = start(process.execPath, [join(root, 'bin/send.js'), url, ...flags, '-q'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin.on('error', () => {});
  const line = `${JSON.stringify({ type: 'battery_reading', time: '2026-03-01T12:00:00.000Z', device_id: 'a', text: 'x'.repeat(400) })}\n`;
  const block = line.repeat(200);
  const until = Date.now() + 8000;
  let written = 0;
  while (Date.now() < until && written < 120_000_000) {
    if (child.stdin.write(block)) written += block.length;
    else {
      written += block.length;
      await Promise.race([once(child.stdin, 'drain'), sleep(until - Date.now())]);
    }
  }
  const peak = (peakMemory(child.pid) * 2 ** 20) / 1e6;
  child.kill('SIGKILL');
  await once(child, 'exit');
  goal(
    `peak memory, ${what} (${(written / 1e6).toFixed(0)} MB given)`,
    `${peak.toFixed(0)} MB`,
    peak <= 120,
    '<= 120 MB',
  );
}
