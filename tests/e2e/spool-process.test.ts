import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Background, backgroundPipeline } from '../support/background.ts';
import { until } from '../support/fixture.ts';
import { cleanEnvironment, root, shell, temporaryFolder } from '../support/shell.ts';
import { logText, recordOf } from '../support/spool.ts';

const linesOf = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => `${JSON.stringify(recordOf(from + i))}\n`).join('');
const sink = (file: string): string => `${process.execPath} ${join(root, 'tests/support/fixture-sink.mjs')} ${file}`;

/** A folder with a command that prints `lines` and then waits, as a live source does. */
function scene() {
  const cwd = temporaryFolder('spool-process');
  const env = cleanEnvironment(cwd);
  const run = (line: string, stdin = '') => shell(line, { cwd, env, stdin });
  const start = (line: string): Background => backgroundPipeline(`cd ${cwd}; ${line}`, env);
  const kept = (name: string): string => (existsSync(join(cwd, name)) ? readFileSync(join(cwd, name), 'utf8') : '');
  const live = (count: number): string =>
    `(for i in $(seq ${count}); do echo '{"type":"x","n":'$i'}'; done; exec sleep 60)`;
  return { cwd, env, run, start, kept, live };
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} to a pipeline: what came is delivered, the status is the signal, the spool can be used again at once`, async () => {
    const { run, start, kept, live } = scene();
    const running = start(`${live(5)} | spool d -- ${sink('out')}`);
    await until(() => kept('out').includes('ack {"type":"x","n":5}'), 'the delivery');
    await running.stop(signal);
    const { status, signal: by } = await running.ended;
    assert.ok(by === signal || status === 128 + (signal === 'SIGINT' ? 2 : 15), `${status} ${by} ${running.stderr()}`);
    const stat = await run('spool stat d');
    assert.equal(JSON.parse(stat.stdout).backlog, 0);
    assert.equal((await run('spool get d')).stdout, '');
  });
}

for (const form of [
  'spool d',
  'spool d | cat',
  'spool d -- cat',
  'spool d -- false',
  'spool d -- SINK',
  'spool put d',
]) {
  test(`${form}: what the source puts out at its end, after the signal to all, is kept`, async () => {
    const { start, cwd } = scene();
    const source = `at_end() { for n in {1..8}; do sleep 0.25; echo '{"type":"x","late":'$n'}'; done; exit; }
trap at_end TERM
for ((n = 0; ; n++)); do echo '{"type":"x","n":'$n'}'; sleep 0.05; done
`;
    writeFileSync(join(cwd, 'source.sh'), source);
    const running = start(`bash source.sh | ${form.replace('SINK', sink('out'))}`);
    await until(() => existsSync(join(cwd, 'd')) && logText(join(cwd, 'd')).includes('"n":3}'), 'the input');
    await running.stop('SIGTERM');
    await running.ended;
    const kept = logText(join(cwd, 'd'));
    for (let n = 1; n <= 8; n++) assert.ok(kept.includes(`"late":${n}}`), `${n}: ${running.stderr()}`);
  });
}

test('a sink that does not end is ended within the grace time, and what it did not acknowledge is kept', async () => {
  const { run, start, kept, live, cwd } = scene();
  const deaf = `bash -c 'trap "" TERM INT; echo 0 >&$VOLTPIPE_ACK_FD; echo up > up; while true; do sleep 0.1; done'`;
  const running = start(`${live(5)} | spool d --grace 2s -- ${deaf}`);
  await until(() => kept('up') !== '', 'the sink');
  await until(() => logText(join(cwd, 'd')).includes('"n":5'), 'the input');
  await running.stop('SIGTERM');
  await running.ended;
  const { stdout } = await run('spool get d');
  assert.equal(stdout.trim().split('\n').length, 5);
});

test('--http tells of the backlog, and that it is not ready while its sink is down', async () => {
  const { start, live, kept, cwd } = scene();
  const flaky = `bash -c 'echo 0 >&$VOLTPIPE_ACK_FD; [ -e good ] || exit 69; exec ${sink('out')}'`;
  const running = start(`${live(4)} | spool d --http 0 -- ${flaky}`);
  await until(() => /http:\/\/127/.test(running.stderr()), 'the listener');
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.stderr())![0];
  const get = async (path: string): Promise<{ status: number; body: string }> => {
    const response = await fetch(url + path);
    return { status: response.status, body: await response.text() };
  };
  const when = async (path: string, holds: (got: { status: number; body: string }) => boolean): Promise<string> => {
    for (const end = Date.now() + 30_000; ; ) {
      const got = await get(path);
      if (holds(got)) return got.body;
      assert.ok(Date.now() < end, `${path}: ${got.status} ${got.body}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  assert.match(await when('/readyz', ({ status }) => status === 503), /spool: bash ended with status 69/);
  await when('/metrics', ({ body }) => /^voltpipe_spool_backlog\{cmd="spool"\} 4$/m.test(body));
  await shell(`touch ${join(cwd, 'good')}`);
  await when('/readyz', ({ status }) => status === 200);
  const metrics = await when('/metrics', ({ body }) => /^voltpipe_spool_backlog\{cmd="spool"\} 0$/m.test(body));
  assert.match(metrics, /^voltpipe_spool_records_in_total\{cmd="spool"\} 4$/m);
  assert.match(metrics, /^voltpipe_spool_acked_total\{cmd="spool"\} 4$/m);
  assert.match(metrics, /^voltpipe_spool_fsync_total\{cmd="spool"\} [1-9]/m);
  assert.match(metrics, /^voltpipe_spool_fsync_seconds_total\{cmd="spool"\} \d*\.?\d*[1-9]/m);
  assert.match(kept('out'), /ack \{"type":"x","n":4\}/);
  await running.stop();
});

