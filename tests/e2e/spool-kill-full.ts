import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import type { Random } from '../../src/simulators/random.ts';
import { createArrivals, type Place } from '../support/arrivals.ts';
import { requireSmallDisk } from '../support/services.ts';
import { cleanEnvironment, root, shell, temporaryFolder } from '../support/shell.ts';
import { endByForce, firstUndelivered, type Life, startLife, withSeed } from '../support/spool-life.ts';

const recordOf = (round: number, n: number): string =>
  `${JSON.stringify({ type: 'x', time: '2026-03-01T12:00:00.000Z', round, n, pad: 'x'.repeat(500) })}\n`;

const placesIn = (path: string): Place[] =>
  (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [])
    .filter((line) => line.startsWith('got '))
    .map((line) => JSON.parse(line.slice(4)))
    .filter(({ type }) => type === 'x');

/** The same of a file that may be larger than a text. */
async function placesInLarge(path: string): Promise<Place[]> {
  const places: Place[] = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (!line.startsWith('got ')) continue;
    const { type, round, n } = JSON.parse(line.slice(4));
    if (type === 'x') places.push({ round, n });
  }
  return places;
}

/** Fills a disk to its last byte, or until so many are left. */
function fillUp(path: string, left: number): void {
  try {
    for (;;) writeFileSync(path, Buffer.alloc(4096), { flag: 'a' });
  } catch {
    const size = Math.max(0, statSync(path).size - left);
    writeFileSync(path, Buffer.alloc(size));
  }
}

const sink = [process.execPath, join(root, 'tests/support/fixture-sink.mjs')];
const deadSink = ['bash', '-c', 'exit 69'];

/** More than there is room for. */
const manyRecords = 2000;

const isAtWork = (life: Life, isDead: boolean) => (): boolean =>
  life.stderr().includes('ENOSPC') || (!isDead && life.accepted() > manyRecords);

/**
 * Kills spool on a disk that is full, its own records and those of others on it, again and again: with a sink that works and with one
 * that is dead, then once more on the disk that is full still. It starts every time, and what it had accepted arrives in order.
 */
export async function killOnAFullDisk(t: TestContext, rounds: number): Promise<void> {
  const disk = requireSmallDisk(t);
  if (!disk) return;
  const folder = mkdtempSync(join(disk, 'spool-'));
  const filler = join(disk, 'filler-of-spool');
  t.after(() => {
    for (const path of [folder, filler]) rmSync(path, { recursive: true, force: true });
  });
  await withSeed((random) => killAgainAndAgain(folder, filler, rounds, random));
}

/**
 * Kills `spool put` on a disk that is full, again and again, while one `spool get --follow` goes on: what was accepted arrives once and in
 * order, although lines that a reader may have seen are taken back.
 */
export async function killTheWriterOnAFullDisk(t: TestContext, rounds: number): Promise<void> {
  const disk = requireSmallDisk(t);
  if (!disk) return;
  const folder = mkdtempSync(join(disk, 'spool-'));
  const filler = join(disk, 'filler-of-put');
  const cwd = temporaryFolder('kill-put');
  const out = join(cwd, 'out');
  const reader = spawn(
    process.execPath,
    [join(root, 'bin/spool.js'), 'get', folder, '--follow', '--', ...sink, out, '23'],
    {
      cwd,
      env: cleanEnvironment(cwd),
      stdio: 'ignore',
    },
  );
  const ended = once(reader, 'exit');
  t.after(() => {
    reader.kill('SIGKILL');
    for (const path of [folder, filler]) rmSync(path, { recursive: true, force: true });
  });
  await withSeed(async (random) => {
    const accepted: number[] = [];
    const given: number[] = [];
    for (let round = 0; round < rounds; round++) {
      fillUp(filler, 50_000 + random() * 350_000);
      const sync = random() < 0.5 ? 'always' : '20ms';
      const life = startLife({
        cwd,
        argv: ['put', folder, '--when-full', 'block', '--sync', sync, '--max-bytes', '8MiB'],
        record: (n) => recordOf(round, n),
        pace: { records: 150, every: 2 },
      });
      accepted[round] = await endByForce(life, 'spool', random, isAtWork(life, false), 300);
      given[round] = life.given();
      rmSync(filler);
    }
    reader.kill('SIGTERM');
    assert.deepEqual(await ended, [null, 'SIGTERM']);
    const last = await shell(`spool get ${folder} -- ${sink.join(' ')} ${out} 100`, {
      cwd,
      env: cleanEnvironment(cwd),
    });
    assert.equal(last.status, 0, last.stderr);
    const places = await placesInLarge(out);
    const arrivals = createArrivals();
    arrivals.life(places, undefined);
    arrivals.judge(accepted, given);
    assert.equal(new Set(places.map(({ round, n }) => `${round}/${n}`)).size, places.length, 'none comes twice');
    assert.ok(places.length > rounds * 10, `only ${places.length} records`);
  });
}

async function killAgainAndAgain(folder: string, filler: string, rounds: number, random: Random): Promise<void> {
  const cwd = temporaryFolder('kill-full');
  const arrivals = createArrivals();
  const accepted: number[] = [];
  const given: number[] = [];
  let round = 0;

  const next = async (): Promise<Place | undefined> => {
    const line = await firstUndelivered(dirname(folder), basename(folder));
    return line === undefined ? undefined : JSON.parse(line);
  };

  /** One life, to a random moment after the disk has refused something; a sink that works may make room for all that comes. */
  const live = async (isDead: boolean): Promise<void> => {
    const first = (await next()) ?? { round, n: 1 };
    const out = join(cwd, `out${round}`);
    const now = round;
    const life = startLife({
      cwd,
      argv: [
        folder,
        '--when-full',
        'block',
        '--sync',
        random() < 0.5 ? 'always' : '20ms',
        '--max-bytes',
        '8MiB',
        '--',
      ].concat(isDead ? deadSink : [...sink, out, '7']),
      record: (n) => recordOf(now, n),
      pace: { records: 10, every: 2 },
    });
    accepted[round] = await endByForce(life, 'both', random, isAtWork(life, isDead), 1000);
    given[round] = life.given();
    arrivals.life(placesIn(out), first);
    round++;
  };

  for (let i = 0; i < rounds; i++) {
    fillUp(filler, 50_000 + random() * 350_000);
    await live(i % 2 === 0);
    await live(i % 3 === 0);
    rmSync(filler);
  }
  const out = join(cwd, 'last');
  const last = await shell(`spool get ${folder} -- ${sink.join(' ')} ${out} 100`, { cwd, env: cleanEnvironment(cwd) });
  assert.equal(last.status, 0, last.stderr);
  arrivals.life(placesIn(out), undefined);
  arrivals.judge(accepted, given);
  const taking = accepted.filter((count) => count > 0).length;
  assert.ok(taking >= rounds / 2, `only ${taking} lives of ${accepted.length} took anything`);
}
