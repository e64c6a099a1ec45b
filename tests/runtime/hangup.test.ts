import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bundled, command, until } from '../support/fixture.ts';
import { cleanEnvironment, temporaryFolder } from '../support/shell.ts';
import { openTerminal, type Terminal } from '../support/terminal.ts';

/** A terminal in which `$VP` is the made-up commands, and the folder that it is in. */
function terminal(
  t: TestContext,
): (Terminal & { at(file: string): string; has(file: string, text: string): boolean }) | undefined {
  const folder = temporaryFolder('hangup');
  const VP = `${process.execPath} ${bundled('fixture-commands')}`;
  const opened = openTerminal(t, cleanEnvironment(folder, { VP, TMPDIR: folder }));
  if (!opened) return undefined;
  opened.type(`cd ${folder}`);
  const at = (file: string): string => join(folder, file);
  return { ...opened, at, has: (file, text) => existsSync(at(file)) && readFileSync(at(file), 'utf8').includes(text) };
}

const gone = (one: Terminal): Promise<void> => until(() => one.left().length === 0, 'the end of all');

for (const [what, line] of [
  ['a command that reloads', '$VP service > out'],
  ['a command that does not', '$VP count --interval 10ms > out'],
  ['a job in the background', '$VP service > out &'],
  ['a pipeline', '$VP service | $VP pass | $VP collect --receipts > out'],
  ['a pipeline in one process', "$VP run 'service | pass | collect --receipts' > out"],
] as const) {
  test(`${what} ends when its terminal is closed, drained`, async (t) => {
    const shell = terminal(t);
    if (!shell) return;
    shell.type(line);
    await until(() => shell.has('out', '"n":1'));
    shell.close();
    await gone(shell);
    if (line.includes('service')) assert.ok(shell.has('out', '"n":2'), 'it was not drained');
    assert.ok(readFileSync(shell.at('out'), 'utf8').endsWith('}\n'), 'its last line is cut');
  });
}

test('the demo ends when its terminal is closed, with its commands and its folder', async (t) => {
  const shell = terminal(t);
  if (!shell) return;
  shell.type('voltpipe demo batteries');
  await until(() => /peak \d/.test(shell.shown()), 'the live view');
  assert.ok(shell.left().length > 2, 'it has commands at work');
  shell.close();
  await gone(shell);
  assert.deepEqual(
    readdirSync(shell.at('.')).filter((name) => name.startsWith('voltpipe-demo')),
    [],
  );
});

test('a hang-up in a living terminal reloads', async (t) => {
  const shell = terminal(t);
  if (!shell) return;
  writeFileSync(shell.at('config.yaml'), 'fixture: {rate: 5}');
  shell.type('$VP service --config config.yaml > out 2> said & echo $! > pid');
  await until(() => shell.has('out', '"n":1'));
  process.kill(Number(readFileSync(shell.at('pid'), 'utf8')), 'SIGHUP');
  await until(() => shell.has('said', 'rate 5'));
  assert.ok(!shell.has('out', '"n":2'));
});

test('a hang-up under no terminal, as systemctl reload sends it, reloads', async () => {
  const { child, printed, ended } = command(['service'], { detached: true });
  await until(() => printed.stdout.includes('"n":1'));
  child.kill('SIGHUP');
  await until(() => printed.stderr.includes('rate 1'));
  child.kill('SIGTERM');
  assert.equal((await ended).signal, 'SIGTERM');
});

test('a hang-up that nobody would reload for ends the command as SIGTERM does; a second one is not taken for impatience', async () => {
  const { child, printed, ended } = command(['collect', '--receipts'], { open: true, detached: true });
  child.stdin!.write('{"type":"x","n":1}\n');
  await until(() => printed.stdout.includes('"n":1'));
  child.kill('SIGHUP');
  await new Promise((resolve) => setTimeout(resolve, 200));
  child.kill('SIGHUP');
  await new Promise((resolve) => setTimeout(resolve, 200));
  child.stdin!.end('{"type":"x","n":2}\n');
  const { signal, stdout } = await ended;
  assert.equal(signal, 'SIGHUP');
  assert.match(stdout, /"n":2/);
});

for (const [what, line] of [
  ['a command', 'nohup $VP count --interval 10ms > out 2> said &'],
  ['a command that reloads', 'nohup $VP service > out 2> said &'],
  ['the second of a pipeline', 'nohup $VP count --interval 10ms | nohup $VP pass > out &'],
  ['what a script starts', "echo '$VP count --interval 10ms | $VP pass > out; :' > x.sh; nohup bash x.sh &"],
] as const) {
  test(`${what} under nohup survives its terminal`, async (t) => {
    const shell = terminal(t);
    if (!shell) return;
    shell.type(line);
    await until(() => shell.has('out', '"n":1'));
    const before = shell.left().length;
    shell.close();
    await until(() => shell.left().length < before, 'the end of the shell');
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(shell.left().length, before - 1, 'the shell alone has ended');
    const size = (): number => readFileSync(shell.at('out')).length;
    const then = size();
    if (line.includes('count')) await until(() => size() > then, 'more lines');
  });
}
