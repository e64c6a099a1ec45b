import assert from 'node:assert/strict';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { command, shell, until } from '../support/fixture.ts';
import { oddLine } from '../support/fixture-pipeline.ts';
import { requireService } from '../support/services.ts';

const odd = Array.from({ length: 200 }, (_, n) => oddLine(n)).join('\n');

for (const filter of ['pass', 'pass-run']) {
  test(`${filter}: what is not changed comes out byte for byte, from a pipe as from a file (CARD-04)`, async () => {
    const { status, stdout, home } = await (async () => {
      const running = command([filter], { input: `${odd}\n` });
      return { ...(await running.ended), home: running.home };
    })();
    assert.deepEqual([status, stdout === `${odd}\n`], [0, true]);
    const file = join(home, 'lines.ndjson');
    writeFileSync(file, odd);
    const fromFile = await shell(`$VP ${filter} < ${file} > out; cat out`, { cwd: home }).ended;
    assert.equal(fromFile.stdout, `${odd}\n`);
  });

  test(`${filter}: bad lines are said with their numbers, ten of them, then counted; exit status 65`, async () => {
    const bad = Array.from({ length: 25 }, (_, n) => (n % 2 ? `{"type":"x","n":${n}}` : 'nonsense'));
    const { status, stdout, stderr } = await command([filter], { input: `${bad.join('\n')}\n` }).ended;
    assert.equal(status, 65);
    assert.equal(stdout.trim().split('\n').length, 12);
    const lines = stderr.trim().split('\n');
    assert.equal(lines.length, 11);
    assert.match(lines[0]!, new RegExp(`^${filter}: warning: line 1: not a record: not JSON`));
    assert.match(lines[9]!, /line 19: /);
    assert.equal(lines[10], `${filter}: warning: 13 lines were no records`);
  });

  test(`${filter}: --strict passes on what came before the bad line, and nothing after, wherever a chunk ends`, async () => {
    const { status, stdout, stderr } = await command([filter, '--strict'], {
      input: '{"type":"x","n":1}\n{"type":"x","n":2}\nnonsense\n{"type":"x","n":4}\n',
    }).ended;
    assert.equal(status, 65);
    assert.equal(stdout, '{"type":"x","n":1}\n{"type":"x","n":2}\n');
    assert.match(stderr, new RegExp(`^${filter}: line 3: not a record: not JSON[^\\n]*\\n$`));
  });

  test(`${filter}: a reader that goes away is the end, silently, exit status 0`, async () => {
    const reader = `yes '{"type":"x"}' | { $VP ${filter}; echo "$?" >&2; } | head -1`;
    const { stdout, stderr } = await shell(reader).ended;
    assert.deepEqual([stdout, stderr], ['{"type":"x"}\n', '0\n']);
  });
}

test('a source whose reader goes away ends silently, exit status 0', async () => {
  for (const source of ['count', 'count --interval 1ms']) {
    const { stdout, stderr } = await shell(`{ $VP ${source}; echo "$?" >&2; } | head -1 | wc -l`).ended;
    assert.deepEqual([stdout.trim(), stderr], ['1', '0\n']);
  }
});

test('an idle command ends when its reader goes away, whether it had written or not, exit status 0', async () => {
  const source = await shell('{ $VP count --interval 1h; echo "$?" >&2; } | head -1 | wc -l').ended;
  assert.deepEqual([source.stdout.trim(), source.stderr], ['1', '0\n']);
  const filter = await shell('mkfifo in; exec 3<> in; { $VP pass < in; echo "$?" >&2; } | true').ended;
  assert.equal(filter.stderr, '0\n');
});

test('a sink goes on when nobody reads the output that it does not write', async () => {
  const records = `for n in 1 2 3; do echo '{"type":"x"}'; sleep 1; done`;
  const { stderr } = await shell(`${records} | { $VP collect; echo "$?" >&2; } | true`).ended;
  assert.equal(stderr, 'collect: collected 3\n0\n');
});

