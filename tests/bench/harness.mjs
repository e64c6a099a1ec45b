// Times whole commands in turn (A B C A B C …) and prints ratios of one run. Wall time on a shared machine moves by a factor of
// two between runs; ratios within a run hold within some twenty percent.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

const bin = mkdtempSync(join(tmpdir(), 'voltpipe-bench-bin-'));
process.on('exit', () => rmSync(bin, { recursive: true }));
for (const file of readdirSync(join(root, 'bin')).filter((name) => name.endsWith('.js'))) {
  symlinkSync(join(root, 'bin', file), join(bin, file.slice(0, -3)));
}

/** The environment of every measured command: none of what a developer's machine puts in the way. */
export const environment = {
  ...process.env,
  PATH: [bin, process.env.PATH].join(delimiter),
  HOME: tmpdir(),
  LC_ALL: 'C.UTF-8',
};
for (const name of ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'PYTHONUNBUFFERED', 'VOLTPIPE_CONFIG'])
  delete environment[name];

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Whether a program is in PATH; a peer that is not is left out, and said. */
export function has(program) {
  return spawnSync('bash', ['-c', `command -v ${program}`], { env: environment }).status === 0;
}

/** One run of a shell line: wall and CPU seconds of all its processes, or of those that the line itself puts behind `time`. */
function timeOnce(line) {
  const timed = /\btime /.test(line) ? line : `time { ${line} ; } 2>/dev/null`;
  const script = `TIMEFORMAT='%R %U %S'; ${timed}`;
  const run = spawnSync('bash', ['-o', 'pipefail', '-c', script], {
    env: environment,
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (run.status !== 0) throw new Error(`failed (${run.status}): ${line}\n${run.stderr}`);
  const [wall, user, system] = run.stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return { wall, cpu: user + system };
}

/**
 * Runs shell lines in turn and returns each one's medians and its ratios to the first (1 = as fast, 2 = the first is twice as fast).
 * Ratios are taken round by round.
 */
export function compare(rows, rounds) {
  const present = rows.filter((row) => !row.needs || has(row.needs));
  for (const row of rows)
    if (!present.includes(row)) console.log(`  left out: ${row.name} (${row.needs} is not installed)`);
  const runs = present.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, row] of present.entries()) runs[i].push(timeOnce(row.line));
  return present.map((row, i) => ({
    name: row.name,
    wall: median(runs[i].map((run) => run.wall)),
    cpu: median(runs[i].map((run) => run.cpu)),
    wallRatio: median(runs[i].map((run, round) => run.wall / runs[0][round].wall)),
    cpuRatio: median(runs[i].map((run, round) => run.cpu / runs[0][round].cpu)),
  }));
}

/** Prints the rows of {@link compare}. */
export function table(title, rows) {
  console.log(`\n${title}`);
  console.log(
    `  ${'command'.padEnd(34)} ${'wall s'.padStart(8)} ${'cpu s'.padStart(8)} ${'x wall'.padStart(8)} ${'x cpu'.padStart(8)}`,
  );
  for (const row of rows) {
    const cells = [row.wall, row.cpu, row.wallRatio, row.cpuRatio].map((value) => value.toFixed(2).padStart(8));
    console.log(`  ${row.name.padEnd(34)} ${cells.join(' ')}`);
  }
}

const goals = [];

/** Prints a figure beside its goal and remembers whether it holds. */
export function goal(what, value, holds, wanted) {
  goals.push(holds);
  console.log(`  ${holds ? 'reached' : 'MISSED '}  ${what}: ${value} (goal ${wanted})`);
}

/** The last line, and the exit status. */
export function sumUp() {
  const missed = goals.filter((holds) => !holds).length;
  console.log(`\n${goals.length - missed} of ${goals.length} goals reached`);
  process.exitCode = missed > 0 ? 1 : 0;
}

/** Peak resident memory of a process in MiB, from /proc. */
export function peakMemory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** Starts a command for measurements by hand. */
export function start(program, args, options = {}) {
  return spawn(program, args, { env: environment, stdio: ['pipe', 'pipe', 'inherit'], ...options });
}
