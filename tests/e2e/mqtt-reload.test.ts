import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { command as mqttPub } from '../../src/commands/mqtt-pub.ts';
import { command as mqttSub } from '../../src/commands/mqtt-sub.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { runCommand } from '../support/command.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { eventually, listen } from '../support/mqtt.ts';
import { openInput } from '../support/open-input.ts';
import { temporaryFolder } from '../support/shell.ts';

/** A configuration file that names one of two brokers, the second with a login, and who is told that it has changed. */
async function twoBrokers(t: TestContext) {
  const first = await startMosquitto(t);
  const second = await startMosquitto(t, { user: ['hawk', 'secret'] });
  if (!first || !second) return undefined;
  const config = join(temporaryFolder('config'), 'config.yaml');
  writeFileSync(config, `mqtt: { url: 'mqtt://127.0.0.1:${first.port}', status: false }\n`);
  const reloads: (() => Promise<void>)[] = [];
  return {
    first,
    second,
    options: { flags: { config }, onReload: (fn: () => Promise<void>) => void reloads.push(fn) },
    async moveOn(): Promise<void> {
      writeFileSync(
        config,
        `mqtt: { url: 'mqtt://127.0.0.1:${second.port}', username: hawk, password: secret, status: false }\n`,
      );
      for (const reload of reloads) await reload();
      await first.stop();
    },
  };
}

const login = { username: 'hawk', password: 'secret' };

test('mqtt-pub: a changed broker, user and password are taken with the next connection', async (t) => {
  const set = await twoBrokers(t);
  if (!set) return;
  const before = await listen(t, set.first.port);
  const after = await listen(t, set.second.port, ['#'], login);
  const input = openInput();
  const running = runCommand(mqttPub, { input, ...set.options });
  const message = (n: number): VoltRecord => ({ type: 'mqtt_message', topic: 't', payload: `${n}`, qos: 1 });
  input.push(message(1));
  await before.find(({ payload }) => payload === '1');
  await set.moveOn();
  input.push(message(2));
  await after.find(({ payload }) => payload === '2');
  input.end();
  assert.equal((await running).status, 0);
});

test('mqtt-sub: a changed broker, user and password are taken with the next connection', async (t) => {
  const set = await twoBrokers(t);
  if (!set) return;
  const stop = new AbortController();
  const payloads: unknown[] = [];
  const running = runCommand(mqttSub, {
    args: ['t'],
    signal: stop.signal,
    onItem: (item) => void payloads.push((item as VoltRecord)['payload']),
    ...set.options,
  });
  const [before, after] = [
    await listen(t, set.first.port, ['$SYS/none']),
    await listen(t, set.second.port, ['$SYS/none'], login),
  ];
  // Said until it is heard: nobody tells when the subscription stands.
  const heard = async ({ connection }: typeof before, payload: string): Promise<void> => {
    const saying = setInterval(() => void connection.publish('t', payload, { qos: 1 }).catch(() => {}), 50);
    await eventually(() => payloads.includes(payload), payload).finally(() => clearInterval(saying));
  };
  await heard(before, 'before');
  await set.moveOn();
  await heard(after, 'after');
  stop.abort();
  assert.equal((await running).status, 0);
});
