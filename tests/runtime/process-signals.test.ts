import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundled, command, shell, until } from '../support/fixture.ts';
import { cleanEnvironment, temporaryFolder } from '../support/shell.ts';
import { openTerminal } from '../support/terminal.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends a source behind a slow reader with its last line whole, ten times of ten, by the signal itself`, async () => {
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const { child, ended } = command(['count', '--pad', '3000']);
        child.stdout!.pause();
        await until(() => child.stdout!.readableLength > 0);
        child.kill(signal);
        await new Promise((resolve) => setTimeout(resolve, 100));
        child.stdout!.resume();
        const { status, signal: by, stdout, stderr } = await ended;
        assert.deepEqual([status, by, stderr], [null, signal, '']);
        assert.ok(stdout.endsWith('}\n'), 'the last line is cut');
        for (const line of stdout.trimEnd().split('\n')) JSON.parse(line);
      }),
    );
  });
}

test('a filter and a sink go on to the end of their input after a signal, and lose nothing', async () => {
  for (const argv of [['pass'], ['collect', '--receipts'], ['run', 'pass | collect --receipts']]) {
    const { child, printed, ended } = command(argv, { open: true });
    child.stdin!.write('{"type":"x","n":1}\n');
    await until(() => printed.stdout.includes('"n":1'));
    child.kill('SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 200));
    child.stdin!.end('{"type":"x","n":2}\n');
    const { signal, stdout } = await ended;
    assert.equal(signal, 'SIGTERM');
    assert.match(stdout, /"n":2/);
  }
});

test('Ctrl-C in a pipeline of processes brings every record that was read to its end', async () => {
  const { child, printed, ended } = shell(
    'set -o pipefail; $VP count --interval 2ms | $VP pass | $VP collect --receipts',
    { detached: true },
  );
  await until(() => printed.stdout.split('\n').length > 50);
  process.kill(-child.pid!, 'SIGINT');
  const { stdout, stderr } = await ended;
  const last = JSON.parse(stdout.trim().split('\n').at(-1)!).n;
  assert.equal(stdout.trim().split('\n').length, last, 'no hole');
  assert.match(stderr, new RegExp(`collected ${last}\n`));
});

test('a filter of a file stops reading it at a signal, with its last line whole', async () => {
  const { child, ended } = shell(
    `for i in $(seq 200000); do echo '{"type":"x","n":'$i'}'; done > big; exec $VP pass < big`,
  );
  child.stdout!.pause();
  await until(() => child.stdout!.readableLength > 0);
  child.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 100));
  child.stdout!.resume();
  const { signal, stdout } = await ended;
  assert.equal(signal, 'SIGINT');
  assert.ok(stdout.endsWith('}\n'));
  assert.ok(stdout.length < 3_000_000, 'it went on to the end');
});

test('input that does not end is read for part of the grace time only', async () => {
  const { child, printed, ended } = command(['collect', '--receipts', '--grace', '1s'], { open: true });
  child.stdin!.write('{"type":"x","n":1}\n');
  await until(() => printed.stdout !== '');
  const begun = performance.now();
  child.kill('SIGTERM');
  const { signal, stderr } = await ended;
  assert.equal(signal, 'SIGTERM');
  assert.match(stderr, /collected 1\n/);
  assert.doesNotMatch(stderr, /lost/);
  assert.ok(performance.now() - begun < 1500);
});

test('a command that does not end is ended after the grace time, and that is said', async () => {
  const { child, printed, ended } = command(['stuck', '--grace', '500ms']);
  await until(() => printed.stdout !== '');
  child.kill('SIGTERM');
  const { signal, stderr } = await ended;
  assert.equal(signal, 'SIGTERM');
  assert.match(stderr, /^stuck: warning: not finished 500 ms after it was told to stop: the rest is left undone\n$/);
});

test('a second signal is immediate', async () => {
  const { child, printed, ended } = command(['stuck', '--grace', '60s']);
  await until(() => printed.stdout !== '');
  const begun = performance.now();
  child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 100));
  child.kill('SIGINT');
  assert.equal((await ended).signal, 'SIGINT');
  assert.ok(performance.now() - begun < 2000);
});

test('who pressed Ctrl-C on a terminal and has to wait is told what for', async (t) => {
  const VP = `${process.execPath} ${bundled('fixture-commands')}`;
  const terminal = openTerminal(t, cleanEnvironment(temporaryFolder('hurry'), { VP }));
  if (!terminal) return;
  terminal.type('$VP stuck --grace 60s');
  await until(() => terminal.shown().includes('"n":1'));
  terminal.type('\u0003');
  await until(() => terminal.shown().includes('stuck: brings to its end what it has begun; Ctrl-C again ends at once'));
  terminal.type('\u0003');
  terminal.type('echo "status: $?"');
  await until(() => terminal.shown().includes('status: 130'));
});

test('--timeout ends the whole run with exit status 75, drained', async () => {
  const { status, stdout, stderr } = await command(['count', '--interval', '10ms', '--timeout', '300ms']).ended;
  assert.deepEqual([status, stderr], [75, 'count: warning: ended by --timeout after 300 ms\n']);
  assert.ok(stdout.endsWith('}\n'));
  const stuck = await command(['stuck', '--timeout', '100ms', '--grace', '200ms']).ended;
  assert.equal(stuck.status, 75);
  const inRun = await command(['run', '--timeout', '200ms', 'count --interval 10ms | pass']).ended;
  assert.equal(inRun.status, 75);
});

test('a run that is over before its --timeout is not kept waiting by it', async () => {
  const { status } = await command(['count', '-n', '1', '--timeout', '1h']).ended;
  assert.equal(status, 0);
});

test('a command that ignores its reader leaving is ended after the grace time', async () => {
  const { stderr } = await shell('{ $VP run --grace 300ms "stuck | collect --fatal 1"; echo $? >&2; }').ended;
  assert.match(stderr, /collect: far side: refused\. Log in\.\n77\n$/);
  assert.match(stderr, /stuck: warning: did not end when nobody read on; left behind/);
});

test('an error in a command is a bug, exit status 70, with the place', async () => {
  const { status, stderr } = await command(['crash'], { input: '{"type":"x"}\n' }).ended;
  assert.equal(status, 70);
  assert.match(stderr, /^crash: bug: TypeError: .*\n\s+at /);
});

test('an error that nobody catches is a bug, exit status 70, and what was written before it is whole', async () => {
  const { status, stdout, stderr } = await command(['crash-later']).ended;
  assert.equal(status, 70);
  assert.match(stderr, /^crash-later: bug: TypeError: in a callback\n\s+at /);
  assert.match(stdout, /^\{.*\}\n$/);
});

test('a command that waits for what nothing can bring is a bug, and no success', async () => {
  const { status, stderr } = await command(['forgotten']).ended;
  assert.equal(status, 70);
  assert.match(stderr, /^forgotten: bug: /);
});
