import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { command, shell, until } from '../support/fixture.ts';

const ended = (...argv: string[]) => command(argv).ended;

test('help is on stdout, begins with examples, and needs no input; the version is one line', async () => {
  for (const flag of ['-h', '--help', '-qh']) {
    const { status, stdout, stderr } = await ended('pass', flag);
    assert.deepEqual([status, stderr], [0, '']);
    assert.ok(stdout.indexOf('pass < /dev/null') < stdout.indexOf('--strict'), 'examples come first');
    assert.ok(stdout.split('\n').every((line) => line.length <= 100));
  }
  for (const argv of [['pass', '-V'], ['--version'], ['group', '-V']]) {
    assert.deepEqual(await ended(...argv), { status: 0, signal: null, stdout: '1.2.3\n', stderr: '' });
  }
});

test('a group shows its commands; without a command, or with one that it lacks, that is a usage error', async () => {
  const { status, stdout } = await ended('group', '--help');
  assert.equal(status, 0);
  assert.match(stdout, /group one/);
  for (const argv of [['group'], ['group', 'two'], [], ['nonsense'], ['--nonsense']]) {
    const { status: wrong, stdout: none, stderr } = await ended(...argv);
    assert.deepEqual([wrong, none], [64, ''], argv.join(' '));
    assert.match(stderr, /Try '.* --help'\.\n$/);
  }
  assert.equal((await ended('group', 'one')).stdout, 'one\n');
});

test('help into a reader that goes away is silent', async () => {
  const { stderr } = await shell('{ $VP --help; echo $? >&2; } | head -c 1 > /dev/null').ended;
  assert.equal(stderr, '0\n');
});

test('a tool prints its text and gives its own exit status', async () => {
  assert.deepEqual(await ended('tool', 'hello'), { status: 76, signal: null, stdout: 'hello\n', stderr: '' });
  const { status, stderr } = await ended('tool');
  assert.equal(status, 64);
  assert.match(stderr, /^tool: no word given\. Try 'tool --help'\.\n$/);
});

test('a wrong command line is one line a fault, exit status 64', async () => {
  const { status, stdout, stderr } = await ended('count', '--interval', 'soon', '-n', '0');
  assert.deepEqual([status, stdout], [64, '']);
  assert.deepEqual(stderr.trim().split('\n').sort(), [
    'count: --count "0": must be at least 1',
    'count: --interval "soon": expected a duration such as 500ms, 10s, 5m or 1h',
  ]);
});

test('voltpipe run: quotes and escapes reach the stages as a shell would bring them', async () => {
  const { stdout } = await ended('run', `tool "a | 'b'"\\ c`);
  assert.equal(stdout, `a | 'b' c\n`);
});

test('voltpipe run: stages work as they do in a shell', async () => {
  const { status, stdout } = await command(['run', 'pass | pass-run | collect --receipts'], {
    input: '{"type":"x","n":1}\n{"type":"y"}\nbad\n',
  }).ended;
  assert.equal(status, 65);
  assert.equal(stdout, '{"type":"receipt","ok":true,"n":1}\n');
});

const refused: [string, string, RegExp][] = [
  ['an unknown stage', 'pass | nonsense', /'nonsense': no such command/],
  ['a group as a stage', 'group', /'group': is no command by itself/],
  ['a run in a run', 'run "pass"', /'run': no such command/],
  ['a source behind another stage', 'pass | count', /count: reads no input\. Put it first/],
  ["what is the shell's", 'count > file', /'>'.* is the shell's/],
  ['an open quote', "count 'x", /not closed/],
];
for (const [what, pipeline, why] of refused) {
  test(`voltpipe run: ${what} is a usage error, exit status 64`, async () => {
    const { status, stdout, stderr } = await ended('run', pipeline);
    assert.deepEqual([status, stdout], [64, '']);
    assert.match(stderr, why);
    assert.match(stderr, /^voltpipe run: /);
  });
}

test('voltpipe run: problems of several stages are told at once, each with its stage', async () => {
  const { status, stderr } = await ended('run', 'count --interval soon -n 0 | pass | collect --each late');
  assert.equal(status, 64);
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => line.replace(/^voltpipe run: /, ''));
  assert.equal(lines.length, 3, stderr);
  assert.equal(lines.filter((line) => line.startsWith('count: --')).length, 2, stderr);
  assert.equal(lines.filter((line) => line.startsWith('collect: --each "late"')).length, 1, stderr);
});

