import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createArrivals, type Place } from '../support/arrivals.ts';
import { cleanEnvironment, root, shell, temporaryFolder } from '../support/shell.ts';
import { endByForce, firstUndelivered, startLife, victims, withSeed } from '../support/spool-life.ts';

const recordOf = (round: number, n: number): string =>
  `${JSON.stringify({ type: 'x', time: '2026-03-01T12:00:00.000Z', round, n, pad: 'x'.repeat(n % 300) })}\n`;

const placeOf = (line: string): Place => {
  const record = JSON.parse(line);
  assert.equal(record.type, 'x', `a gap: ${line}`);
  return record;
};

const sink = [process.execPath, join(root, 'tests/support/fixture-sink.mjs')];

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** What the sink has written to its file by now. */
const gotIn = (path: string): string[] =>
  (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [])
    .filter((line) => line.startsWith('got '))
    .map((line) => line.slice(4));

/**
 * Kills spool, its sink or both at random moments under load, again and again, then lets it finish. Every record that spool had accepted
 * arrives, for the first time in order; what had been acknowledged when a life began does not come again.
 */
export function killAgainAndAgain(rounds: number): Promise<void> {
  return withSeed(async (random) => {
    const cwd = temporaryFolder('kill');
    const arrivals = createArrivals();
    const accepted: number[] = [];
    const given: number[] = [];
    const next = async (): Promise<Place | undefined> => {
      const line = await firstUndelivered(cwd, 'd');
      return line === undefined ? undefined : placeOf(line);
    };
    for (let round = 0; round < rounds; round++) {
      const first = await next();
      const out = join(cwd, `out${round}`);
      const life = startLife({
        cwd,
        argv: ['d', '--sync', round % 2 === 0 ? 'always' : '20ms', '--max-bytes', '16MiB', '--', ...sink, out, '7'],
        record: (n) => recordOf(round, n),
        pace: { records: 10, every: 2 },
      });
      const victim = victims[round % victims.length]!;
      accepted[round] = await endByForce(life, victim, random, () => life.accepted() > 0 && sizeOf(out) > 0);
      given[round] = life.given();
      arrivals.life(gotIn(out).map(placeOf), first ?? { round, n: 1 });
    }
    const [first, out] = [await next(), join(cwd, 'last')];
    const last = await shell(`spool get d -- ${sink.join(' ')} ${out} 100`, {
      cwd,
      env: cleanEnvironment(cwd),
      limit: 120_000,
    });
    assert.equal(last.status, 0, last.stderr);
    arrivals.life(gotIn(out).map(placeOf), first);
    arrivals.judge(accepted, given);
  });
}
