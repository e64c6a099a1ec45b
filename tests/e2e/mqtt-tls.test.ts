import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { command as mqttPub } from '../../src/commands/mqtt-pub.ts';
import { command as mqttSub } from '../../src/commands/mqtt-sub.ts';
import { type CommandError, sentence } from '../../src/runtime/exit.ts';
import { serverCertificate } from '../../src/simulators/certificates.ts';
import { connectMqtt } from '../../src/transports/mqtt/client.ts';
import { runCommand } from '../support/command.ts';
import { freePort, startMosquitto } from '../support/mosquitto.ts';
import { temporaryFolder } from '../support/shell.ts';

const input = [{ type: 'battery_reading', time: '2026-03-01T12:00:00.000Z', device_id: 'bank', voltage: 12.7 }];

/** A broker whose certificate is for these names, and the file of its authority. */
async function tlsBroker(t: TestContext, names: readonly string[]) {
  const { ca, cert, key } = await serverCertificate(names);
  const broker = await startMosquitto(t, { tls: { cert, key } });
  if (!broker) return undefined;
  const file = join(temporaryFolder('tls'), 'ca.pem');
  writeFileSync(file, ca);
  return { url: `mqtts://localhost:${broker.port}`, ca: file };
}

test('a broker whose authority is unknown ends mqtt-pub and mqtt-sub with 78 and the next step; named, it is trusted', async (t) => {
  const broker = await tlsBroker(t, ['localhost']);
  if (!broker) return;
  const { url, ca } = broker;
  for (const got of [
    await runCommand(mqttPub, { input, flags: { url } }),
    await runCommand(mqttSub, { args: ['#'], flags: { url } }),
  ]) {
    assert.equal(got.status, 78, got.log.join('\n'));
    assert.match(got.error!.message, /broker: certificate or handshake refused: UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
    assert.match(sentence(got.error as CommandError), /--ca/);
  }
  assert.equal((await runCommand(mqttPub, { input, flags: { url, ca } })).status, 0);
});

test('a certificate for another name is told as such', async (t) => {
  const broker = await tlsBroker(t, ['broker.example']);
  if (!broker) return;
  const got = await runCommand(mqttPub, { input, flags: broker });
  assert.equal(got.status, 78, got.log.join('\n'));
  assert.match(got.error!.message, /ERR_TLS_CERT_ALTNAME_INVALID/);
  assert.match(sentence(got.error as CommandError), /--url/);
});

test('a key of another certificate, and files that are no PEM, are errors of the configuration: 78 before anything is connected', async () => {
  const folder = temporaryFolder('tls');
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const [one, other] = await Promise.all([serverCertificate(), serverCertificate()]);
  const url = `mqtts://localhost:${await freePort()}`;
  const cert = file('cert.pem', one.cert);
  for (const [flags, message] of [
    [
      { cert, certKey: file('other.key', other.key) },
      /mqtt.cert and mqtt.certKey: the key belongs to another certificate/,
    ],
    [
      { cert, certKey: file('no.key', '-----BEGIN PRIVATE KEY-----\nx\n') },
      /mqtt.cert and mqtt.certKey: cannot be used/,
    ],
    [{ ca: file('no.pem', 'not a certificate\n') }, /mqtt.ca .*no.pem: is no PEM file/],
  ] as const) {
    const got = await runCommand(mqttPub, { input, flags: { url, ...flags } });
    assert.equal(got.status, 78);
    assert.match(got.error!.message, message);
  }
  // Whoever comes by another way is not told of a bug either.
  await assert.rejects(connectMqtt({ url, cert: one.cert, key: other.key }), { name: 'MqttFailure', kind: 'tls' });
});