test('voltpipe run: the rightmost stage that failed decides, each failure is told', async () => {
  const { status, stderr } = await ended('run', 'count | collect --fatal 3');
  assert.deepEqual([status, stderr], [77, 'collect: far side: refused. Log in.\n']);
  const left = await command(['run', 'crash | collect'], { input: '{"type":"x"}\n' }).ended;
  assert.equal(left.status, 70);
  assert.match(left.stderr, /crash: bug: TypeError/);
});

test('voltpipe run: its own options hold for every stage', async () => {
  const { stderr } = await ended('run', '--log-format', 'json', 'count -n 2 | collect');
  assert.equal(JSON.parse(stderr).message, 'collected 2');
  const quiet = await ended('run', '-q', 'count -n 2 | collect');
  assert.equal(quiet.stderr, '');
});

test('a secret comes from its places, is never shown, and is not taken from the command line (BMW-48, BMW-57)', async () => {
  const secret = 'tok-12345-"abc"';
  const file = join(mkdtempSync(join(tmpdir(), 'voltpipe-secret-')), 'key');
  writeFileSync(file, `${secret}\n`);
  const ways = [
    command(['secretive', '--api-key-file', file]),
    command(['secretive', '--api-key-file', '-'], { input: secret }),
    command(['secretive'], { env: { VOLTPIPE_FIXTURE_API_KEY: secret } }),
    command(['secretive'], { env: { VOLTPIPE_FIXTURE_API_KEY_FILE: file } }),
    command(['secretive', '--log-format', 'json'], { env: { VOLTPIPE_FIXTURE_API_KEY: secret } }),
  ];
  for (const way of ways) {
    const { status, stdout, stderr } = await way.ended;
    assert.deepEqual([status, stdout], [0, `{"type":"x","length":${secret.length}}\n`]);
    assert.doesNotMatch(stderr, /12345/);
    assert.equal(stderr.split('[redacted]').length, 4, stderr);
  }
  const argv = await ended('secretive', '--api-key', secret);
  assert.equal(argv.status, 64);
  assert.doesNotMatch(argv.stderr, /12345/);
});

test('a secret cannot come from a stdin that brings the records', async () => {
  const { status, stderr } = await command(['secret-sink', '--api-key-file', '-'], { input: '{"type":"x"}\n' }).ended;
  assert.deepEqual([status, stderr], [64, 'secret-sink: --api-key-file -: stdin brings the records. Name a file.\n']);
});

test('messages go to stderr, and to a file when asked; the journal gets priorities (HAWK-139)', async () => {
  const running = command(['count', '-n', '2']);
  const file = join(running.home, 'x.log');
  await running.ended;
  const { stderr } = await command(['run', 'count -n 2 | collect', '--log-file', file]).ended;
  assert.equal(stderr, 'collect: collected 2\n');
  assert.match(readFileSync(file, 'utf8'), /^\S+Z INFO collect: collected 2\n$/);
  const journal = await shell(
    `$VP run 'count -n 1 | collect' 2> err; JOURNAL_STREAM=$(stat -c %d:%i err) $VP run 'count -n 1 | collect' 2>> err; cat err`,
  ).ended;
  assert.equal(journal.stdout, 'collect: collected 1\n<6>collect: collected 1\n');
});

