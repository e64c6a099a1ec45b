import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment, root, shell, temporaryFolder } from '../support/shell.ts';

/** Who is killed. */
type Victim = 'spool' | 'sink' | 'both';

/** A record of the test: which round made it, and the how manieth it is there. */
const recordOf = (round: number, n: number): string =>
  `${JSON.stringify({ type: 'x', time: '2026-03-01T12:00:00.000Z', round, n, pad: 'x'.repeat(n % 300) })}\n`;

const pidOfSink = (parent: number): number | undefined => {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent) return Number(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  return undefined;
};

const kill = (pid: number | undefined): void => {
  try {
    if (pid) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
};

/** The file that the sink writes, as it stands. */
function sinkFile(path: string): { got: string[]; acked: string | undefined } {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  return {
    got: lines.filter((line) => line.startsWith('got ')).map((line) => line.slice(4)),
    acked: lines.findLast((line) => line.startsWith('ack '))?.slice(4),
  };
}

interface Life {
  accepted: () => number;
  ended: Promise<void>;
  child: ChildProcess;
}

/** One life of `spool` that somebody writes to without pause, and that says what it has accepted. */
function start(folder: string, round: number, out: string, sync: string, given: (n: number) => void): Life {
  const argv = [
    'd',
    '--sync',
    sync,
    '--max-bytes',
    '4MiB',
    '--',
    process.execPath,
    join(root, 'tests/support/fixture-sink.mjs'),
    out,
    '7',
  ];
  const child = spawn(process.execPath, [join(root, 'bin/spool.js'), ...argv], {
    cwd: folder,
    env: { ...cleanEnvironment(folder), VOLTPIPE_ACK_FD: '3' },
    stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
  });
  let accepted = 0;
  let rest = '';
  child.stdio[3]!.on('error', () => {}).on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) accepted = Number(line);
  });
  let n = 0;
  const input = child.stdin!;
  input.on('error', () => {});
  const more = (): void => {
    for (let i = 0; i < 40; i++) {
      given(++n);
      if (!input.write(recordOf(round, n))) break;
    }
    if (!input.destroyed) setTimeout(more, 2);
  };
  more();
  return {
    accepted: () => accepted,
    child,
    ended: new Promise((resolve) =>
      child.on('close', () => {
        input.destroy();
        resolve();
      }),
    ),
  };
}

/**
 * Kills spool, its sink or both at random moments under load, again and again, then lets it finish. Every record that spool had accepted
 * arrives, for the first time in order; what had been acknowledged when a life began does not come again.
 */
export async function killAgainAndAgain(rounds: number): Promise<void> {
  const folder = temporaryFolder('kill');
  const out = join(folder, 'out');
  const spoolFolder = join(folder, 'd');
  const accepted: number[] = [];
  const given: number[] = [];
  const victims: Victim[] = ['spool', 'sink', 'both'];
  for (let round = 0; round < rounds; round++) {
    const before = sinkFile(out).got.length;
    const cursor = await delivered(folder);
    const expectedFirst = existsSync(spoolFolder) ? recordBehind(spoolFolder, cursor) : undefined;
    const life = start(folder, round, out, round % 2 === 0 ? 'always' : '20ms', (n) => {
      given[round] = n;
    });
    const victim = victims[round % 3]!;
    // Until it is up, then for a random moment of its work.
    await waitFor(() => life.accepted() > 0 && sinkFile(out).got.length > before, life);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
    const sink = pidOfSink(life.child.pid!);
    if (victim !== 'spool') kill(sink);
    if (victim === 'sink')
      await waitFor(() => pidOfSink(life.child.pid!) !== sink && sinkFile(out).got.length > before, life);
    accepted[round] = life.accepted();
    life.child.kill('SIGKILL');
    await life.ended;
    await gone(sink);
    accepted[round] = Math.max(accepted[round]!, life.accepted());
    const first = sinkFile(out).got[before];
    if (expectedFirst !== undefined)
      assert.equal(first, expectedFirst, `round ${round}: what was acknowledged came again`);
  }
  const sink = join(root, 'tests/support/fixture-sink.mjs');
  const last = await shell(`spool get d -- ${process.execPath} ${sink} ${out} 100`, {
    cwd: folder,
    env: cleanEnvironment(folder),
    limit: 120_000,
  });
  assert.equal(last.status, 0, last.stderr);
  judge(sinkFile(out).got, accepted, given);
}

function judge(got: readonly string[], accepted: readonly number[], given: readonly number[]): void {
  const firsts: { round: number; n: number }[] = [];
  const seen = new Set<string>();
  for (const line of got) {
    if (seen.has(line)) continue;
    seen.add(line);
    const record = JSON.parse(line);
    assert.equal(record.type, 'x', `a gap: ${line}`);
    firsts.push(record);
  }
  for (const [index, { round, n }] of firsts.entries()) {
    const before = firsts[index - 1];
    assert.ok(
      !before || before.round < round || (before.round === round && before.n + 1 === n),
      `order at ${round}/${n}`,
    );
  }
  for (const [round, count] of accepted.entries()) {
    const arrived = firsts.filter((one) => one.round === round);
    assert.ok(arrived.length >= count, `round ${round}: ${count} accepted, ${arrived.length} arrived`);
    assert.ok(
      arrived.every(({ n }, index) => n === index + 1 && n <= given[round]!),
      `round ${round}: a hole`,
    );
  }
  assert.ok(accepted.every((count) => count > 0));
}

async function delivered(folder: string): Promise<number> {
  if (!existsSync(join(folder, 'd'))) return 0;
  const { stdout } = await shell('spool stat d', { cwd: folder, env: cleanEnvironment(folder) });
  return JSON.parse(stdout).delivered;
}

/** The first whole record on disk behind a number. */
function recordBehind(folder: string, seq: number): string | undefined {
  const lines = readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1));
  const line = lines.find((one) => Number(one.split(' ')[1]) > seq);
  return line?.split(' ').slice(2).join(' ');
}

async function waitFor(condition: () => boolean, life: Life): Promise<void> {
  const end = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > end || life.child.exitCode !== null) throw new Error('spool did not get to work');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function gone(pid: number | undefined): Promise<void> {
  const end = Date.now() + 30_000;
  while (pid && existsSync(`/proc/${pid}`) && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
}
