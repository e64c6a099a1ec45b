import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { backgroundPipeline } from '../support/background.ts';
import { home, recordsIn, textOf } from '../support/examples.ts';
import { linesOf, readings, until } from '../support/feed.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { listen } from '../support/mqtt.ts';
import { requireService } from '../support/services.ts';
import { root, shell } from '../support/shell.ts';
import { cursorIn } from '../support/spool.ts';

const timesIn = (text: string): unknown[] => recordsIn(text).map(({ time }) => time);

/** A TCP peer that collects what it is sent. */
async function collector(port: number): Promise<{ text(): string; close(): Promise<void> }> {
  let text = '';
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    text: () => text,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A server that takes what is posted. */
async function ingest(t: TestContext): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = [];
  const server = createHttpServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    bodies.push(body);
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`, bodies };
}

test('every example is a program, and says in its first lines what it is for', () => {
  for (const name of readdirSync('examples/pipelines')) {
    const text = textOf(join('examples/pipelines', name));
    assert.match(text, /^#!\/bin\/(sh|bash)\n# [A-Z]/, name);
    assert.match(text, /\nset -(e|eu|o pipefail|euo pipefail)\n/, name);
  }
});

test('examples: readings in a file on an SD card, and as the table of BMSLogEntry (ESP-50, ESP-79)', async (t) => {
  const { env, folder, reader } = await home(t);
  const card = await shell(`examples/pipelines/batteries-to-sd-card.sh ${reader} --once`, { env });
  assert.equal(card.status, 0, card.stderr);
  assert.equal(recordsIn(textOf(join(folder, 'log.ndjson')))[0]?.type, 'battery_reading');
  const table = await shell(`LOG=${folder}/bms.csv examples/pipelines/batteries-to-csv.sh ${reader} -i 100ms -n 2`, {
    env,
  });
  assert.equal(table.status, 0, table.stderr);
  const lines = textOf(join(folder, 'bms.csv')).trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[0]!, /^timestamp,packVoltage/);
});

test('example: a collector that goes away and comes back has readings in order again (ESP-72)', async (t) => {
  const port = await freePort();
  const { env, reader } = await home(t, { COLLECTOR: `tcp://127.0.0.1:${port}` });
  const first = await collector(port);
  const pipeline = backgroundPipeline(`examples/pipelines/batteries-to-collector.sh ${reader} -i 100ms`, env);
  t.after(() => pipeline.stop('SIGINT'));
  await until(() => timesIn(first.text()).length >= 3);
  await first.close();
  await until(() => pipeline.stderr().includes('send: warning: tcp://'), 'the loss is said');
  const second = await collector(port);
  t.after(() => second.close());
  await until(() => timesIn(second.text()).length >= 3);
  await pipeline.stop('SIGINT');
  const all = [...new Set([...timesIn(first.text()), ...timesIn(second.text())])] as string[];
  assert.deepEqual(all, all.toSorted());
  assert.match(pipeline.stderr(), /is back/);
});

test('example: an alarm becomes a request, and nobody sees the address (BMW-68)', async (t) => {
  const server = await ingest(t);
  const { env, folder, reader } = await home(t, { RULE: 'voltage>1' });
  writeFileSync(join(folder, 'webhook'), `${server.url}/s3cr3t-path\n`);
  const got = await shell(
    `WEBHOOK=${folder}/webhook examples/pipelines/low-battery-to-webhook.sh ${reader} --once -v 2>&1`,
    { env },
  );
  assert.equal(got.status, 0, got.stdout);
  assert.equal(recordsIn(server.bodies[0] ?? '')[0]?.type, 'alarm');
  assert.ok(!got.stdout.includes('s3cr3t'), got.stdout);
});