test('--http of spool put and of spool get tells of the same backlog, and each of what is its own', async () => {
  const { start, live } = scene();
  const urlOf = async (running: Background): Promise<string> => {
    await until(() => /http:\/\/127/.test(running.stderr()), 'the listener');
    return `${/http:\/\/127\.0\.0\.1:\d+/.exec(running.stderr())![0]}/metrics`;
  };
  const shown = async (url: string, wanted: RegExp): Promise<string> => {
    for (const end = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const text = await (await fetch(url)).text();
      if (wanted.test(text)) return text;
      assert.ok(Date.now() < end, text);
    }
  };
  const put = start(`${live(4)} | spool put d --http 0`);
  const writes = await shown(await urlOf(put), /^voltpipe_spool_backlog\{cmd="spool put"\} 4$/m);
  assert.match(writes, /^voltpipe_spool_records_in_total\{cmd="spool put"\} 4$/m);
  assert.match(writes, /^voltpipe_spool_segments\{cmd="spool put"\} 1$/m);
  assert.match(writes, /^voltpipe_spool_bytes\{cmd="spool put"\} [1-9]/m);
  await shown(await urlOf(put), /^voltpipe_spool_fsync_total\{cmd="spool put"\} [1-9]/m);
  assert.doesNotMatch(writes, /spool_(records_out|acked|corrupt)/);
  const get = start(`spool get d --follow --http 0 -- bash -c 'echo 0 >&$VOLTPIPE_ACK_FD; sleep 60'`);
  const reads = await shown(await urlOf(get), /^voltpipe_spool_records_out_total\{cmd="spool get"\} 4$/m);
  assert.match(reads, /^voltpipe_spool_backlog\{cmd="spool get"\} 4$/m);
  assert.doesNotMatch(reads, /spool_(records_in|fsync|dropped)/);
  await get.stop();
  await put.stop();
});

test('a file size limit makes smaller segments, and costs nothing', async () => {
  const { run } = scene();
  const input = linesOf(1, 5000);
  const { status, stdout, stderr } = await run('ulimit -f 200; spool d | cat', input);
  assert.equal(stderr, '');
  assert.deepEqual([status, stdout === input], [0, true]);
  const parts = await run('ulimit -f 200; spool put p; wc -c p/*.log', input);
  const sizes = [...parts.stdout.matchAll(/^ *(\d+) p\//gm)].map(([, size]) => Number(size));
  assert.ok(sizes.length > 1 && sizes.every((size) => size <= 200 * 1024), parts.stdout);
  const kept = await run('ulimit -f 200; spool put e && spool get e | cat', input);
  assert.deepEqual([kept.status, kept.stdout === input, kept.stderr], [0, true, '']);
});

test('two units: one takes in while the other one is stopped and started, and every record comes once, in order', async () => {
  const { run, start, kept, cwd } = scene();
  const writer = start(
    `for i in $(seq 300); do echo '{"type":"x","n":'$i'}'; sleep 0.01; done | spool put d --sync 50ms`,
  );
  for (let round = 0; round < 3; round++) {
    const reader = start(`spool get d --follow > part${round}`);
    await until(() => kept(`part${round}`).split('\n').length > 20, `part ${round}`);
    await reader.stop('SIGTERM');
    await reader.ended;
  }
  await writer.ended;
  assert.equal(existsSync(join(cwd, 'd', 'quarantine')), false);
  const rest = await run('spool get d > part3; cat part0 part1 part2 part3');
  assert.equal(rest.stdout, Array.from({ length: 300 }, (_, i) => `{"type":"x","n":${i + 1}}\n`).join(''));
});

test('who reads beside a writer that makes each record durable takes nothing for damaged that is only unfinished', async () => {
  const { run, start, kept, cwd } = scene();
  const count = 3000;
  const one = `process.stdout.write(JSON.stringify({type:'x',n,pad:'x'.repeat(n%700)})+'\\n',()=>n<${count}&&setImmediate(next))`;
  const source = `node -e "let n=0;const next=()=>{n++;${one}};next()"`;
  const reader = start('spool get d --follow > out');
  await until(() => existsSync(join(cwd, 'd')), 'the reader');
  const { status, stderr } = await run(`${source} | spool put d --sync always --max-bytes 4MiB`);
  assert.equal(status, 0, stderr);
  await until(() => kept('out').split('\n').length > count, 'the records');
  await reader.stop('SIGTERM');
  await reader.ended;
  const got = kept('out')
    .split('\n', count)
    .map((line) => JSON.parse(line).n);
  assert.deepEqual(
    got,
    Array.from({ length: count }, (_, i) => i + 1),
  );
  assert.equal(existsSync(join(cwd, 'd', 'quarantine')), false);
});

test('spool as the sink of a spool acknowledges what is durable in it', async () => {
  const { run } = scene();
  const { status, stderr } = await run(`spool a -- voltpipe run 'spool b -- ${sink('out')}'`, linesOf(1, 50));
  assert.equal(status, 0, stderr);
  const stat = await run('spool stat a; spool stat b');
  assert.deepEqual(
    stat.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).backlog),
    [0, 0],
  );
});
