import type { Random } from '../random.ts';
import type { Model } from './models.ts';

/** A value that the car reports: descriptor, value, unit. */
export type Point = readonly [descriptor: string, value: string | number | boolean, unit?: string];

/** What the car reports at once. */
export interface Reading {
  /** Milliseconds of the car's time since the reading before. */
  wait: number;
  points: readonly Point[];
  /** Taken at the same moment as the reading before, but sent apart from it, as BMW does with the two halves of a position. */
  sameMoment?: true;
}

const minute = 60_000;
const location = 'vehicle.cabin.infotainment.navigation.currentLocation';
const battery = 'vehicle.powertrain.electric.battery';
const engine = 'vehicle.drivetrain.electricEngine';
const tyre = (place: string) => `vehicle.chassis.axle.${place}.tire.pressure`;

const socKeys = {
  header: 'vehicle.drivetrain.batteryManagement.header',
  displayed: `${battery}.stateOfCharge.displayed`,
} as const;

/** Where the car drives in circles, and how wide they are. */
const home = { latitude: 48.137, longitude: 11.575, radiusKm: 9 };
const kmPerDegree = 111.2;
const averageSpeed = 70;
const targetSoc = 80;

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/**
 * The life of a car without end: it drives three quarters of an hour, parks, charges to 80 %, waits, drives again.
 *
 * Readings come in the portions and at the pace that logs of users show: mostly one value at a time, a position every three
 * minutes in two halves, charging power every five, state of charge when its whole percent changes. The moving parts are kept in
 * one place so that they agree with each other: energy, distance, position.
 */
