import assert from 'node:assert/strict';
import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { requireService } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

function surroundings(extra: Record<string, string> = {}) {
  const temporary = temporaryFolder('demo-tmp');
  return { temporary, env: cleanEnvironment(temporaryFolder('demo'), { TMPDIR: temporary, ...extra }) };
}

test('the demo of the batteries registers packs, reads them and a monitor in the air, with nothing set up (HAWK-155)', async () => {
  const { temporary, env } = surroundings();
  const { status, stdout, stderr } = await shell('voltpipe demo batteries -n 14', { env });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^\$ registry add tcp:\/\/127\.0\.0\.1:\d+ --type jbd --name House -i 1s$/m);
  assert.match(stdout, /^\$ bms-read --registry .*\| stats .*\| alarm /m);
  for (const row of [/House \d+\.?\d* V -31 A \d+ %/, /Solar \d+\.?\d* V 24 A /, /Starter 12\.?\d* V \d+ %/])
    assert.match(stdout, row);
  assert.match(stdout, /^\d+ readings\./m);
  assert.deepEqual(readdirSync(temporary), []);
});

test('without socat the demo takes the boat out of its advertisements', async () => {
  const bin = temporaryFolder('bin');
  for (const [name, file] of [
    ['node', process.execPath],
    ['bash', '/bin/bash'],
    ['env', '/usr/bin/env'],
  ] as const)
    symlinkSync(file, join(bin, name));
  const { env } = surroundings();
  const commands = (env.PATH ?? '').split(':')[0];
  const { status, stdout, stderr } = await shell('voltpipe demo batteries -n 8', {
    env: { ...env, PATH: `${commands}:${bin}` },
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /boat's advertisements through the same codec/);
  assert.match(stdout, /Starter 12\.?\d* V \d+ %/);
});

test('the demo of the batteries ends on Ctrl-C and leaves nothing behind', async () => {
  const { temporary, env } = surroundings();
  const { signal, stdout, stderr } = await shell('exec voltpipe demo batteries', { env, interruptAfter: 8000 });
  assert.equal(signal, 'SIGINT');
  assert.equal(stderr, '');
  assert.match(stdout, /readings\./);
  assert.deepEqual(readdirSync(temporary), []);
});

test('on a terminal the batteries are drawn in one place, no line longer than it', async (t) => {
  const { env } = surroundings({ TERM: 'xterm' });
  if (!requireService(t, 'script')) return;
  const line = `script -qec 'stty cols 80 rows 24; voltpipe demo batteries -n 14' /dev/null`;
  const { status, stdout } = await shell(line, { env });
  assert.equal(status, 0);
  assert.match(stdout, /device +vehicle +status/);
  assert.match(stdout, /House +Van +connected/);
  assert.match(stdout, /House: peak \d+/);
  assert.match(stdout, /\u001b\[\d+A/, 'drawn anew');
  const lines = stdout.replaceAll(/\u001b\[[\d;]*[A-Za-z]/g, '').split('\n');
  assert.deepEqual(
    lines.filter((one) => one.trimEnd().length > 80 && !one.startsWith('$')),
    [],
  );
});
