import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/feed.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { acknowledged } from '../support/mqtt.ts';
import { cleanEnvironment, temporaryFolder } from '../support/shell.ts';

test('mqtt-pub --http is ready while there is a broker, says what it lacks while there is none, and is ready again (ESP-78)', async (t) => {
  const broker = await startMosquitto(t);
  if (!broker) return;
  const env = cleanEnvironment(temporaryFolder('home'));
  const pub = acknowledged(t, ['mqtt-pub', '--url', `mqtt://127.0.0.1:${broker.port}`, '--http', '0'], env);
  await until(() => /http:\/\/127/.test(pub.stderr()), 'the listener');
  const http = /http:\/\/127\.0\.0\.1:\d+/.exec(pub.stderr())![0];
  const get = async (path: string): Promise<{ status: number; body: string }> => {
    const response = await fetch(http + path);
    return { status: response.status, body: await response.text() };
  };
  const isReady = async (): Promise<boolean> => (await get('/readyz')).status === 200;
  const connected = async (): Promise<string | undefined> =>
    /^voltpipe_mqtt_connected\{cmd="mqtt-pub"\} (\d)$/m.exec((await get('/metrics')).body)?.[1];
  const reading = (n: number): string =>
    `${JSON.stringify({ type: 'battery_reading', time: '2026-03-01T12:00:00.000Z', device_id: 'bank', cycles: n })}\n`;

  pub.write(reading(1));
  await until(isReady);
  assert.equal(await connected(), '1');
  await broker.stop();
  await until(async () => !(await isReady()));
  const { status, body } = await get('/readyz');
  assert.equal(status, 503);
  assert.match(body, /broker: /);
  assert.equal(await connected(), '0');
  const again = await startMosquitto(t, { port: broker.port });
  if (!again) return;
  pub.write(reading(2));
  await until(isReady);
  assert.equal(await connected(), '1');
  pub.end();
  await pub.ended;
});
