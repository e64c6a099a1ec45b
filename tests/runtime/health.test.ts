import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandError } from '../../src/runtime/exit.ts';
import { createHealth } from '../../src/runtime/health.ts';
import type { Host } from '../../src/runtime/host.ts';
import { listenHttp, parseListen } from '../../src/runtime/http.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { startNotifier } from '../../src/runtime/notify.ts';
import { fakeClock } from '../support/clock.ts';
import { command, shell, start, until } from '../support/fixture.ts';
import { requireService } from '../support/services.ts';

const host = (watchdogUsec?: number): Host => ({
  env: {},
  notifySocket: '/run/systemd/notify',
  watchdogUsec,
  ackFd: undefined,
  underJournal: false,
  hangup: { terminalLost: () => false, ignored: false },
});

function notified(watchdogUsec?: number) {
  const clock = fakeClock();
  const health = createHealth(clock);
  const stage = health.stage('stream');
  stage.unready('connecting');
  const sent: string[][] = [];
  const notifier = startNotifier(host(watchdogUsec), health, clock, (message) => sent.push([...message]));
  return { clock, health, stage, sent, notifier: notifier! };
}

test('READY goes out once, when the last stage is ready, and the status says why it is not (BMW-52)', () => {
  const { health, stage, sent } = notified();
  assert.deepEqual(sent, [['STATUS=stream: connecting']]);
  const other = health.stage('push');
  other.unready('far side down');
  stage.alive();
  assert.deepEqual(sent.at(-1), ['STATUS=push: far side down']);
  other.alive();
  assert.deepEqual(sent.at(-1), ['READY=1', 'STATUS=running']);
  stage.unready('lost');
  stage.alive();
  assert.equal(sent.flat().filter((word) => word === 'READY=1').length, 1);
});

test('two stages of one command have an account each: what one says does not speak for the other', () => {
  const clock = fakeClock();
  const health = createHealth(clock);
  const [first, second] = [health.stage('push'), health.stage('push')];
  first.unready('far side down');
  second.unready('no token');
  assert.deepEqual(health.unready(), ['push: far side down', 'push 2: no token']);
  second.alive();
  assert.deepEqual(health.unready(), ['push: far side down']);
});

test('until it is ready the start time is extended, so that an outage at boot is no failed start', async () => {
  const { clock, stage, sent } = notified();
  sent.length = 0;
  await clock.advance(60_000);
  assert.deepEqual(sent, Array(3).fill(['EXTEND_TIMEOUT_USEC=60000000']));
  stage.alive();
  sent.length = 0;
  await clock.advance(60_000);
  assert.deepEqual(sent, []);
});

test('the watchdog is fed three times as often as asked, and only while the data path is proven', async () => {
  const { clock, stage, sent } = notified(30_000_000);
  stage.alive(60_000);
  sent.length = 0;
  await clock.advance(59_999);
  assert.deepEqual(sent, Array(5).fill(['WATCHDOG=1']));
  sent.length = 0;
  await clock.advance(60_000);
  assert.deepEqual(sent.flat().length <= 1, true, 'fed although no sign of life came');
  stage.alive(60_000);
  sent.length = 0;
  await clock.advance(10_000);
  assert.deepEqual(sent, [['WATCHDOG=1']]);
});

test('a stage that knows that it is cut off is no stall, one that promised nothing is none either', async () => {
  const clock = fakeClock();
  const health = createHealth(clock);
  const stage = health.stage('stream');
  stage.alive(1000);
  await clock.advance(1001);
  assert.match(health.stalled().join(), /stream: no sign of life/);
  stage.unready('broker gone');
  assert.deepEqual(health.stalled(), []);
  assert.deepEqual(health.unready(), ['stream: broker gone']);
  stage.alive();
  await clock.advance(1e9);
  assert.deepEqual([health.stalled(), health.unready()], [[], []]);
});