test('example: three sinks behind one source, of which one is away: the others have everything (ESP-90, HAWK-27)', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const server = await ingest(t);
  const { env, folder, reader } = await home(t, { INGEST: server.url });
  const config = join(folder, 'config.yaml');
  writeFileSync(config, `mqtt: { broker: 127.0.0.1, port: ${broker.port} }\n`);
  await broker.stop();
  const pipeline = backgroundPipeline(`examples/pipelines/batteries-to-several.sh ${reader} -i 100ms`, {
    ...env,
    VOLTPIPE_CONFIG: config,
    SPOOLS: folder,
  });
  t.after(() => pipeline.stop('SIGINT'));
  const log = join(folder, 'log.ndjson');
  await until(() => timesIn(textOf(log)).length >= 5 && timesIn(server.bodies.join('')).length >= 5);
  // The broker comes back: what it has missed was on disk all the time.
  const again = await startMosquitto(t, { port: broker.port });
  if (!again) return;
  // Nobody may listen in time to see it come: that the spool lets go of it says that the broker has it.
  const cursor = join(folder, 'mqtt', 'cursor.json');
  await until(
    () => existsSync(cursor) && (JSON.parse(textOf(cursor)) as { upTo: number }).upTo >= 5,
    'the broker has it',
  );
  await pipeline.stop('SIGINT');
  // One of them may be a reading ahead of the other when the end comes; up to there nothing is missing and nothing is twice.
  const [filed, posted] = [timesIn(textOf(log)), timesIn(server.bodies.join(''))];
  const both = Math.min(filed.length, posted.length);
  assert.ok(both >= 5);
  assert.deepEqual(posted.slice(0, both), filed.slice(0, both));
});

test('example: what comes now goes first, the backlog follows behind it, and delivered records stay (ESP-91, ESP-92, C-20)', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const { env, folder, reader } = await home(t);
  const config = join(folder, 'config.yaml');
  writeFileSync(config, `mqtt: { broker: 127.0.0.1, port: ${broker.port} }\n`);
  const history = readings(60, 0, { device_id: 'bank' });
  const card = join(folder, 'spool');
  const segments = (): string[] => readdirSync(card).filter((name) => name.endsWith('.log'));
  // What an outage has left on the card, in several segments: the one that is being written never goes.
  for (let from = 0; from < 60; from += 20) {
    const stdin = linesOf(history.slice(from, from + 20));
    const filled = await shell(`ulimit -f ${Math.ceil((stdin.length * 1.5) / 1024)}; spool put $SPOOL`, { env, stdin });
    assert.equal(filled.status, 0, filled.stderr);
  }
  const outage = segments();
  assert.ok(outage.length > 2, `${outage.length} segments`);
  const listener = await listen(t, broker.port);
  const pipeline = backgroundPipeline(`examples/pipelines/batteries-newest-first.sh ${reader} -i 100ms`, {
    ...env,
    VOLTPIPE_CONFIG: config,
  });
  t.after(() => pipeline.stop('SIGINT'));
  const isOld = (time: string): boolean => time.startsWith('2026-03-01T');
  const times = (): string[] =>
    listener.seen
      .filter(({ topic }) => topic.endsWith('/bank/reading'))
      .map(({ payload }) => (JSON.parse(payload) as { time: string }).time);
  await until(() => new Set(times().filter(isOld)).size === 60, 'all of the history has come');
  const order = times().map(isOld);
  assert.ok(order.indexOf(false) < order.lastIndexOf(true), 'what comes now does not wait for all of the backlog');
  await pipeline.stop('SIGINT');
  assert.ok((cursorIn(card) as { upTo: number }).upTo >= 60, 'all of the history is delivered');
  assert.deepEqual(segments().slice(0, outage.length), outage, 'and still on the card');
  const lines = segments().flatMap((name) => textOf(join(card, name)).trimEnd().split('\n'));
  assert.ok(lines.length >= times().length, `${lines.length} lines`);
});

test('the recipe for Kafka hands kcat one line a record, with the device as its key', async (t) => {
  if (!requireService(t, 'bash')) return;
  const { env, folder, reader } = await home(t);
  // In the place of kcat a program that writes down how it is called and what it reads.
  const bin = join(folder, 'bin');
  await shell(
    `mkdir ${bin}; printf '#!/bin/sh\\nprintf "%%s\\n" "$*" > ${folder}/words; cat > ${folder}/lines\\n' > ${bin}/kcat; chmod +x ${bin}/kcat`,
  );
  const got = await shell(
    `PATH=${bin}:$PATH BROKER=kafka:9092 ${root}/examples/pipelines/batteries-to-kafka.sh ${reader} --once`,
    { env },
  );
  assert.equal(got.status, 0, got.stderr);
  assert.equal(textOf(join(folder, 'words')), '-P -b kafka:9092 -t readings -K \\t\n');
  const [key, record] = textOf(join(folder, 'lines')).trimEnd().split('\t');
  assert.equal(key, 'bank');
  assert.equal((JSON.parse(record!) as { device_id: string }).device_id, 'bank');
});
