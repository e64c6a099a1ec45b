import type { DataPoint } from './messages.ts';
import type { ModelName } from './models.ts';

/** A car as the REST interface knows it. */
export interface RestCar {
  vin: string;
  model: ModelName;
  mapping: 'PRIMARY' | 'SECONDARY';
  /** Last value of each descriptor. */
  latest: ReadonlyMap<string, DataPoint>;
}

/** BMW answers these with values of its own making and the time of the request, whenever the car spoke last. */
const predicted: Record<string, (car: RestCar) => [value: string, unit: string | null] | undefined> = {
  'vehicle.drivetrain.electricEngine.charging.level': (car) => {
    const soc =
      car.latest.get('vehicle.powertrain.electric.battery.stateOfCharge.displayed') ??
      car.latest.get('vehicle.drivetrain.batteryManagement.header');
    return soc ? [String(Math.round(Number(soc.value))), '%'] : undefined;
  },
  'vehicle.drivetrain.electricEngine.charging.hvStatus': () => ['INVALID', null],
  'vehicle.drivetrain.electricEngine.charging.lastChargingReason': () => ['INVALID', null],
  'vehicle.drivetrain.electricEngine.remainingElectricRange': (car) => {
    const range = car.latest.get('vehicle.drivetrain.electricEngine.kombiRemainingElectricRange');
    return range ? [String(range.value), 'km'] : undefined;
  },
};

/** What the REST interface knows of the descriptors: every value is a text, or null when the car never sent it. */
export function latestValues(car: RestCar, descriptors: readonly string[], now: number): Record<string, DataPoint> {
  const known = (key: string): DataPoint => {
    const guess = predicted[key]?.(car);
    if (guess) return { timestamp: new Date(now).toISOString(), unit: guess[1], value: guess[0] };
    const { timestamp = null, unit = null, value = null } = car.latest.get(key) ?? {};
    return { timestamp, unit, value: value === null ? null : String(value) };
  };
  return Object.fromEntries(descriptors.map((key) => [key, known(key)]));
}
