import { type Part, rounded } from './part.ts';

const hour = 3_600_000;

/** What went in and what came out. */
interface Account {
  charged: number;
  discharged: number;
  /** At least one stretch of time is in it. */
  counted: boolean;
}

/** Adds the area under the line from `from` to `to` over `hours`, each side of 0 to its own account. */
function integrate(account: Account, from: number, to: number, hours: number): void {
  if (Number.isNaN(from) || Number.isNaN(to)) return;
  account.counted = true;
  if (from >= 0 && to >= 0) account.charged += ((from + to) / 2) * hours;
  else if (from <= 0 && to <= 0) account.discharged -= ((from + to) / 2) * hours;
  else {
    const crossing = from / (from - to);
    const first = (from / 2) * crossing * hours;
    const second = (to / 2) * (1 - crossing) * hours;
    account.charged += Math.max(first, second);
    account.discharged -= Math.min(first, second);
  }
}

/**
 * Charge and energy that went through the battery, by the trapezoidal rule, and how many full cycles that is. Nothing is counted over a
 * gap of more than `maxGap` milliseconds: nobody knows what happened there.
 */
export function throughput(maxGap: number): Part {
  const charge: Account = { charged: 0, discharged: 0, counted: false };
  const energy: Account = { charged: 0, discharged: 0, counted: false };
  let lastTime = Number.NaN;
  let lastCurrent = Number.NaN;
  let lastPower = Number.NaN;
  let nominalAh = Number.NaN;

  return {
    take(reading) {
      if (reading.nominalAh > 0) nominalAh = reading.nominalAh;
      if (Number.isNaN(reading.current)) return;
      const apart = reading.time - lastTime;
      if (apart > 0 && apart <= maxGap) {
        integrate(charge, lastCurrent, reading.current, apart / hour);
        integrate(energy, lastPower, reading.power, apart / hour);
      }
      lastTime = reading.time;
      lastCurrent = reading.current;
      lastPower = reading.power;
    },
    report(into) {
      if (charge.counted) {
        into.charged_ah = rounded(charge.charged, 4);
        into.discharged_ah = rounded(charge.discharged, 4);
        if (nominalAh > 0) into.equivalent_cycles = rounded(charge.discharged / nominalAh, 4);
      }
      if (!energy.counted) return;
      into.charged_wh = rounded(energy.charged, 2);
      into.discharged_wh = rounded(energy.discharged, 2);
    },
    save: () => (charge.counted ? { charge, energy, ...(nominalAh > 0 && { nominalAh }) } : undefined),
    load(saved) {
      const from = saved as { charge?: Account; energy?: Account; nominalAh?: number };
      Object.assign(charge, from.charge);
      Object.assign(energy, from.energy);
      nominalAh = from.nominalAh ?? Number.NaN;
    },
  };
}
