import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createReadStream, existsSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import { type ServerCertificate, serverCertificate } from '../../src/simulators/certificates.ts';
import { backgroundPipeline } from '../support/background.ts';
import { home, recordsIn, textOf } from '../support/examples.ts';
import { linesOf, readings, until } from '../support/feed.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { listen } from '../support/mqtt.ts';
import { requireService } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

/** A peer of one scheme that collects what it is sent. */
type StartPeer = (t: TestContext, certificate: ServerCertificate) => Promise<{ url: string; text(): string }>;

const peers: Readonly<Record<'udp' | 'tls' | 'ws' | 'wss', StartPeer>> = {
  async udp(t) {
    let text = '';
    const socket = createSocket('udp4').on('message', (part) => {
      text += `${part}\n`;
    });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    t.after(() => socket.close());
    return { url: `udp://127.0.0.1:${socket.address().port}`, text: () => text };
  },
  async tls(t, certificate) {
    let text = '';
    const server = createTlsServer(certificate, (socket) => {
      socket
        .on('error', () => {})
        .on('data', (part) => {
          text += part;
        });
    });
    const port = await listening(t, server);
    return { url: `tls://127.0.0.1:${port}`, text: () => text };
  },
  ws: async (t) => webSockets(t, 'ws', createHttpServer()),
  wss: async (t, certificate) => webSockets(t, 'wss', createHttpsServer(certificate)),
};

async function listening(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function webSockets(t: TestContext, scheme: string, server: HttpServer): ReturnType<StartPeer> {
  let text = '';
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('message', (part) => {
      text += `${part}\n`;
    });
  });
  const port = await listening(t, server);
  return { url: `${scheme}://127.0.0.1:${port}/in`, text: () => text };
}

test('example: a collector over UDP, TLS and WebSockets: every reading arrives, and it ends with 0 (ESP-72, ESP-74)', async (t) => {
  const certificate = await serverCertificate(['127.0.0.1']);
  for (const scheme of ['udp', 'tls', 'ws', 'wss'] as const) {
    const peer = await peers[scheme](t, certificate);
    const { env, folder, reader } = await home(t, { COLLECTOR: peer.url });
    const CA = join(folder, 'ca.pem');
    writeFileSync(CA, certificate.ca);
    const line = `examples/pipelines/batteries-to-collector.sh ${reader} -i 100ms -n 3`;
    const got = await shell(line, { env: scheme === 'tls' || scheme === 'wss' ? { ...env, CA } : env });
    assert.equal(got.status, 0, `${scheme}: ${got.stderr}`);
    await until(() => recordsIn(peer.text()).length === 3, `${scheme}: three readings`);
    assert.ok(
      recordsIn(peer.text()).every(({ type }) => type === 'battery_reading'),
      scheme,
    );
  }
});

test('example: a display on a serial line shows the readings (ESP-46)', async (t) => {
  const program = requireService(t, 'socat');
  if (!program) return;
  const { env, folder, reader } = await home(t);
  const [near, far] = [join(folder, 'tty'), join(folder, 'display')];
  const line = spawn(program, [`PTY,link=${near},raw,echo=0`, `PTY,link=${far},raw,echo=0`], { stdio: 'ignore' });
  t.after(() => line.kill('SIGKILL'));
  await until(() => existsSync(near) && existsSync(far), 'the line');
  let text = '';
  const display = createReadStream(far, { encoding: 'utf8' });
  display
    .on('error', () => {})
    .on('data', (part) => {
      text += part;
    });
  t.after(() => display.destroy());
  const LINE = `${near}?baud=115200`;
  const got = await shell(`examples/pipelines/batteries-to-display.sh ${reader} -i 100ms -n 3`, {
    env: { ...env, LINE },
  });
  assert.equal(got.status, 0, got.stderr);
  await until(() => recordsIn(text).length === 3, 'three readings');
  assert.equal(recordsIn(text)[0]?.device_id, 'bank');
});

test('example: files of readings, one of them compressed, become one table', async () => {
  const folder = temporaryFolder('table');
  const [first, second] = [join(folder, 'one.ndjson.gz'), join(folder, 'two.ndjson')];
  const alarm = { type: 'gap', time: '2026-03-01T12:00:00.000Z', source: 'x', count: 1 };
  writeFileSync(first, gzipSync(linesOf(readings(2, 0, { device_name: '=1+1' }))));
  writeFileSync(second, linesOf([...readings(1, 2), alarm]));
  const env = cleanEnvironment(folder);
  const got = await shell(`examples/pipelines/log-to-table.sh ${first} ${second}`, { env });
  assert.equal(got.status, 0, got.stderr);
  const [header, ...lines] = got.stdout.trimEnd().split('\n');
  assert.match(header!, /^time,/);
  assert.deepEqual(
    lines.map((text) => text.split(',')[0]),
    readings(3).map(({ time }) => String(time).slice(0, -1).replace('T', ' ')),
  );
  assert.match(lines[0]!, /'=1\+1/, 'no formula');
});

test('example: an archive of what others publish misses nothing while it does not run', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const folder = temporaryFolder('archive');
  const config = join(folder, 'config.yaml');
  writeFileSync(config, `mqtt: { broker: 127.0.0.1, port: ${broker.port} }\n`);
  const log = join(folder, 'log.ndjson');
  const env = cleanEnvironment(folder, { VOLTPIPE_CONFIG: config, LOG: log });
  const others = await listen(t, broker.port, ['$SYS/none']);
  const publish = (record: object) => others.connection.publish('voltpipe/x', JSON.stringify(record), { qos: 1 });
  const archive = () => {
    const running = backgroundPipeline('exec examples/pipelines/mqtt-to-archive.sh', env);
    t.after(() => running.stop('SIGINT'));
    return running;
  };
  const first = archive();
  // Until the first message is there nobody knows that the subscription stands.
  const probing = setInterval(
    () => publish({ type: 'gap', time: '2026-03-01T12:00:00.000Z', source: 'probe', count: 1 }),
    50,
  );
  await until(() => recordsIn(textOf(log)).length > 0, 'the subscription').finally(() => clearInterval(probing));
  await first.stop('SIGINT');
  for (const record of readings(20)) await publish(record);
  const second = archive();
  await until(
    () => recordsIn(textOf(log)).filter(({ type }) => type === 'battery_reading').length === 20,
    'all of them',
  );
  await second.stop('SIGINT');
  const kept = recordsIn(textOf(log)).filter(({ type }) => type === 'battery_reading');
  assert.deepEqual(kept, readings(20));
});
