import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

test('a key of the configuration that no command reads is said, with its place', async () => {
  const home = temporaryFolder('config');
  const config = join(home, 'config.yaml');
  writeFileSync(config, 'abrp:\n  minIntervall: 5\nbwm:\n  vin: x\n');
  const got = await shell(`normalize --config ${config}`, { env: cleanEnvironment(home), stdin: '' });
  assert.equal(got.status, 0);
  assert.match(got.stderr, /unknown key 'abrp\.minIntervall' counts for nothing/);
  assert.match(got.stderr, /unknown key 'bwm' counts for nothing/);
});
