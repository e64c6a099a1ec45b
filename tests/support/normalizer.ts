import assert from 'node:assert/strict';
import { type CompileOptions, compile } from '../../src/filters/mapping/compile.ts';
import { type Normalizer, type NormalizerOptions, normalizer } from '../../src/filters/mapping/normalizer.ts';
import { readMapping } from '../../src/filters/mapping/read.ts';
import { bmw } from '../../src/filters/presets/bmw.ts';
import { type DataPoint, toRecord } from '../../src/protocols/bmw/telematics.ts';
import type { VoltRecord } from '../../src/records/record.ts';

/** A normalizer of a mapping document (default: the preset bmw) that takes records. */
export function normalizerOf(
  document: unknown = bmw,
  options: Partial<NormalizerOptions & CompileOptions> = {},
): Normalizer & { take(record: VoltRecord): VoltRecord | undefined } {
  const { mapping, problems } = readMapping(document);
  assert.deepEqual(problems, []);
  const compiled = compile(mapping, { jsonPath: () => () => [], ...options });
  assert.deepEqual(compiled.problems, []);
  const made = normalizer(compiled.program, { merge: true, explain: false, identity: ['vin'], ...options });
  return {
    ...made,
    take(record) {
      const { data, time, received_at } = record as VoltRecord & { data: Record<string, DataPoint> };
      return made.apply({ record, data: data ?? {}, time, arrived: received_at });
    },
  };
}

/** A `bmw_telematics` record: key → value, or [value, unit], all taken at `at`. */
export function telematics(at: string, values: Record<string, unknown>, vin = 'WBYVP000000000001'): VoltRecord {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const [of, unit] = Array.isArray(value) ? value : [value, undefined];
      return [key, { timestamp: at, value: of, ...(unit !== undefined && { unit }) }];
    }),
  );
  const record = toRecord({ vin, data }, { via: 'stream', receivedAt: Date.parse(at) });
  assert.ok(record);
  return record;
}

/** Short names of the keys that tests use most. */
export const keys = {
  soc: 'vehicle.drivetrain.batteryManagement.header',
  displayed: 'vehicle.powertrain.electric.battery.stateOfCharge.displayed',
  tripEndSoc: 'vehicle.trip.segment.end.drivetrain.batteryManagement.hvSoc',
  predicted: 'vehicle.drivetrain.electricEngine.charging.level',
  target: 'vehicle.powertrain.electric.battery.stateOfCharge.target',
  status: 'vehicle.drivetrain.electricEngine.charging.status',
  hvStatus: 'vehicle.drivetrain.electricEngine.charging.hvStatus',
  port: 'vehicle.body.chargingPort.status',
  plugged: 'vehicle.powertrain.tractionBattery.charging.port.anyPosition.isPlugged',
  power: 'vehicle.powertrain.electric.battery.charging.power',
  volts: 'vehicle.drivetrain.electricEngine.charging.acVoltage',
  amperes: 'vehicle.drivetrain.electricEngine.charging.acAmpere',
  phases: 'vehicle.drivetrain.electricEngine.charging.phaseNumber',
  method: 'vehicle.drivetrain.electricEngine.charging.method',
  dcStatus: 'vehicle.body.chargingPort.dcStatus',
  remaining: 'vehicle.drivetrain.electricEngine.charging.timeRemaining',
  lat: 'vehicle.cabin.infotainment.navigation.currentLocation.latitude',
  lon: 'vehicle.cabin.infotainment.navigation.currentLocation.longitude',
  fix: 'vehicle.cabin.infotainment.navigation.currentLocation.fixStatus',
  moving: 'vehicle.isMoving',
  active: 'vehicle.drivetrain.engine.isActive',
  ignition: 'vehicle.drivetrain.engine.isIgnitionOn',
  odometer: 'vehicle.vehicle.travelledDistance',
  range: 'vehicle.drivetrain.electricEngine.kombiRemainingElectricRange',
  capacity: 'vehicle.drivetrain.batteryManagement.maxEnergy',
  tyre: 'vehicle.chassis.axle.row1.wheel.left.tire.pressure',
} as const;
