import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDeletions } from '../../../src/clients/mqtt/deletions.ts';
import { MqttFailure } from '../../../src/transports/mqtt/failure.ts';
import { fakeClock, settle } from '../../support/clock.ts';
import { clientContext } from '../bmw/support.ts';
import { fakeConnection } from './support.ts';

const config = 'homeassistant/device/x/config';

function deletions() {
  const clock = fakeClock();
  const { context, said } = clientContext(clock);
  const deleted: string[] = [];
  const watching = createDeletions(clock, context.log, (topic) => void deleted.push(topic));
  const take = (topic: string, payload: string): void =>
    watching.take({ topic, payload: Buffer.from(payload), qos: 1, retain: false });
  return { clock, said, deleted, watching, take };
}

test('discovery messages alone are listened to, once each, and on every connection anew', async () => {
  const { clock, watching } = deletions();
  watching.watch(config);
  const first = fakeConnection();
  watching.up(first, ['voltpipe/system/status']);
  for (const topic of [config, 'voltpipe/device/x/status', config]) watching.watch(topic);
  await clock.advance(1000);
  assert.deepEqual(first.subscribed, [config]);
  watching.down();
  const second = fakeConnection();
  watching.up(second, ['voltpipe/system/status', config]);
  await clock.advance(1000);
  assert.deepEqual(second.subscribed, [config]);
});

test('a run that is over at once subscribes to nothing', async () => {
  const { clock, watching } = deletions();
  const connection = fakeConnection();
  watching.up(connection, [config]);
  watching.down();
  await clock.advance(5000);
  assert.deepEqual(connection.subscribed, []);
});

test('an empty message is a deletion; one with something in it, or of another topic, is none', async () => {
  const { watching, take, deleted } = deletions();
  watching.up(fakeConnection(), [config]);
  take(config, '{"components":{}}');
  take('homeassistant/device/y/config', '');
  assert.deepEqual(deleted, []);
  take(config, '');
  assert.deepEqual(deleted, [config]);
});

test('a broker that refuses the subscription is said, one that is gone is not', async () => {
  const { clock, watching, said } = deletions();
  const connection = fakeConnection();
  watching.up({ ...connection, subscribe: async () => Promise.reject(new MqttFailure('closed', 'gone')) }, [config]);
  await clock.advance(1000);
  await settle();
  assert.deepEqual(said, []);
  watching.up({ ...connection, subscribe: async ([topic]) => [{ topic: topic!, code: 135 }] }, [config]);
  await clock.advance(1000);
  await settle();
  assert.match(said.join('\n'), /refuses the subscription to discovery messages/);
});
