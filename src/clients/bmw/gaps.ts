import type { DataPoint } from '../../protocols/bmw/telematics.ts';
import type { VoltRecord } from '../../records/record.ts';
import type { Context } from '../../runtime/context.ts';
import { chargeTime, createStaleness, type Staleness } from './staleness.ts';

/** What filling gaps needs. */
export interface GapOptions {
  /** A vehicle is read when no state of charge came for so long, in milliseconds. */
  staleAfter: number;
  /** The vehicles to look after beside those that the stream names; none: all of the account, while the stream names none. */
  vins: readonly string[];
  /** Asks BMW for the vehicles of the account. */
  vehicles(): Promise<readonly string[]>;
  /** Asks BMW for the values of a vehicle. */
  read(vin: string): AsyncIterable<VoltRecord>;
  /** A reading failed; throws when it is of no use to go on. */
  onMissed(error: unknown): void;
  onRead(): void;
}

/** Timers that stand for no vehicle. */
const answered = '';
const account = '*';

const chargeOf = ({ data }: VoltRecord): number | undefined =>
  chargeTime((typeof data === 'object' && data !== null ? data : {}) as Record<string, DataPoint>);

/**
 * Passes the stream on, and asks for what it no longer brings. One question at a time, and none of them holds up the stream.
 */
export async function* fillGaps(
  ctx: Pick<Context, 'input' | 'timers'>,
  options: GapOptions,
): AsyncGenerator<VoltRecord, void> {
  const { staleAfter } = options;
  const timers = ctx.timers(ctx.input);
  const vehicles = new Map<string, Staleness>();
  const came: VoltRecord[] = [];
  let questions = Promise.resolve();
  let failure: { error: unknown } | undefined;
  let over = false;

  const stalenessOf = (vin: string): Staleness => {
    const known = vehicles.get(vin) ?? createStaleness(staleAfter);
    vehicles.set(vin, known);
    return known;
  };

  const watch = (vin: string, wait = staleAfter): void => {
    stalenessOf(vin);
    if (!over) timers.wall(vin, wait);
  };

  const readVehicle = async (vin: string): Promise<void> => {
    let measured: number | undefined;
    try {
      for await (const record of options.read(vin)) {
        measured = chargeOf(record);
        came.push(record);
      }
      options.onRead();
    } catch (error) {
      options.onMissed(error);
    }
    watch(vin, stalenessOf(vin).polled(measured));
  };

  /** Nobody has named a vehicle, and the stream has not either. */
  const readAccount = async (): Promise<void> => {
    try {
      for (const vin of await options.vehicles()) if (!vehicles.has(vin)) await readVehicle(vin);
    } catch (error) {
      options.onMissed(error);
      if (!over) timers.wall(account, staleAfter);
    }
  };

  const ask = (question: () => Promise<void>): void => {
    questions = questions
      .then(() => (failure ? undefined : question()))
      .catch((error) => {
        failure ??= { error };
      })
      .then(() => {
        if (!over) timers.wall(answered, 0);
      });
  };

  const answers = function* (): Generator<VoltRecord> {
    yield* came.splice(0);
    if (failure) throw failure.error;
  };

  if (options.vins.length === 0) timers.wall(account, staleAfter);
  for (const vin of options.vins) watch(vin);
  try {
    for await (const { record, timer } of timers) {
      if (timer === answered) yield* answers();
      else if (timer === account) {
        if (vehicles.size === 0) ask(readAccount);
      } else if (timer !== undefined) ask(() => readVehicle(timer));
      if (!record) continue;
      yield record;
      const { vin } = record;
      if (typeof vin !== 'string') continue;
      const measured = chargeOf(record);
      if (measured !== undefined) watch(vin, stalenessOf(vin).heard(measured));
      else if (!vehicles.has(vin)) watch(vin);
    }
  } finally {
    over = true;
  }
  await questions;
  yield* answers();
}
