import { type Random, seededRandom } from '../random.ts';

const day = 24 * 3600;

/** A charging session as the API has it: times in epoch seconds, one block a minute. */
function session(start: number, odometer: number, capacity: number, random: Random): object {
  const displayedStartSoc = 30 + Math.floor(random() * 25);
  const displayedSoc = 80;
  const kwh = ((displayedSoc - displayedStartSoc) / 100) * capacity * 1.08;
  const minutes = Math.ceil((kwh / 10.8) * 60);
  const endTime = start + minutes * 60;
  return {
    startTime: start,
    endTime,
    energyConsumedFromPowerGridKwh: Number(kwh.toFixed(2)),
    displayedStartSoc,
    displayedSoc,
    mileage: odometer,
    mileageUnits: 'KM',
    chargingLocation: {
      municipality: 'Musterstadt',
      formattedAddress: '(street masked) 12345 Musterstadt',
      mapMatchedLatitude: 48.13743,
      mapMatchedLongitude: 11.57549,
    },
    chargingBlocks: Array.from({ length: minutes }, (_, minute) => ({
      startTime: start + minute * 60,
      endTime: start + (minute + 1) * 60,
      averagePowerGridKw: Number((10.6 + 0.4 * random()).toFixed(1)),
    })),
  };
}

/** The sessions of a car that is charged every other evening, oldest first, that began in [from, to) (epoch seconds). */
export function chargingSessions(from: number, to: number, capacity: number): object[] {
  const sessions: object[] = [];
  if (capacity === 0) return sessions;
  for (let evening = Math.floor(from / day) * day + 18 * 3600; evening < to; evening += day) {
    const index = Math.floor(evening / day);
    if (index % 2 === 1 || evening < from) continue;
    sessions.push(session(evening, 20_000 + (index % 10_000) * 3, capacity, seededRandom(index)));
  }
  return sessions;
}