test('stopping is told, and nothing is sent after the end', async () => {
  const { clock, sent, notifier } = notified(30_000_000);
  notifier.stopping();
  assert.deepEqual(sent.at(-1), ['STOPPING=1']);
  notifier.close();
  sent.length = 0;
  await clock.advance(100_000);
  assert.deepEqual(sent, []);
});

test('without NOTIFY_SOCKET there is nobody to tell', () => {
  const clock = fakeClock();
  assert.equal(startNotifier({ ...host(), notifySocket: undefined }, createHealth(clock), clock), undefined);
});

test('a real service manager hears READY when the service is ready, and STOPPING at its end; children hear of no socket', async (t) => {
  if (!requireService(t, 'systemdNotify') || !requireService(t, 'socat')) return;
  const { home } = shell('true');
  const socket = join(home, 'notify');
  rmSync(socket, { force: true });
  const manager = start(['socat', '-u', `UNIX-RECVFROM:${socket},fork`, 'STDOUT']);
  await until(() => shellSees(socket), 'the socket');
  const service = command(['service', '--delay', '400ms'], { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '600000' } });
  await until(() => manager.printed.stdout.includes('STATUS=service: '), 'the status');
  assert.doesNotMatch(manager.printed.stdout, /READY/);
  await until(() => manager.printed.stdout.includes('READY=1'), 'READY');
  await until(() => service.printed.stderr.includes('connected'), 'the message, which comes by another way');
  await until(() => manager.printed.stdout.includes('WATCHDOG=1'), 'WATCHDOG');
  service.child.kill('SIGTERM');
  await service.ended;
  await until(() => manager.printed.stdout.includes('STOPPING=1'), 'STOPPING');
  manager.child.kill();
  const parent = await command(['parent'], { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '600000' } }).ended;
  assert.doesNotMatch(parent.stdout, /NOTIFY_SOCKET|WATCHDOG_/);
});

const shellSees = (path: string): boolean => {
  try {
    return process.getBuiltinModule('node:fs').statSync(path).isSocket();
  } catch {
    return false;
  }
};

test('the notifier of a source waits for the first proof even when the source says nothing at its start', async () => {
  const { printed, child, ended } = command(['stuck', '--http', '0']);
  await until(() => printed.stdout !== '');
  const url = /http:\/\/\S+/.exec(printed.stderr)![0];
  assert.deepEqual(await fetched(`${url}/readyz`), {
    status: 503,
    body: '{"ready":false,"unready":["stuck: starting"]}\n',
  });
  child.kill('SIGKILL');
  await ended;
});

function fetched(url: string): Promise<{ status: number | undefined; body: string; type?: string }> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, body }));
    }).on('error', reject);
  });
}

test('--http serves health, readiness and metrics of the process (BMW-49, BMW-50, BMW-51, BMW-52)', async () => {
  const clock = fakeClock();
  const health = createHealth(clock);
  const metrics = await createMetrics();
  const http = await listenHttp('0', health, metrics);
  try {
    const stage = health.stage('stream');
    assert.deepEqual(await fetched(`${http.url}/healthz`), { status: 200, body: '{"ok":true,"stalled":[]}\n' });
    assert.equal((await fetched(`${http.url}/readyz`)).status, 200);
    stage.unready('connecting');
    assert.deepEqual(await fetched(`${http.url}/readyz`), {
      status: 503,
      body: '{"ready":false,"unready":["stream: connecting"]}\n',
    });
    stage.alive(1000);
    await clock.advance(3000);
    assert.equal((await fetched(`${http.url}/healthz`)).status, 503);
    metrics.metric('bmw-stream', 'mqtt_connected', 'broker').set(1);
    metrics.metric('abrp-push', 'push_total', undefined).add(1, { result: 'ok' });
    metrics.metric('abrp-push', 'push_total', undefined).add(2, { result: 'failed' });
    metrics.metric('abrp-push', 'push_total', undefined).add(1, { result: 'ok' });
    metrics.metric('other', 'push_total', undefined).add(5);
    metrics.metric('bmw-stream', 'last_record_timestamp_seconds', undefined).set(1_700_000_000);
    const { body } = await fetched(`${http.url}/metrics`);
    for (const line of [
      '# HELP voltpipe_mqtt_connected broker',
      'voltpipe_mqtt_connected{cmd="bmw-stream"} 1',
      '# TYPE voltpipe_push_total counter',
      'voltpipe_push_total{cmd="abrp-push",result="ok"} 2',
      'voltpipe_push_total{cmd="abrp-push",result="failed"} 2',
      'voltpipe_push_total{cmd="other"} 5',
      'voltpipe_last_record_timestamp_seconds{cmd="bmw-stream"} 1700000000',
    ]) {
      assert.ok(body.split('\n').includes(line), `${line}\n${body.split('\n').filter((l) => l.includes('voltpipe'))}`);
    }
    const lost = await fetched(`${http.url}/nothing`);
    assert.deepEqual([lost.status, JSON.parse(lost.body).paths], [404, ['/healthz', '/readyz', '/metrics']]);
  } finally {
    http.close();
  }
});

