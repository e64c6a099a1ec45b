// What `voltpipe run` of three stages takes, beside three processes that do the same, against the simulators.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { environment, goal, root, start, sumUp } from './harness.mjs';

const folder = mkdtempSync(join(tmpdir(), 'voltpipe-bench-'));
const config = join(folder, 'config.yaml');
const env = { ...environment, HOME: folder, XDG_RUNTIME_DIR: folder, VOLTPIPE_DATA_DIR: join(folder, 'data') };
const settled = 20_000;

const node = (name, ...args) => [process.execPath, [join(root, 'bin', `${name}.js`), ...args]];
const run = ([program, args], options = {}) =>
  start(program, args, { env: { ...env, VOLTPIPE_CONFIG: config }, stdio: 'ignore', ...options });

/** Resident memory in MiB. */
const memory = (child) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024;

async function simulator(...args) {
  const [program, words] = node('simulate', ...args, '--write-config', config);
  const child = start(program, words, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('"endpoint"')) break;
  child.stdout.resume();
  return child;
}

async function end(children) {
  for (const child of children) child.kill();
  await Promise.all(
    children.map(
      (child) => child.exitCode ?? child.signalCode ?? new Promise((resolve) => child.once('exit', resolve)),
    ),
  );
}

const simulators = [];
try {
  simulators.push(await simulator('bmw', '--approve-after', '0', '--speed-up', '600'));
  simulators.push(await simulator('abrp'));
  const [program, args] = node('bmw-login');
  execFileSync(program, args, { env: { ...env, VOLTPIPE_CONFIG: config }, stdio: 'ignore' });

  const stream = run(node('bmw-stream'), { stdio: ['ignore', 'pipe', 'ignore'] });
  const normalize = run(node('normalize'), { stdio: [stream.stdout, 'pipe', 'ignore'] });
  const push = run(node('abrp-push'), { stdio: [normalize.stdout, 'ignore', 'ignore'] });
  const three = [stream, normalize, push];
  await sleep(settled);
  const apart = three.map(memory);
  await end(three);
  // BMW refuses who comes back within ten seconds.
  await sleep(11_000);
  const one = run(node('voltpipe', 'run', 'bmw-stream | normalize | abrp-push'));
  await sleep(settled);
  const together = memory(one);
  await end([one]);

  const sum = apart.reduce((a, b) => a + b);
  console.log(`  three processes: ${apart.map((mib) => mib.toFixed(0)).join(' + ')} = ${sum.toFixed(0)} MiB resident`);
  console.log(`  one process: ${together.toFixed(0)} MiB, ${(together / sum).toFixed(2)} of that`);
  goal('resident memory of voltpipe run with three stages', `${together.toFixed(0)} MiB`, together <= 80, '<= 80 MiB');
} finally {
  await end(simulators);
  rmSync(folder, { recursive: true, force: true });
}
sumUp();
