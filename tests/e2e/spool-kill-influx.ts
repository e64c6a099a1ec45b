import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InfluxFault } from '../../src/simulators/influx/faults.ts';
import { startInflux } from '../../src/simulators/influx/index.ts';
import type { Random } from '../../src/simulators/random.ts';
import { createArrivals, type Place } from '../support/arrivals.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';
import { endByForce, firstUndelivered, spoolStat, startLife, victims, withSeed } from '../support/spool-life.ts';

const start = Date.parse('2026-03-01T00:00:00.000Z');
/** Records of a round have the times of a time span of their own. */
const span = 1_000_000;
const placeAt = (time: number): Place => ({
  round: Math.floor((time - start) / span),
  n: (time - start) % span,
});

/** Every 23rd record has a field of another type, which no InfluxDB takes beside the others. */
const isBad = ({ n }: Place): boolean => n % 23 === 0;
const recordOf = (round: number, n: number): string =>
  `${JSON.stringify({
    type: 'battery_reading',
    time: new Date(start + round * span + n).toISOString(),
    device_id: 'X',
    voltage: isBad({ round, n }) ? true : n,
  })}\n`;

const placesIn = (body: string): Place[] =>
  body
    .trimEnd()
    .split('\n')
    .map((line) => placeAt(Number(line.slice(line.lastIndexOf(' ') + 1))));

/** What goes wrong with writes; what is not here is answered well, or with a partial error where a record is bad. */
const faults: readonly InfluxFault[] = [
  { status: 500 },
  { status: 429, retryAfter: 1 },
  { status: 503 },
  { status: 503, retryAfter: 0 },
  { drop: 'before' },
  { drop: 'during' },
  { tooLarge: 2000 },
  { delay: 100 },
];

/** Each of them in turn, with up to two good answers behind it. */
const troubles = (random: Random, times: number): InfluxFault[] =>
  Array.from({ length: times }, () => faults)
    .flat()
    .flatMap((fault) => [fault, ...Array.from({ length: Math.floor(random() * 3) }, () => ({}))]);

const batch = 100;

/**
 * Kills spool, influx-write or both at random moments under load, while the server fails in every way that it knows. Every record that
 * spool had accepted is stored or, when it can't be, among the rejected lines, and none is both; with one request under way at a time
 * they are stored in order; what had been acknowledged when a life began is not sent again.
 */
export function killWithAFailingServer(rounds: number, dialect: '1' | '2' | '3'): Promise<void> {
  return withSeed(async (random) => {
    const cwd = temporaryFolder('kill-influx');
    let stored: Place[] = [];
    const influx = await startInflux({
      dialect,
      faults: troubles(random, 2 * rounds),
      onPoint: ({ time }) => stored.push(placeAt(time)),
    });
    const arrivals = createArrivals();
    const accepted: number[] = [];
    const given: number[] = [];
    let sent = 0;

    const next = async (): Promise<Place | undefined> => {
      const line = await firstUndelivered(cwd, 'd');
      return line === undefined ? undefined : placeAt(Date.parse(JSON.parse(line).time));
    };
    const judgeLife = (first: Place | undefined, inFlight: number): void => {
      const nowSent = influx.bodies.length;
      createArrivals().life(influx.bodies.slice(sent, nowSent).flatMap(placesIn), first, Number.POSITIVE_INFINITY);
      sent = nowSent;
      arrivals.life(stored, first, inFlight === 1 ? 0 : Number.POSITIVE_INFINITY);
      stored = [];
    };

    try {
      for (let round = 0; round < rounds; round++) {
        const first = (await next()) ?? { round, n: 1 };
        const inFlight = 1 + (round % 2);
        const life = startLife({
          cwd,
          argv: [
            'd',
            '--sync',
            random() < 0.5 ? 'always' : '20ms',
            '--',
            ...sinkOf(influx.url, batch, inFlight, '500ms'),
          ],
          record: (n) => recordOf(round, n),
          pace: { records: 3, every: 10 },
        });
        const victim = victims[round % victims.length]!;
        accepted[round] = await endByForce(
          life,
          victim,
          random,
          () => life.accepted() > 0 && influx.bodies.length > sent,
          600,
        );
        given[round] = life.given();
        judgeLife(first, inFlight);
      }
      const first = await next();
      const last = await shell(`spool get d -- ${sinkOf(influx.url, 2000, 1, '2m').join(' ')}`, {
        cwd,
        env: cleanEnvironment(cwd),
        limit: 300_000,
      });
      assert.ok([0, 76].includes(last.status!), last.stderr);
      judgeLife(first, 1);
      assert.equal((await spoolStat(cwd, 'd')).backlog, 0);
    } finally {
      await influx.close();
    }
    assert.ok(influx.bodies.length > 3 * faults.length, 'every fault was met');
    const rejected = rejectsIn(join(cwd, 'rejects'));
    assert.ok(rejected.length > 0 && rejected.every(isBad), 'only what can not be stored is rejected');
    assert.ok(!influx.points().some(({ time }) => isBad(placeAt(time))));
    arrivals.elsewhere(rejected);
    arrivals.judge(accepted, given);
  });
}

const sinkOf = (url: string, lines: number, inFlight: number, patience: string): string[] => [
  ...['influx-write', '--url', url, '--org', 'home', '--rejects', 'rejects', '--flush', '20ms'],
  ...['--batch', String(lines), '--in-flight', String(inFlight), '--patience', patience],
];

/** The rejected lines; a last one that a kill cut short is not there yet. */
const rejectsIn = (path: string): Place[] =>
  (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []).flatMap((line) =>
    placesIn(JSON.parse(line).line),
  );