test('a metric may gain labels, and be a gauge here and a counter there, without a fault in the command that counts', async () => {
  const metrics = await createMetrics();
  const pushes = metrics.metric('push', 'pushes_total', undefined);
  pushes.add(1);
  pushes.add(1, { result: 'ok' });
  metrics.metric('other', 'pushes_total', undefined).set(5);
  const { body } = await metrics.render();
  assert.match(body, /voltpipe_pushes_total\{cmd="push"\} 1/);
});

test('addresses to listen on are read as [host:]port', () => {
  assert.deepEqual(parseListen('9100', '--http'), { host: '127.0.0.1', port: 9100 });
  assert.deepEqual(parseListen('0.0.0.0:9100', '--http'), { host: '0.0.0.0', port: 9100 });
  assert.deepEqual(parseListen('[::1]:9100', '--http'), { host: '::1', port: 9100 });
  assert.deepEqual(parseListen('9100', '--http', '0.0.0.0'), { host: '0.0.0.0', port: 9100 });
  for (const wrong of ['', 'x', '70000', ':80', '::1:80', 'host:']) {
    assert.throws(
      () => parseListen(wrong, '--http'),
      (error: unknown) => error instanceof CommandError && error.status === 64,
    );
  }
});

test('no listener is there unless asked for (C-10, HAWK-142)', async () => {
  const { printed, child, ended } = command(['service']);
  await until(() => printed.stdout !== '');
  const { stdout } = await shell(`ls -l /proc/${child.pid}/fd | grep -c socket: || true`).ended;
  const pipes = Number(stdout);
  assert.match((await shell(`grep -cE ' 0A ' /proc/${child.pid}/net/tcp; true`).ended).stdout, /\d/);
  assert.ok(pipes <= 2, 'only its own output is a socket');
  child.kill('SIGTERM');
  await ended;
});

test('--http in a run serves what any stage adds, and an address in use is exit status 69', async () => {
  const first = command(['run', '--http', '0', 'service --hello | pass']);
  await until(() => first.printed.stdout !== '' && first.printed.stderr.includes('http://'));
  const url = /http:\/\/\S+/.exec(first.printed.stderr)![0];
  assert.equal((await fetched(`${url}/hello`)).body, 'hello\n');
  assert.match((await fetched(`${url}/metrics`)).body, /voltpipe_pushes_total\{cmd="service",result="ok"\} 2/);
  const second = await command(['run', '--http', url.split(':').at(-1)!, 'service | pass']).ended;
  assert.equal(second.status, 69);
  assert.match(second.stderr, /--http \d+: cannot listen: the port is in use \(EADDRINUSE\)/);
  first.child.kill('SIGTERM');
  assert.equal((await first.ended).signal, 'SIGTERM');
});
