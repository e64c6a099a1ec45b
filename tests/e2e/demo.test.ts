import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { processesWith } from '../support/processes.ts';
import { requireService } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

/** An environment whose temporary folder is the test's own, so that what is left behind shows. */
function surroundings(extra: Record<string, string> = {}) {
  const folder = temporaryFolder('demo');
  const temporary = temporaryFolder('demo-tmp');
  return { temporary, env: cleanEnvironment(folder, { TMPDIR: temporary, ...extra }) };
}

test('the demo logs in, streams, normalises and pushes with nothing set up, one line for each update', async () => {
  const { temporary, env } = surroundings();
  const { status, stdout } = await shell('voltpipe demo -n 3', { env });
  assert.equal(status, 0);
  assert.match(stdout, /^\$ bmw-login\n {2}shows you the link http:\/\/127\.0\.0\.1:\d+\/oneid\/link\?user_code=\w+$/m);
  assert.match(stdout, /^\$ bmw-stream \| normalize \| abrp-push$/m);
  assert.match(stdout, /^ {2}bmw-stream: stream: connected/m);
  assert.match(stdout, /^\d\d:\d\d:\d\d {2}\d\d % {2}.*\(\d+ points from \d+ messages\)$/m);
  assert.match(stdout, /^\d+ points reached ABRP\./m);
  assert.deepEqual(readdirSync(temporary), []);
});

test('the demo reads no configuration of the user', async () => {
  const file = join(temporaryFolder('demo'), 'config.yaml');
  writeFileSync(file, 'bmw: { clientId: 5, authUrl: "http://127.0.0.1:9" }\nabrp: { url: "http://127.0.0.1:9" }\n');
  const { env } = surroundings({ VOLTPIPE_CONFIG: file, VOLTPIPE_BMW_CLIENT_ID: 'mine' });
  const { status, stderr } = await shell('voltpipe demo --no-config -n 1', { env });
  assert.equal(status, 0, stderr);
});

test('the demo ends on Ctrl-C and leaves neither a folder nor a process behind', async () => {
  const { temporary, env } = surroundings();
  const { signal, stdout, stderr } = await shell('exec voltpipe demo', { env, interruptAfter: 6000 });
  assert.equal(signal, 'SIGINT');
  assert.equal(stderr, '');
  assert.match(stdout, /points reached ABRP/);
  assert.deepEqual(readdirSync(temporary), []);
  assert.deepEqual(processesWith(`TMPDIR=${temporary}`), []);
});

test('the demo ends by itself after --duration', async () => {
  const { env } = surroundings();
  assert.equal((await shell('voltpipe demo --duration 4s', { env })).status, 0);
});

test('on a terminal the values are drawn in one place', async (t) => {
  const { env } = surroundings({ TERM: 'xterm' });
  if (!requireService(t, 'script')) return;
  const { status, stdout } = await shell(`script -qec 'stty cols 80 rows 24; voltpipe demo -n 3' /dev/null`, { env });
  assert.equal(status, 0);
  assert.match(stdout, /BMW has sent +\d+ messages/);
  assert.match(stdout, /state of charge .*\d+ %/);
  assert.match(stdout, /\u001b\[\d+A/, 'drawn anew');
  assert.doesNotMatch(stdout, /\{"/);
  const lines = stdout.replaceAll(/\u001b\[[\d;]*[A-Za-z]/g, '').split('\n');
  assert.match(lines.join('\n'), /missing="lat,\s+lon,\s+power,\s+speed"/, 'messages are broken, not cut');
  assert.deepEqual(
    lines.filter((line) => line.trimEnd().length > 80),
    [],
  );
});