test('a named pipe may get another reader: its writer waits for it', async () => {
  const readers = 'head -1 < out; sleep 1.5; head -1 < out';
  const { stdout } = await shell(`mkfifo out; $VP count --interval 4s > out & ${readers}; kill $!`).ended;
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).n),
    [1, 2],
  );
});

test('-n and --once end a source after so many records (CARD-06)', async () => {
  const { status, stdout } = await command(['count', '-n', '3']).ended;
  assert.deepEqual([status, stdout.split('\n').length - 1], [0, 3]);
  assert.equal((await command(['count', '--once']).ended).stdout.split('\n').length - 1, 1);
});

test('a record leaves when it is made, and is not held back for more', async () => {
  const { child, printed, ended } = command(['pass'], { open: true });
  for (let n = 1; n <= 3; n++) {
    child.stdin!.write(`{"type":"x","n":${n}}\n`);
    await until(() => printed.stdout.includes(`"n":${n}`), `record ${n}`);
  }
  child.stdin!.end();
  assert.equal((await ended).status, 0);
});

for (const filter of ['pass', 'pass-run']) {
  test(`${filter}: from a pipe comes what is there at once, what comes later and what comes after that`, async () => {
    const lines = [1, 2, 3, 4].map((n) => `{"type":"x","n":${n}}`);
    const writer = `{ echo '${lines[0]}'; sleep 0.5; echo '${lines[1]}'; sleep 0.2; echo '${lines[2]}'; printf '${lines[3]}'; }`;
    const { stdout, stderr } = await shell(`${writer} | $VP ${filter} | cat`).ended;
    assert.deepEqual([stdout, stderr], [`${lines.join('\n')}\n`, '']);
  });

  test(`${filter}: a pipe that is full takes the rest later, whole and in order`, async () => {
    const many = `seq 30000 | sed 's/.*/{"type":"x","n":&,"fill":"${'x'.repeat(100)}"}/'`;
    const { stdout } = await shell(`${many} > in; $VP ${filter} < in | { sleep 0.5; cat; } | cmp - in && echo same`)
      .ended;
    assert.equal(stdout, 'same\n');
    const piped = await shell(`${many} > in; cat in | $VP ${filter} | { sleep 0.5; cat; } | cmp - in && echo same`)
      .ended;
    assert.equal(piped.stdout, 'same\n');
  });
}

test('pipes that other processes share keep their flags: those would not expect a write that does not wait', async () => {
  const flags = 'grep flags: /proc/self/fdinfo';
  const script = `echo '{"type":"x"}' | { sleep 0.5; $VP pass; ${flags}/0 >&2; ${flags}/1 >&2; } | cat`;
  const { stdout, stderr } = await shell(script).ended;
  assert.equal(stdout, '{"type":"x"}\n');
  const [input, output] = stderr
    .trim()
    .split('\n')
    .map((line) => Number.parseInt(line.split(/\s+/)[1]!, 8));
  const nonBlocking = 0o4000;
  assert.deepEqual([input! & nonBlocking, output! & nonBlocking], [0, 0], stderr);
});

test('stdout on a full disk is exit status 74, said once', async () => {
  for (const argv of [['count', '-n', '5'], ['count', '--until', '2000', '--pad', '100'], ['pass']]) {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = await command(argv, { input: '{"type":"x"}\n', stdio: ['pipe', full, 'pipe'] }).ended;
    assert.deepEqual([status, stderr], [74, `${argv[0]}: stdout: cannot be written: the disk is full (ENOSPC)\n`]);
  }
});

test('messages that nobody reads any longer, or that nobody takes, stop nothing', async () => {
  const bad = 'for i in $(seq 20); do echo bad; sleep 0.02; done; echo \'{"type":"x"}\'';
  const gone = await shell(`{ ${bad}; } | { $VP pass 2> >(head -1 > /dev/null); echo "status $?"; }`).ended;
  assert.equal(gone.stdout, '{"type":"x"}\nstatus 65\n');
  const closed = await shell(`echo bad | $VP pass 2>&-; echo "status $?"`).ended;
  assert.equal(closed.stdout, 'status 65\n');
});

