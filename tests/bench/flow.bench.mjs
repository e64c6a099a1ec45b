// What a running filter does to others: memory behind a slow reader, and how long it holds a line.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { goal, median, peakMemory, root, start, sumUp } from './harness.mjs';

/** CarData lines, with newlines. */
const lines = (count) =>
  execFileSync(process.execPath, [join(root, 'tests/bench/normalize/generate.mjs'), String(count)], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });

const normalize = () => start(process.execPath, [join(root, 'bin/normalize.js'), '--from', 'bmw']);

/** Feeds all it takes, reads 1 MB/s for ten seconds. */
async function memoryBehindSlowReader() {
  const child = normalize();
  const text = lines(20_000);
  let feeding = true;
  child.stdin.on('error', () => {});
  const heard = (event) => new Promise((resolve) => child.stdin.once(event, resolve));
  const closed = heard('close');
  const feed = async () => {
    while (feeding) if (!child.stdin.write(text)) await Promise.race([heard('drain'), closed]);
  };
  void feed();
  const perTick = 100_000;
  let read = 0;
  for (let tick = 0; tick < 100; tick++) {
    await sleep(100);
    const chunk = child.stdout.read(Math.min(perTick, child.stdout.readableLength || perTick));
    read += chunk?.length ?? 0;
  }
  const memory = peakMemory(child.pid);
  feeding = false;
  child.kill('SIGKILL');
  console.log(`  read ${(read / 1e6).toFixed(1)} MB in 10 s`);
  goal('peak memory behind a reader of 1 MB/s', `${memory.toFixed(0)} MiB`, memory <= 100, '<= 100 MiB');
}

/** One line in, wait for its line out, fifty times. */
async function latency() {
  const child = normalize();
  const samples = [];
  let lineNumber = 0;
  const input = lines(2000)
    .split('\n')
    .filter((line) => line.includes('batteryManagement.header'))
    .slice(0, 60);
  for (const line of input) {
    const answer = new Promise((resolve) => child.stdout.once('data', resolve));
    const begin = performance.now();
    child.stdin.write(`${line}\n`);
    await Promise.race([answer, sleep(2000)]);
    if (lineNumber++ >= 10) samples.push(performance.now() - begin);
    await sleep(20);
  }
  child.stdin.end();
  goal('median time from line in to line out', `${median(samples).toFixed(2)} ms`, median(samples) <= 1, '<= 1 ms');
}

await memoryBehindSlowReader();
await latency();
sumUp();