export function* drivingLife(model: Model, random: Random): Generator<Reading, never, void> {
  const electric = model.capacity > 0;
  let soc = 55 + random() * 15;
  let odometer = 20_000 + Math.floor(random() * 30_000);
  let angle = random() * 2 * Math.PI;
  let shownSoc = Math.round(soc);

  const range = () => (electric ? Math.round((soc / 100 / model.consumption) * model.capacity * 100) : 410);
  const socPoints = (): Point[] => model.soc.map((key) => [socKeys[key], shownSoc, '%']);

  function* socChange(): Generator<Reading, void, void> {
    if (Math.round(soc) === shownSoc) return;
    shownSoc = Math.round(soc);
    for (const point of socPoints()) yield { wait: 0, points: [point] };
    yield { wait: 0, points: [[`${engine}.kombiRemainingElectricRange`, range(), 'km']] };
  }

  function* position(): Generator<Reading, void, void> {
    const latitude = home.latitude + (home.radiusKm / kmPerDegree) * Math.sin(angle);
    const kmPerLongitude = kmPerDegree * Math.cos((home.latitude * Math.PI) / 180);
    const longitude = home.longitude + (home.radiusKm / kmPerLongitude) * Math.cos(angle);
    yield { wait: 0, points: [[`${location}.latitude`, round(latitude, 6), 'degrees']] };
    yield { wait: 1000, points: [[`${location}.longitude`, round(longitude, 6), 'degrees']], sameMoment: true };
    const heading = Math.round(360 - (angle * 180) / Math.PI) % 360;
    yield { wait: 0, points: [[`${location}.heading`, (heading + 360) % 360, 'degrees']] };
  }

  function* drive(minutes: number): Generator<Reading, void, void> {
    yield {
      wait: 0,
      points: [
        ['vehicle.isMoving', 'ASN_isTrue'],
        ['vehicle.drivetrain.engine.isIgnitionOn', 'ASN_isTrue'],
      ],
    };
    for (let driven = 0; driven < minutes; driven += 3) {
      const km = (averageSpeed / 20) * (0.7 + 0.6 * random());
      odometer += km;
      angle = (angle + km / home.radiusKm) % (2 * Math.PI);
      if (electric) soc = Math.max(5, soc - ((km * model.consumption) / 100 / model.capacity) * 100);
      yield { wait: 3 * minute, points: [['vehicle.vehicle.travelledDistance', Math.floor(odometer), 'km']] };
      yield* position();
      if (electric) yield* socChange();
      yield { wait: 0, points: [['vehicle.vehicle.avgSpeed', Math.round(km * 20), 'km/h']] };
    }
  }

  function* park(): Generator<Reading, void, void> {
    yield {
      wait: minute,
      points: [
        ['vehicle.isMoving', 'ASN_isFalse'],
        ['vehicle.drivetrain.engine.isIgnitionOn', 'ASN_isFalse'],
      ],
    };
    const end: Point[] = [['vehicle.trip.segment.end.travelledDistance', Math.floor(odometer), 'km']];
    if (electric) end.push(['vehicle.trip.segment.end.drivetrain.batteryManagement.hvSoc', round(soc, 1), '%']);
    yield { wait: 5000, points: end };
    yield { wait: 20_000, points: [['vehicle.cabin.door.status', 'SECURED']] };
    yield { wait: 1000, points: [[tyre('row1.wheel.left'), 250 + Math.floor(random() * 20), 'kPa']] };
    yield { wait: 0, points: [[tyre('row1.wheel.right'), 250 + Math.floor(random() * 20), 'kPa']] };
    yield { wait: 0, points: [[tyre('row2.wheel.left'), 260 + Math.floor(random() * 20), 'kPa']] };
    yield { wait: 0, points: [[tyre('row2.wheel.right'), '-NA-', 'kPa']] };
  }

  const status = (value: string): Point => [`${engine}.charging.status`, value];
  const power = (watts: number): Point => [`${battery}.charging.power`, watts, 'W'];

  function* charge(): Generator<Reading, void, void> {
    yield { wait: 4 * minute, points: [['vehicle.body.chargingPort.status', 'CONNECTED']] };
    yield { wait: 2000, points: [status('INITIALIZATION')] };
    yield { wait: 8000, points: [status('CHARGINGACTIVE'), [`${engine}.charging.method`, 'AC_TYPE2PLUG']] };
    while (soc < targetSoc) {
      const watts = Math.round(model.charging * 1000 * (0.96 + 0.04 * random()));
      const hours = ((targetSoc - soc) / 100) * (model.capacity / (watts / 1000));
      yield { wait: 0, points: [power(watts)] };
      yield { wait: 0, points: [[`${engine}.charging.timeRemaining`, Math.max(1, Math.round(hours * 60)), 'min']] };
      for (let i = 0; i < 5 && soc < targetSoc; i++) {
        yield {
          wait: minute,
          points: i === 0 ? [[`${engine}.charging.acVoltage`, 228 + Math.floor(random() * 6), 'V']] : [],
        };
        soc = Math.min(targetSoc, soc + (watts / 1000 / 60 / model.capacity) * 100);
        yield* socChange();
      }
    }
    yield { wait: 3000, points: [status('CHARGINGENDED')] };
    yield { wait: 0, points: [power(0)] };
    yield { wait: 6 * minute, points: [['vehicle.body.chargingPort.status', 'DISCONNECTED']] };
    yield { wait: 1000, points: [status('NOCHARGING')] };
  }

  yield {
    wait: 0,
    points: [
      ...socPoints(),
      ['vehicle.vehicle.travelledDistance', odometer, 'km'],
      ['vehicle.isMoving', 'ASN_isFalse'],
      ['vehicle.cabin.door.status', 'SECURED'],
      ...(electric
        ? ([
            status('NOCHARGING'),
            ['vehicle.body.chargingPort.status', 'DISCONNECTED'],
            ['vehicle.drivetrain.batteryManagement.maxEnergy', model.capacity, 'kWh'],
            [`${battery}.stateOfCharge.target`, targetSoc, '%'],
            [`${engine}.kombiRemainingElectricRange`, range(), 'km'],
          ] satisfies Point[])
        : []),
    ],
  };
  for (;;) {
    yield* drive(45);
    yield* park();
    if (electric) yield* charge();
    yield { wait: 12 * minute, points: [['vehicle.cabin.door.status', 'UNLOCKED']] };
  }
}
