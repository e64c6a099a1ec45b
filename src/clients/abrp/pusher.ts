import type { AbrpAnswer } from '../../protocols/abrp/answer.ts';
import { toTlm } from '../../protocols/abrp/telemetry.ts';
import type { VoltRecord } from '../../records/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import { createLedger } from '../ledger.ts';
import type { AbrpApi } from './api.ts';
import { createNotes } from './notes.ts';
import { isOutdated } from './outdated.ts';
import type { Pace, Push } from './pace.ts';
import { settleAfter } from './repeat.ts';
import { type PushReport, reportOf } from './report.ts';
import type { Tokens } from './tokens.ts';
import { Vehicle } from './vehicle.ts';
import { verifyVehicle } from './verify.ts';

/** What a pusher is made of. */
export interface PusherOptions {
  api: AbrpApi;
  clock: Clock;
  log: Log;
  pace: Pace;
  tokens: Tokens;
  /** While a car drives or charges, the age in milliseconds from which its state of charge is not sent any more; 0: none. */
  maxSocAge: number;
  /** Asks ABRP for each vehicle once what it holds. */
  verify: boolean;
  /** Ends all waiting. */
  deadline: AbortSignal;
  onReport(report: PushReport): void;
  /** So many further records, in order, need no more care. */
  onDelivered(n: number): void;
}

/** How it ended. */
interface PusherEnd {
  /** Points that could not be delivered. */
  unsent: number;
  /** The last answer of a vehicle whose token or key is refused. */
  refused?: AbrpAnswer;
  /** What ABRP said to the last point of a vehicle, when it rejected it. */
  rejected?: AbrpAnswer;
  /** A verification failed. */
  notShown: boolean;
}

/** Pushes the points of any number of vehicles. */
export interface Pusher {
  /** With a promise it asks for no more records until that resolves. */
  take(record: VoltRecord): Promise<void> | undefined;
  /** Sends what waits now, without regard to the interval, and from now on waits for nothing. */
  hurry(): void;
  /** Goes on with other tokens. A vehicle that has none any longer gets what waits for it, and no more. */
  useTokens(tokens: Tokens): void;
  /** No more records come: sends what waits and ends. */
  finish(): Promise<PusherEnd>;
  /** Resolves when every vehicle is refused: nothing can be sent any longer. */
  readonly refused: Promise<AbrpAnswer>;
  close(): void;
}

/** After the end of input an ABRP that takes nothing is tried that long. */
const patience = 60_000;

interface Car {
  vehicle: Vehicle;
  token: string;
  /** Monotonic milliseconds and `utc` of the first point that was taken. */
  first?: { at: number; utc: number };
  lastAt?: number;
  /** The answer that stopped the vehicle, or took its last point away. */
  refused?: AbrpAnswer | undefined;
  rejected?: AbrpAnswer | undefined;
  verified?: Promise<void>;
}