test('a log file that cannot be written is said at the start, though there is nothing to log', async () => {
  const input = '{"type":"x"}\n';
  const { status, stdout, stderr } = await command(['pass', '--log-file', '/nowhere/x.log'], { input }).ended;
  assert.deepEqual(
    [status, stdout, stderr],
    [0, input, 'pass: log file /nowhere/x.log: cannot be written: no such file or folder (ENOENT)\n'],
  );
});

test('a log file that cannot be written is said once, and the run goes on', async () => {
  const input = 'bad\n'.repeat(3);
  const { status, stderr } = await command(['pass', '--log-file', '/nowhere/x.log'], { input }).ended;
  assert.equal(status, 65);
  assert.equal(stderr.split('log file /nowhere/x.log: cannot be written: no such file or folder (ENOENT)').length, 2);
  assert.equal(stderr.trim().split('\n').length, 4);
});

test('children get neither the descriptor nor the variable of the acknowledgement', async () => {
  const { stdout } = await shell('VOLTPIPE_ACK_FD=7 $VP parent 7>/dev/null').ended;
  const { text } = JSON.parse(stdout);
  assert.doesNotMatch(text, /VOLTPIPE_ACK_FD/);
  assert.match(text, /HOME=/);
  assert.ok(!text.trim().split('\n').at(-1).trim().split(' ').includes('7'), 'the descriptor is inherited');
});

test('a child that does not listen is ended with the command', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'voltpipe-child-')), 'pid');
  const { status } = await command(['parent', '--deaf', file]).ended;
  assert.equal(status, 0);
  const pid = Number(readFileSync(file, 'utf8'));
  assert.throws(() => process.kill(pid, 0), /ESRCH/);
});

test('a changed configuration is taken up on SIGHUP and when the file is replaced; an invalid one is said and not taken', async () => {
  const home = mkdtempSync(join(tmpdir(), 'voltpipe-reload-'));
  mkdirSync(join(home, 'c'));
  const file = join(home, 'c/config.yaml');
  const replace = (text: string): void => {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };
  replace('fixture: {rate: 1}');
  const { child, printed, ended: done } = command(['service', '--config', file]);
  const says = (text: string): Promise<void> => until(() => printed.stderr.includes(text), `'${text}'`);
  await says('connected');
  replace('fixture: {rate: 2}');
  await says('rate 2');
  writeFileSync(file, 'fixture: {rate: 3}');
  await says('rate 3');
  replace('fixture: {rate: fast}');
  await says('configuration kept as it was');
  assert.match(printed.stderr, /fixture\.rate "fast": expected a number/);
  replace('fixture: {rate: [');
  await until(() => printed.stderr.split('kept as it was').length === 3);
  child.kill('SIGHUP');
  await until(() => printed.stderr.split('kept as it was').length === 4);
  replace('fixture: {rate: 4}');
  await says('rate 4');
  child.kill('SIGTERM');
  const { signal, stdout } = await done;
  assert.equal(signal, 'SIGTERM');
  assert.match(stdout, /"n":2/);
});

test('a system.json that is made later, as by registry set, is taken up over the configuration file', async () => {
  const home = mkdtempSync(join(tmpdir(), 'voltpipe-reload-'));
  mkdirSync(join(home, 'data'));
  const file = join(home, 'config.yaml');
  const system = join(home, 'data/system.json');
  writeFileSync(file, 'fixture: {rate: 1}');
  const { child, printed, ended: done } = command(['service', '--config', file, '--data-dir', join(home, 'data')]);
  const says = (text: string): Promise<void> => until(() => printed.stderr.includes(text), `'${text}'`);
  await says('connected');
  writeFileSync(system, '{"version":"1.0","fixture":{"rate":2}}');
  await says('rate 2');
  writeFileSync(system, '{"version":"2.0","fixture":{"rate":3}}');
  await says('system.json: version 2.0 is not known');
  writeFileSync(system, '{"version":"1.1","fixture":{"rate":4}}');
  await says('rate 4');
  child.kill('SIGTERM');
  await done;
});
