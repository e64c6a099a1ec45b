import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shell } from '../support/fixture.ts';

/** Runs a script whose command acknowledges on descriptor 3; what came there is on its stdout. */
const acknowledged = async (run: string, input: string): Promise<{ acks: string; status: number; stderr: string }> => {
  const script = `printf '%b' ${JSON.stringify(input)} | { VOLTPIPE_ACK_FD=3 ${run} 3>&1 >/dev/null; }; echo "status $?"`;
  const { stdout, stderr } = await shell(script).ended;
  const [, acks, status] = /^([\s\S]*)status (\d+)\n$/.exec(stdout)!;
  return { acks: acks!, status: Number(status), stderr };
};
const lines = (count: number): string =>
  Array.from({ length: count }, (_, n) => `{"type":"x","n":${n + 1}}\\n`).join('');

test('a sink writes 0 at its start, then the count of lines that are safe', async () => {
  const { acks, status } = await acknowledged('$VP collect --each 20ms', lines(3));
  assert.deepEqual([acks, status], ['0\n1\n2\n3\n', 0]);
});

test('bad, blank and foreign lines count, once all before them are safe', async () => {
  const input = `nonsense\\n\\n${lines(1)}{"type":"foreign"}\\n\\n{"type":"x","n":2}\\n[]\\n\\n`;
  const { acks, status } = await acknowledged('$VP collect --each 20ms', input);
  assert.equal(status, 65);
  assert.match(acks, /^0\n/);
  assert.equal(acks.trim().split('\n').at(-1), '8');
  const counts = acks.trim().split('\n').map(Number);
  assert.deepEqual(
    counts,
    [...new Set(counts)].sort((a, b) => a - b),
  );
  assert.ok(!counts.includes(3) || counts.includes(8));
});

test('a sink that never says that a record is safe writes 0 and no more', async () => {
  // It has no --no-acks of its own use: the fixture stands for any sink that forgets.
  const { acks } = await acknowledged('$VP collect --no-acks', lines(3));
  assert.equal(acks, '0\n');
});

test('a filter would break the count and says so', async () => {
  for (const filter of ['pass', 'pass-run', `run 'pass | pass-run'`]) {
    const { acks, status } = await acknowledged(`$VP ${filter}`, lines(3));
    assert.deepEqual([acks, status], ['x\n', 0], filter);
  }
});

test('in one process a pipeline acknowledges the lines that its first stage read', async () => {
  const { acks } = await acknowledged(`$VP run 'pass | pass-run | collect --each 20ms'`, lines(3));
  assert.deepEqual(acks, '0\n1\n2\n3\n');
});

test('behind a filter with state the acknowledgement waits for the save', async () => {
  const { acks, status } = await acknowledged(`$VP run 'sum | collect'`, lines(5));
  assert.deepEqual([acks, status], ['0\n5\n', 0]);
  const { acks: slow } = await acknowledged(`$VP run 'sum | collect --each 300ms'`, lines(5));
  const counts = slow.trim().split('\n').map(Number);
  assert.equal(counts.at(-1), 5);
  assert.ok(counts.length > 2, `a save a second: ${counts}`);
});

test('what a failing sink has not delivered is not acknowledged', async () => {
  const { acks, status } = await acknowledged('$VP collect --each 5ms --fatal 3', lines(5));
  assert.deepEqual([acks, status], ['0\n1\n2\n', 77]);
});

test('a source hears of its records when they are written, or when the sink has them', async () => {
  const alone = await shell('$VP careful').ended;
  assert.match(alone.stderr, /safe 1\n.*safe 2\n.*safe 3\n/);
  const { stderr } = await shell(`$VP run 'careful | pass-run | collect --each 10ms'`).ended;
  assert.match(stderr, /safe 1\n.*safe 2\n.*safe 3\n/);
  const failing = await shell(`$VP run 'careful | collect --fatal 2'`).ended;
  assert.match(failing.stderr, /safe 1\n/);
  assert.match(failing.stderr, /lost 2: .*\n.*lost 3: /);
});

test('a nonsensical VOLTPIPE_ACK_FD is ignored, one that is closed costs nothing', async () => {
  for (const fd of ['x', '', '77']) {
    const { stdout, stderr } = await shell(`echo '{"type":"x"}' | VOLTPIPE_ACK_FD=${fd} $VP collect; echo $?`).ended;
    assert.deepEqual([stdout, stderr], ['0\n', 'collect: collected 1\n'], fd);
  }
});