/** Makes a pusher. Nothing is sent before the first record. */
export function createPusher(options: PusherOptions): Pusher {
  const { api, clock, log, onReport } = options;
  let { tokens } = options;
  const cars = new Map<string, Car>();
  /** Cars that lost their token, until what waits for them is sent. */
  const leaving: [vin: string, car: Car][] = [];
  const ledger = createLedger(options.onDelivered);
  const notes = createNotes(log);
  let hurried = false;
  let armPatience = (): void => {};
  let notShown = false;
  let refuse: (answer: AbrpAnswer) => void;
  const refused = new Promise<AbrpAnswer>((resolve) => {
    refuse = resolve;
  });

  /** Ends early at the deadline. */
  const pause = (ms: number): Promise<void> => clock.sleep(ms, options.deadline).catch(() => {});

  const verify = async (vin: string, car: Car): Promise<void> => {
    if (!car.first) return;
    const report = await verifyVehicle(api, car.token, car.first.utc, pause);
    if (report.result === 'not shown') notShown = true;
    notes.verified(vin, report);
    onReport({ ...(vin === '' ? {} : { vin }), ...report });
  };

  const pushed = (vin: string, car: Car, push: Push): void => {
    const { answer, points } = push;
    const now = clock.monotonic();
    if (answer.verdict === 'rejected' && !push.kept) car.rejected = answer;
    if (answer.verdict === 'ok') {
      car.rejected = undefined;
      armPatience();
      car.first ??= { at: now, utc: points[0]?.utc ?? 0 };
      car.lastAt = now;
      if (options.verify && now - car.first.at >= settleAfter) car.verified ??= verify(vin, car);
    }
    notes.pushed(vin, push);
    onReport(reportOf(vin, push));
  };

  /** One refused token stops its vehicle. While another may be served, its records must not hold up theirs. */
  const stopped = (car: Car, answer: AbrpAnswer): void => {
    car.refused = answer;
    const refusals = [...cars.values()].filter((one) => one.refused).length;
    if (refusals >= tokens.vehicles) refuse(answer);
    else ledger.close(car.vehicle.abandon());
  };

  const carOf = (vin: string): Car | undefined => {
    const known = cars.get(vin);
    if (known) return known;
    const token = tokens.of(vin);
    if (token === undefined) return undefined;
    const vehicle = new Vehicle(clock, api, token, options.pace, {
      onPush: (push) => pushed(vin, car, push),
      onDone: ledger.close,
      onRefused: (answer) => stopped(car, answer),
    });
    const car: Car = { vehicle, token };
    cars.set(vin, car);
    return car;
  };

  /** Sees to it that a first point is verified although nothing comes after it. */
  const verifyLate = async (vin: string, car: Car): Promise<void> => {
    if (car.first && !car.verified) {
      await pause(Math.max(0, car.first.at + settleAfter - clock.monotonic()));
      await car.vehicle.repeat();
    }
    await (car.verified ?? verify(vin, car));
  };

  /** Waits until all is sent. Gives up at the deadline, or when ABRP has taken nothing for too long. */
  const sendRest = async (vehicles: readonly Vehicle[]): Promise<void> => {
    const giveUp = (): void => {
      for (const vehicle of vehicles) vehicle.close();
    };
    let cancel = (): void => {};
    armPatience = () => {
      cancel();
      cancel = clock.after(options.pace.minInterval + patience, giveUp);
    };
    armPatience();
    options.deadline.addEventListener('abort', giveUp, { once: true });
    if (options.deadline.aborted) giveUp();
    await Promise.all(vehicles.map((vehicle) => vehicle.finish()));
    cancel();
    armPatience = () => {};
    options.deadline.removeEventListener('abort', giveUp);
  };

  return {
    refused,
    take(record) {
      const ordinal = ledger.open();
      const vin = typeof record.vin === 'string' ? record.vin : '';
      const car = carOf(vin);
      const { tlm, lacks } = toTlm(record);
      if (!car) notes.noToken(vin, tokens.wants(vin));
      else if (lacks) notes.lacking(vin, lacks);
      else if (isOutdated(record, options.maxSocAge)) notes.outdated(vin, record);
      else if (!car.vehicle.stopped) {
        notes.upToDate(vin);
        notes.charging(vin, tlm);
        const full = car.vehicle.add({ tlm, record, covers: [ordinal] });
        if (hurried) car.vehicle.hurry();
        return full;
      }
      ledger.close([ordinal]);
      return undefined;
    },
    hurry() {
      hurried = true;
      for (const { vehicle } of cars.values()) vehicle.hurry();
    },
    useTokens(fresh) {
      tokens = fresh;
      for (const [vin, car] of [...cars]) {
        const token = tokens.of(vin);
        if (token === car.token) continue;
        if (token === undefined) {
          cars.delete(vin);
          leaving.push([vin, car]);
          void car.vehicle.finish();
        } else {
          car.token = token;
          car.refused = undefined;
          car.vehicle.useToken(token);
        }
      }
    },
    async finish() {
      const all = [...cars, ...leaving];
      await sendRest(all.map(([, { vehicle }]) => vehicle));
      if (options.verify && !hurried) await Promise.all(all.map(([vin, car]) => verifyLate(vin, car)));
      else notes.settled(all.map(([, { first, lastAt }]) => first && lastAt! - first.at));
      const unsent = all.reduce((sum, [, { vehicle }]) => sum + vehicle.waiting, 0);
      const refused = all.find(([, car]) => car.refused)?.[1].refused;
      const rejected = all.find(([, car]) => car.rejected)?.[1].rejected;
      return { unsent, notShown, ...(refused ? { refused } : {}), ...(rejected ? { rejected } : {}) };
    },
    close() {
      for (const [, { vehicle }] of [...cars, ...leaving]) vehicle.close();
    },
  };
}
