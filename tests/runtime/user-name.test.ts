import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command as influxSetup } from '../../src/commands/influx-setup.ts';
import { command as influxWrite } from '../../src/commands/influx-write.ts';
import { command as mqttPub } from '../../src/commands/mqtt-pub.ts';
import { command as mqttSub } from '../../src/commands/mqtt-sub.ts';
import { command as send } from '../../src/commands/send.ts';
import { flagOf } from '../../src/runtime/common-options.ts';
import { findSecret } from '../../src/runtime/secrets.ts';
import { allOptions } from '../../src/runtime/settings.ts';
import { userNameOf, userNameOptions } from '../../src/runtime/user-name.ts';
import { temporaryFolder } from '../support/shell.ts';

test('who we say we are has the same flags in every command that logs in somewhere', () => {
  for (const command of [influxWrite, influxSetup, mqttPub, mqttSub, send]) {
    const flags = Object.entries(allOptions(command)).map(([name, spec]) => flagOf(name, spec));
    for (const flag of ['--username', '--username-file', '--password-file']) {
      assert.ok(flags.includes(flag), `${command.name} ${flag}`);
    }
  }
});

test('a name that is said goes before one from a file, that before the environment and the configuration', async () => {
  const file = join(temporaryFolder('user-name'), 'user');
  writeFileSync(file, 'of-file\n');
  const { username } = userNameOptions('mqtt.username', 'user name');
  const settings = {
    env: { VOLTPIPE_MQTT_USERNAME: 'of-environment' },
    sources: [{ file: 'config.yaml', tree: { mqtt: { username: 'of-config' } } }],
  };
  const found = (user: string | undefined, from = settings, named?: string): Promise<string | undefined> =>
    userNameOf({ opts: { user }, secret: async () => findSecret('username', username, from, named) });
  assert.equal(await found('said', settings, file), 'said');
  assert.equal(await found(undefined, settings, file), 'of-file');
  assert.equal(await found(undefined), 'of-environment');
  const env = {} as typeof settings.env;
  assert.equal(await found(undefined, { ...settings, env }), 'of-config');
  const sources = [{ file: 'system.json', tree: { mqtt: { username: '' } } }, ...settings.sources];
  assert.equal(await found(undefined, { env, sources }), undefined, 'an empty one says that there is none');
});