test('a reader of messages that does not read them holds up neither the end nor a second signal', async () => {
  const stuck = command(['pass'], { open: true });
  stuck.child.stderr!.removeAllListeners('data').pause();
  stuck.child.stdin!.write(`${'bad\n'.repeat(10)}{"type":"x"}\n`);
  await until(() => stuck.printed.stdout !== '');
  const begun = performance.now();
  stuck.child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 100));
  stuck.child.kill('SIGTERM');
  assert.equal(
    (await new Promise<unknown[]>((resolve) => stuck.child.on('exit', (...how) => resolve(how))))[1],
    'SIGTERM',
  );
  assert.ok(performance.now() - begun < 2500);
});

test('a directory as stdin is exit status 74', async () => {
  const { status, stderr } = await shell('$VP pass < /').ended;
  assert.deepEqual([status, stderr], [74, 'pass: stdin: cannot be read: it is a folder (EISDIR)\n']);
});

test('an empty or closed stdin is an empty input', async () => {
  for (const script of ['$VP pass < /dev/null', '$VP pass <&-', ': | $VP pass']) {
    const { status, stdout, stderr } = await shell(script).ended;
    assert.deepEqual([status, stdout, stderr], [0, '', ''], script);
  }
});

/** A command under a terminal; script(1) makes one. */
async function onTerminal(
  t: TestContext,
  line: string,
): Promise<{ status: number | null; stdout: string } | undefined> {
  if (!requireService(t, 'script')) {
    return undefined;
  }
  return shell(`script -qec "${line}" /dev/null < /dev/null`, { env: { TERM: 'xterm' } }).ended;
}

test('a filter or sink whose stdin is a terminal says so, exit status 64', async (t) => {
  for (const name of ['pass', 'collect']) {
    const ended = await onTerminal(t, `$VP ${name}`);
    if (!ended) return;
    assert.equal(ended.status, 64);
    assert.match(
      ended.stdout,
      new RegExp(`${name}: reads records from stdin, which is a terminal\\. .*${name} --help`),
    );
  }
});

test('on a terminal messages are coloured, records are not; NO_COLOR is heeded (CARD-06)', async (t) => {
  const esc = String.fromCharCode(27);
  const coloured = await onTerminal(t, 'echo nonsense | $VP pass');
  if (!coloured) return;
  assert.ok(coloured.stdout.includes(`${esc}[33m`), JSON.stringify(coloured.stdout));
  const plain = await onTerminal(t, 'echo nonsense | NO_COLOR=1 $VP pass');
  assert.ok(!plain!.stdout.includes(esc), JSON.stringify(plain!.stdout));
  const record = await onTerminal(t, 'echo { } | $VP count --once');
  assert.ok(!record!.stdout.includes(esc));
});

const mib = 1024 * 1024;

/** Most memory that a process had, in bytes. */
const peak = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

for (const [what, argv] of Object.entries({
  'a filter': ['pass'],
  'a generator filter': ['pass-run'],
  'a filter of foreign types': ['sum'],
  'a source': ['count', '--pad', '500'],
  'three stages in one process': ['run', 'count --pad 500 | pass-run | pass'],
})) {
  test(`${what} stays small behind a reader that takes 1 MB/s`, async () => {
    const line = JSON.stringify({ type: 'other', fill: 'x'.repeat(500) });
    const running = argv[0] === 'count' || argv[0] === 'run' ? command(argv, {}) : command(argv, { open: true });
    const { child } = running;
    child.stdout!.removeAllListeners('data').pause();
    const feed = (): void => {
      while (child.stdin?.writable && child.stdin.write(`${line}\n`.repeat(200)));
    };
    child.stdin?.on('drain', feed);
    feed();
    let taken = 0;
    for (const end = performance.now() + 20_000; taken < 1.5 * mib && performance.now() < end; ) {
      const chunk = child.stdout!.read(64 * 1024) as Buffer | null;
      taken += chunk?.length ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    const most = peak(child.pid!);
    child.kill('SIGKILL');
    await running.ended;
    assert.ok(taken >= 1.5 * mib, `only ${taken} bytes were taken`);
    assert.ok(most < 100 * mib, `${Math.round(most / mib)} MiB`);
  });
}
