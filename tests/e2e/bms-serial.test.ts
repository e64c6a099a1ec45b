import assert from 'node:assert/strict';
import { chmodSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { background } from '../support/background.ts';
import { requireOrdinaryUser, requireService } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

/** A simulated board behind a pseudo-terminal, as a serial port of this machine. */
async function plugged(t: TestContext, kind: string, ...more: string[]) {
  if (!requireService(t, 'socat')) return undefined;
  const home = temporaryFolder('serial');
  const env = cleanEnvironment(home);
  const port = join(home, 'ttyBMS');
  const simulator = background(['simulate', kind, '--pty', port, ...more], env);
  t.after(() => simulator.stop());
  await simulator.line(({ type }) => type === 'endpoint');
  return { env, port, simulator };
}

for (const [kind, type, ...more] of [
  ['jbd', 'jbd'],
  ['daly', 'daly'],
  ['daly', 'daly', '--dialect', 'd2'],
  ['daly', 'daly', '--dialect', 'p81'],
] as const) {
  test(`a serial port with a ${[kind, ...more].join(' ')} board is found out about and read`, async (t) => {
    const at = await plugged(t, kind, ...more, '--cells', '8', '--current', '4.5');
    if (!at) return;
    const { status, stdout, stderr } = await shell(`bms-read --port ${at.port} --once`, { env: at.env });
    assert.equal(status, 0, stderr);
    const reading = JSON.parse(stdout);
    assert.equal(reading.device_type, type);
    assert.equal(reading.device_id, 'serial-ttyBMS');
    assert.equal(reading.current, 4.5);
    assert.equal(reading.cells.length, 8);
  });
}

test('an adapter that is pulled out in the middle of a frame ends the run with 69', async (t) => {
  const at = await plugged(t, 'jbd', '--fault', 'disconnect');
  if (!at) return;
  const { status, stdout, stderr } = await shell(`bms-read --type jbd --port ${at.port}`, { env: at.env });
  assert.equal(status, 69, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /ttyBMS: the port is gone, as if unplugged, in the middle of a frame/);
});

test('an adapter that is pulled out and put in again is read again', async (t) => {
  const at = await plugged(t, 'jbd');
  if (!at) return;
  const reader = background(['bms-read', '--type', 'jbd', '--port', at.port, '-i', '200ms'], at.env);
  t.after(() => reader.stop());
  await reader.line(({ type }) => type === 'battery_reading');
  await at.simulator.stop();
  while (!/as if unplugged|no such port/.test(reader.stderr())) await new Promise((resolve) => setTimeout(resolve, 20));
  const before = reader.lines.length;
  const again = background(['simulate', 'jbd', '--pty', at.port, '--current', '9'], at.env);
  t.after(() => again.stop());
  const reading = await reader.line(({ current }) => current === 9);
  assert.equal(reading.device_type, 'jbd');
  assert.ok(reader.lines.length > before);
  assert.match(reader.stderr(), /readings are back/);
});

test('a port that another program has open is refused with its name', async (t) => {
  const at = await plugged(t, 'jbd');
  if (!at) return;
  const reader = background(['bms-read', '--type', 'jbd', '--port', at.port, '-i', '1s'], at.env);
  t.after(() => reader.stop());
  await reader.line(({ type }) => type === 'battery_reading');
  const same = await shell(`bms-read --type jbd --port ${at.port}`, { env: at.env });
  assert.equal(same.status, 75, same.stderr);
  assert.match(same.stderr, new RegExp(`ttyBMS: process ${reader.child.pid} \\(bms-read\\) reads it`));
  // Another user's runtime directory: our own lock is not seen, the system's is.
  const other = await shell(`bms-read --type jbd --port ${at.port}`, {
    env: { ...at.env, XDG_RUNTIME_DIR: temporaryFolder('run') },
  });
  assert.equal(other.status, 75, other.stderr);
  assert.match(other.stderr, /process \d+ \(bms-read\).* has it open/);
});

test('a port without the rights to it ends with 77 and says how to get them', async (t) => {
  if (!requireOrdinaryUser(t)) return;
  const at = await plugged(t, 'jbd');
  if (!at) return;
  chmodSync(readlinkSync(at.port), 0o000);
  const { status, stderr } = await shell(`bms-read --type jbd --port ${at.port}`, { env: at.env });
  assert.equal(status, 77, stderr);
  assert.match(stderr, /ttyBMS: permission denied\. sudo usermod -aG dialout/);
});

test('SIGTERM in the middle of an exchange ends it at once and frees the port', async (t) => {
  const at = await plugged(t, 'jbd', '--fault', 'silence');
  if (!at) return;
  const reader = background(['bms-read', '--type', 'jbd', '--port', at.port, '--read-timeout', '1m', '-v'], at.env);
  while (!reader.stderr().includes('asks for')) await new Promise((resolve) => setTimeout(resolve, 20));
  await reader.stop();
  assert.equal((await reader.ended).signal, 'SIGTERM');
  const next = await shell(`bms-read --type jbd --port ${at.port} --read-timeout 100ms`, { env: at.env });
  assert.equal(next.status, 69, next.stderr);
});

test('without socat a pseudo-terminal is refused with the way out', async () => {
  const home = temporaryFolder('serial');
  const env = { ...cleanEnvironment(home), VOLTPIPE_TEST_NODE: process.execPath };
  // A PATH that holds node and the commands alone.
  const { status, stderr } = await shell(
    'mkdir only && ln -s "$VOLTPIPE_TEST_NODE" only/node && simulate=$(command -v simulate) && PATH=$PWD/only exec "$simulate" jbd --pty tty',
    {
      env,
      cwd: home,
    },
  );
  assert.equal(status, 69, stderr);
  assert.match(stderr, /--pty tty: socat is not installed\. apt install socat, or use the TCP address/);
});
