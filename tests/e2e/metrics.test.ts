import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Background, background } from '../support/background.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

/** The value of a series such as `voltpipe_push_total{cmd="abrp-push",result="ok"}`. */
function seriesOf(metrics: string, series: string): number | undefined {
  const line = metrics.split('\n').find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length));
}

describe('--http tells how a running pipeline is', () => {
  const home = temporaryFolder('metrics');
  const config = join(home, 'config.yaml');
  const env = cleanEnvironment(home, { VOLTPIPE_CONFIG: config });
  const running: Background[] = [];
  let pipeline: Background;
  let url: string;

  const get = async (path: string): Promise<{ status: number; body: string }> => {
    const response = await fetch(`${url}${path}`);
    return { status: response.status, body: await response.text() };
  };

  before(async () => {
    for (const simulator of [['bmw', '--approve-after', '0', '--speed-up', '600'], ['abrp']]) {
      const peer = background(['simulate', ...simulator, '--write-config', config], cleanEnvironment(home));
      running.push(peer);
      await peer.line(({ type }) => type === 'endpoint');
    }
    const login = await shell('bmw-login', { env, limit: 30_000 });
    assert.equal(login.status, 0, login.stderr);
    const stages = 'bmw-stream | normalize | abrp-push --min-interval 1s --receipts';
    pipeline = background(['voltpipe', 'run', '--http', '0', stages], env);
    running.push(pipeline);
    await pipeline.line(({ type, ok }) => type === 'receipt' && ok === true);
    url = /http:\/\/127\.0\.0\.1:\d+/.exec(pipeline.stderr())?.[0] ?? '';
    assert.notEqual(url, '', 'the listener says where it is');
  });
  after(() => Promise.all(running.map((one) => one.stop())));

  test('the connection to the broker is a gauge (BMW-49)', async () => {
    assert.equal(seriesOf((await get('/metrics')).body, 'voltpipe_mqtt_connected{cmd="bmw-stream"}'), 1);
  });

  test('pushes are counted by result (BMW-50)', async () => {
    const { body } = await get('/metrics');
    assert.ok((seriesOf(body, 'voltpipe_push_total{cmd="abrp-push",result="ok"}') ?? 0) >= 1, body);
  });

  test('the time of the last message is a gauge in seconds (BMW-51)', async () => {
    const last =
      seriesOf((await get('/metrics')).body, 'voltpipe_last_record_timestamp_seconds{cmd="bmw-stream"}') ?? 0;
    assert.ok(Math.abs(Date.now() / 1000 - last) < 30, String(last));
  });

  test('alive and ready while data flows (BMW-52, C-10)', async () => {
    assert.deepEqual(JSON.parse((await get('/healthz')).body), { ok: true, stalled: [] });
    const { status, body } = await get('/readyz');
    assert.equal(status, 200, body);
  });

  test('not ready any longer when the broker is gone, and connected is 0 then (BMW-49, BMW-52)', async () => {
    await running[0]?.stop();
    for (;;) {
      const { status, body } = await get('/readyz');
      if (status === 503) {
        assert.match(body, /"ready":false/);
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(seriesOf((await get('/metrics')).body, 'voltpipe_mqtt_connected{cmd="bmw-stream"}'), 0);
    assert.equal((await get('/healthz')).status, 200);
  });
});
