import type { Clock } from '../../runtime/clock.ts';
import { type Random, seededRandom } from '../random.ts';
import { createSpelling, type DataPoint } from './messages.ts';
import { type ModelName, models } from './models.ts';
import { drivingLife, type Reading } from './vehicle.ts';

/** How the cars move and report. */
export interface JourneyOptions {
  /** The car's day runs this many times faster than the clock (default 1); time stamps stay those of the clock. */
  speedUp?: number;
  /** Messages a second of all cars together, whatever their day says: load. */
  rate?: number;
  /** Same seed, same journey (default 1). */
  seed?: number;
  /** The cars wait for the first subscriber, so that nothing of the journey is missed. */
  waits?: boolean;
  /** Share of messages that come twice (default 0.1; none under load). */
  duplicates?: number;
  /** Share of messages that come after the next one (default 0.03; none under load). */
  disorder?: number;
}

/** Data of one message, ready to be published. */
export type Publish = (vin: string, data: Record<string, DataPoint>) => void;

/** How long a value is under way from the car to the stream. */
const underWay = 1200;
const loadTick = 20;

interface Traveller {
  vin: string;
  next(): Reading;
}

/** Turns readings into data with time stamps, and sends some twice or late. */
function createReporter(clock: Clock, random: Random, options: JourneyOptions, publish: Publish) {
  const { speedUp = 1, rate } = options;
  const { duplicates = rate ? 0 : 0.1, disorder = rate ? 0 : 0.03 } = options;
  const spelling = createSpelling(random, speedUp <= 1 && rate === undefined);
  const moments = new Map<string, number>();
  const late = new Map<string, Record<string, DataPoint>>();
  return (vin: string, reading: Reading): void => {
    if (reading.points.length === 0) return;
    const moment = (reading.sameMoment && moments.get(vin)) || clock.now() - underWay;
    moments.set(vin, moment);
    const data = Object.fromEntries(reading.points.map((point) => [point[0], spelling.point(point, moment)]));
    const held = late.get(vin);
    if (!held && random() < disorder) {
      late.set(vin, data);
      return;
    }
    late.delete(vin);
    publish(vin, data);
    if (held) publish(vin, held);
    if (random() < duplicates) publish(vin, data);
  };
}

/** What each car said first, before anybody listened: the values that REST knows. */
export function firstReading(model: ModelName, seed: number): Reading {
  return drivingLife(models[model], seededRandom(seed)).next().value;
}

/**
 * Lets the cars drive and publishes what they report, until the returned function is called.
 *
 * In the way of the day each car goes by the clock; with `rate` the cars take turns, and waits are left out.
 */
export function startJourney(
  cars: readonly { vin: string; model: ModelName }[],
  options: JourneyOptions,
  clock: Clock,
  publish: Publish,
): () => void {
  const { speedUp = 1, rate, seed = 1 } = options;
  const travellers = cars.map(({ vin, model }, index): Traveller => {
    const life = drivingLife(models[model], seededRandom(seed + index));
    return { vin, next: () => life.next().value };
  });
  const report = createReporter(clock, seededRandom(seed ^ 0x5eed), options, publish);
  const cancels = new Map<string, () => void>();

  const travel = (traveller: Traveller): void => {
    const reading = traveller.next();
    // The two halves of a position stay apart for a second even when the day runs fast, unless it runs very fast.
    const wait = reading.sameMoment ? Math.min(reading.wait, 60_000 / speedUp) : reading.wait / speedUp;
    const go = (): void => {
      report(traveller.vin, reading);
      travel(traveller);
    };
    cancels.set(traveller.vin, clock.after(wait, go));
  };

  const load = (perSecond: number): void => {
    const started = clock.monotonic();
    let done = 0;
    const tick = (): void => {
      const due = Math.floor(((clock.monotonic() - started) / 1000) * perSecond);
      for (; done < due; done++) {
        const { vin, next } = travellers[done % travellers.length] as Traveller;
        let reading = next();
        while (reading.points.length === 0) reading = next();
        report(vin, reading);
      }
      cancels.set('load', clock.after(loadTick, tick));
    };
    tick();
  };

  if (rate === undefined) for (const traveller of travellers) travel(traveller);
  else load(rate);
  return () => {
    for (const cancel of cancels.values()) cancel();
  };
}
