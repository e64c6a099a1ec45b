import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command as spool } from '../../src/commands/spool.ts';
import { command as get } from '../../src/commands/spool-get.ts';
import { command as put } from '../../src/commands/spool-put.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { runCommand } from '../support/command.ts';
import { until } from '../support/fixture.ts';
import { made, quiet } from '../support/fixture-pipeline.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';
import { cursorIn as cursor, numbers, range, recordOf, spoolFolder } from '../support/spool.ts';

const records = (from: number, to: number): VoltRecord[] => range(from, to).map((n) => recordOf(n));
const linesOf = (from: number, to: number): string =>
  records(from, to)
    .map((one) => `${JSON.stringify(one)}\n`)
    .join('');

/** A sink in bash: acknowledges each line behind `first` lines, and keeps it in `got`. */
const sink = (body = 'echo $n >&$VOLTPIPE_ACK_FD') =>
  `echo 0 >&$VOLTPIPE_ACK_FD; n=0; while IFS= read -r line; do n=$((n+1)); echo "$line" >> got; ${body}; done`;

const run = (line: string, options: Parameters<typeof shell>[1] = {}) => {
  const cwd = options.cwd ?? temporaryFolder('spool');
  return shell(line, { env: cleanEnvironment(cwd), ...options, cwd }).then((result) => ({ ...result, cwd }));
};
const gotOf = (cwd: string): unknown[] =>
  existsSync(join(cwd, 'got'))
    ? numbers(
        readFileSync(join(cwd, 'got'), 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      )
    : [];

test('between two commands it is a filter that changes nothing, and what is written is delivered', async () => {
  const folder = spoolFolder();
  const result = await runCommand(spool, { args: [folder], input: records(1, 5) });
  assert.equal(result.status, 0);
  assert.deepEqual(
    result.items.map((item) => JSON.parse(String(item))),
    records(1, 5),
  );
  assert.deepEqual(cursor(folder), { upTo: 5 });
});

test('the line goes on as it came in', async () => {
  const odd = '{"n":1.0, "big":12345678901234567890,"e":"\\u00fc"}\n';
  const { stdout } = await run('spool d', { stdin: odd });
  assert.equal(stdout, odd);
});

test('the input is acknowledged when it is durable, whatever becomes of the output', async () => {
  const folder = spoolFolder();
  const mute = made('sink', {
    run: quiet(async (ctx) => {
      for await (const _ of ctx.input);
    }),
  });
  const result = await runCommand([{ command: spool, args: [folder] }, { command: mute }], { input: records(1, 5) });
  assert.equal(result.delivered, 5);
  assert.equal(existsSync(join(folder, 'cursor.json')), false, 'nothing was delivered');
  const again = await runCommand(spool, { args: [folder], input: [] });
  assert.equal(again.items.length, 5);
});

test('in one pipeline the sink acknowledges by call: what it did not is kept', async () => {
  const folder = spoolFolder();
  const seen: unknown[] = [];
  const careful = (limit: number) =>
    made('sink', {
      run: quiet(async (ctx) => {
        for await (const record of ctx.input) {
          seen.push(record.n);
          if ((record.n as number) <= limit) ctx.delivered(1);
        }
      }),
    });
  const first = [{ command: spool, args: [folder] }, { command: careful(3) }];
  assert.equal((await runCommand(first, { input: records(1, 5) })).status, 0);
  assert.deepEqual(cursor(folder), { upTo: 3 });
  const second = [{ command: get, args: [folder] }, { command: careful(9) }];
  assert.equal((await runCommand(second)).status, 0);
  assert.deepEqual([seen, cursor(folder)], [[1, 2, 3, 4, 5, 4, 5], { upTo: 5 }]);
});

test('a filter behind it swallows and multiplies, and the acknowledgement is still right', async () => {
  const folder = spoolFolder();
  const filter = made('filter', {
    each: () => (record) => {
      const n = record.n as number;
      return n % 2 === 0 ? undefined : [record, { ...record }];
    },
  });
  let count = 0;
  const half = made('sink', {
    run: quiet(async (ctx) => {
      for await (const _ of ctx.input) if (++count <= 3) ctx.delivered(1);
    }),
  });
  await runCommand([{ command: spool, args: [folder] }, { command: filter }, { command: half }], {
    input: records(1, 6),
  });
  // Three of 1 1 3 3 5 5: 1 is safe, 2 was swallowed, 3 is half delivered.
  assert.deepEqual(cursor(folder), { upTo: 2 });
});

test('a reader that is slow does not keep the input waiting', async () => {
  const folder = spoolFolder();
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = made('sink', {
    run: quiet(async (ctx) => {
      for await (const _ of ctx.input) {
        await released;
        ctx.delivered(1);
        break;
      }
    }),
  });
  let given = 0;
  function* input() {
    for (const record of records(1, 20_000)) {
      given++;
      yield record;
    }
  }
  const running = runCommand([{ command: spool, args: [folder] }, { command: slow }], { input: input() });
  await until(() => given === 20_000, 'the input');
  release();
  await running;
  assert.deepEqual(cursor(folder), { upTo: 1 });
});

test('put keeps and acknowledges, get delivers, and at the end of the log it ends', async () => {
  const folder = spoolFolder();
  const kept = await runCommand(put, { args: [folder], input: records(1, 4) });
  assert.deepEqual([kept.status, kept.items, kept.delivered], [0, [], 4]);
  const one = await runCommand(get, { args: [folder], flags: { count: '1' } });
  assert.equal(one.items.length, 1);
  const rest = await runCommand(get, { args: [folder] });
  assert.deepEqual(
    rest.items.map((item) => JSON.parse(String(item)).n),
    [2, 3, 4],
  );
  assert.equal((await runCommand(get, { args: [folder] })).items.length, 0);
});

test('a sink that acknowledges gets each record once, and what it prints is the output', async () => {
  const { status, stdout, cwd } = await run(
    `spool d -- bash -c '${sink('echo "{\\"ok\\":$n}"; echo $n >&$VOLTPIPE_ACK_FD')}'`,
    {
      stdin: linesOf(1, 20),
    },
  );
  assert.equal(status, 0);
  assert.deepEqual(gotOf(cwd), range(1, 20));
  assert.equal(
    stdout,
    range(1, 20)
      .map((n) => `{"ok":${n}}\n`)
      .join(''),
  );
  assert.deepEqual(cursor(join(cwd, 'd')), { upTo: 20 });
});

test('what a sink did not acknowledge stays, and is sent again the next time', async () => {
  const { status, cwd, stderr } = await run(
    `spool d -- bash -c '${sink('(( n <= 3 )) && echo $n >&$VOLTPIPE_ACK_FD')}'`,
    {
      stdin: linesOf(1, 5),
    },
  );
  assert.equal(status, 1);
  assert.match(stderr, /bash ended with status 1; 2 records stay in the spool/);
  await run(`spool get d -- bash -c '${sink()}'`, { cwd });
  assert.deepEqual(gotOf(cwd), [1, 2, 3, 4, 5, 4, 5]);
});

test('a sink that never acknowledges is noted once; what is written to it is delivered', async () => {
  const { status, stdout, stderr, cwd } = await run('spool d -- cat', { stdin: linesOf(1, 3) });
  assert.deepEqual([status, stdout], [0, linesOf(1, 3)]);
  assert.equal(stderr.match(/cat does not acknowledge/g)?.length, 1);
  assert.deepEqual(cursor(join(cwd, 'd')), { upTo: 3 });
});

test('a filter in the place of the sink is exit status 64, with the right form named, and nothing is lost', async () => {
  const { status, stderr, cwd } = await run('spool d -- normalize --no-config', { stdin: linesOf(1, 3) });
  assert.equal(status, 64);
  assert.match(stderr, /normalize is a filter.*spool DIR -- voltpipe run 'normalize --no-config \| SINK'/);
  const { stdout } = await run('spool get d', { cwd });
  assert.equal(stdout, linesOf(1, 3));
});

test('filter and sink as one: spool DIR -- voltpipe run', async () => {
  const { status, stdout, cwd } = await run("spool d -- voltpipe run 'normalize | spool put e' && spool get e", {
    stdin: linesOf(1, 3),
  });
  assert.deepEqual([status, stdout], [0, linesOf(1, 3)]);
  assert.deepEqual(cursor(join(cwd, 'd')), { upTo: 3 });
});

for (const wanted of [64, 77, 78]) {
  test(`a sink that ends with ${wanted} before anything was delivered ends spool with ${wanted}, the records kept`, async () => {
    const fifo = 'mkfifo in; exec 9<>in; cat >&9';
    const { status, stdout, cwd } = await run(`${fifo}; spool d < in -- bash -c 'exit ${wanted}'; echo $?`, {
      stdin: linesOf(1, 3),
    });
    assert.deepEqual([status, stdout], [0, `${wanted}\n`]);
    assert.equal((await run('spool get d', { cwd })).stdout, linesOf(1, 3));
  });
}

test('a sink that is not there is exit status 64, the records kept', async () => {
  const { status, stderr, cwd } = await run('spool d -- no-such-command', { stdin: linesOf(1, 3) });
  assert.equal(status, 64);
  assert.match(stderr, /no-such-command cannot be started: not found/);
  assert.equal((await run('spool get d', { cwd })).stdout, linesOf(1, 3));
});

test('a sink that dies is started again and gets what it had not acknowledged, in order', async () => {
  const dies = sink('echo $n >&$VOLTPIPE_ACK_FD; (( n == 2 )) && exit 69');
  const { status, cwd, stderr } = await run(
    `(cat; until [ -e d ] && (( $(wc -l < got) >= 6 )); do sleep 0.1; done) | spool d -- bash -c '${dies}'`,
    {
      stdin: linesOf(1, 6),
    },
  );
  assert.deepEqual([...new Set(gotOf(cwd))], range(1, 6), stderr);
  assert.match(stderr, /bash ended with status 69: tried again/);
  assert.ok(status === 69 || status === 0);
});

test('a bad line is skipped with exit status 65, the others go through', async () => {
  const { status, stdout, stderr } = await run('spool d', { stdin: `${linesOf(1, 1)}nonsense\n${linesOf(2, 2)}` });
  assert.deepEqual([status, stdout], [65, linesOf(1, 2)]);
  assert.match(stderr, /line 2: not a record/);
});

test('when the reader goes away it ends quietly with 0, and what was not written stays', async () => {
  const { status, stderr, cwd } = await run(
    'yes \'{"type":"x","n":1}\' | head -n 200000 | spool d | head -n 1; echo "${PIPESTATUS[2]}"',
  );
  assert.deepEqual([status, stderr], [0, '']);
  const after = await run('spool stat d', { cwd });
  assert.ok(JSON.parse(after.stdout).backlog > 0);
});

test('two processes cannot use one spool: the second one gets exit status 75', async () => {
  const { stdout, stderr } = await run(
    '(echo \'{"type":"x","n":1}\'; sleep 3) | spool d > first & until [ -s first ]; do sleep 0.05; done; echo \'{"type":"x","n":2}\' | spool d; echo $?; wait',
  );
  assert.equal(stdout, '75\n');
  assert.match(stderr, /writer: held by process \d+\. Stop that one first\./);
});

test('wrong options are said before anything is touched', async () => {
  const cases: [string, RegExp][] = [
    ['--sync often', /--sync 'often': expected a duration/],
    ['--min-free 120%', /--min-free '120%': expected less than 100%/],
    ['--min-free x', /--min-free 'x': expected a size/],
    ['--drain-rate 5', /--drain-rate is for the backlog.*Add --order live-first/],
    ['--max-bytes 1k', /--max-bytes .*must be at least 1048576/],
    ['--when-full pray', /--when-full .*expected one of drop-oldest, drop-newest, block, exit/],
  ];
  for (const [flags, expected] of cases) {
    const { status, stderr, cwd } = await run(`spool ${flags} d`, { stdin: linesOf(1, 1) });
    assert.equal(status, 64, flags);
    assert.match(stderr, expected);
    assert.equal(existsSync(join(cwd, 'd')), false);
  }
  const { status } = await run('spool', { stdin: '' });
  assert.equal(status, 64);
});

test('a folder that is a file is said with what to do', async () => {
  const { status, stderr } = await run('touch d; echo \'{"type":"x"}\' | spool put d');
  assert.equal(status, 74);
  assert.equal(stderr, 'spool put: d: cannot be made: there is a file of that name (EEXIST). Name a folder.\n');
});

test('stat, verify and repair tell of a spool and mend it; drop gives up what waits', async () => {
  const { cwd } = await run('spool put d', { stdin: linesOf(1, 5) });
  const stat = JSON.parse((await run('spool stat d', { cwd })).stdout);
  assert.deepEqual(
    [stat.type, stat.backlog, stat.delivered, stat.newest, stat.oldest_time, stat.segments],
    ['spool_status', 5, 0, 5, recordOf(1).time, 1],
  );
  const file = join(cwd, 'd', '0000000000000001.log');
  writeFileSync(file, `${readFileSync(file, 'utf8').replace('"n":3', '"n":8')}torn`);
  const verify = await run('spool verify d | jq -r .message; echo "${PIPESTATUS[0]}"', { cwd });
  assert.match(
    verify.stdout,
    /^bytes \d+ to \d+: damaged\nrecord 3 is missing\nbytes \d+ to \d+: the last line was not written to its end\n65\n$/,
  );
  const repair = await run('spool repair d | jq -r .message', { cwd });
  assert.equal(repair.stdout, '2 damaged pieces taken out\n4 records, all whole\n');
  const after = await run('spool verify d | jq -r .message; echo "${PIPESTATUS[0]}"', { cwd });
  assert.equal(after.stdout, 'record 3 is missing\n4 records, all whole\n0\n');
  assert.deepEqual(
    numbers(
      (await run('spool get d', { cwd })).stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ),
    [1, 2, 'gap 1', 4, 5],
  );
  await run('spool put d', { cwd, stdin: linesOf(6, 9) });
  const dropped = await run('spool drop d --keep 1', { cwd });
  assert.match(dropped.stderr, /3 records given up/);
  assert.equal(JSON.parse(dropped.stdout).backlog, 1);
  assert.equal((await run('spool get d', { cwd })).stdout, linesOf(9, 9));
  assert.equal((await run('spool stat nowhere', { cwd })).status, 64);
});

for (const [form, status, line] of [
  ['a sink that waits', 74, 'spool d --max-bytes 1MiB --when-full exit --grace 1s -- sleep 60'],
  ['a reader that takes nothing', 74, 'spool d --max-bytes 1MiB --when-full exit --grace 1s | sleep 6'],
  // The rightmost failure is the status: the sink has not delivered either.
  [
    'a sink of the same process',
    69,
    "voltpipe run 'spool d --max-bytes 1MiB --when-full exit --grace 1s | send tcp://127.0.0.1:9'",
  ],
] as const) {
  test(`--when-full exit ends soon, and says why, although ${form} holds it up`, async () => {
    const input = `(for i in {1..3}; do seq 1 10000 | sed 's/.*/{"type":"x","n":&,"pad":"${'x'.repeat(60)}"}/'; done; while echo '{"type":"x"}'; do sleep 0.1; done 2>/dev/null)`;
    const began = Date.now();
    const { stdout, stderr } = await run(`${input} | ${line} >&2; echo "\${PIPESTATUS[1]}"`);
    assert.equal(stdout.trim(), String(status), stderr);
    assert.match(stderr, /d: full/);
    assert.ok(Date.now() - began < 30_000);
  });
}
