import type { VoltRecord } from '../../records/record.ts';
import { formatTime } from '../../records/time.ts';
import type { Value } from '../values.ts';
import type { Program, Vehicle } from './program.ts';

/** Writes a vehicle's state as of `changed`, the time of the newest value in it that is new. */
export interface Writer {
  record(vehicle: Vehicle, changed: number): VoltRecord;
  /** The same record as a line of JSON. */
  line(vehicle: Vehicle, changed: number): string;
}

/** A field as it stands in the line; nothing for what is not known. */
export function partOf(name: string, value: Value | undefined): string {
  if (value === undefined) return '';
  return `,"${name}":${typeof value === 'string' ? JSON.stringify(value) : value}`;
}

/**
 * Builds the writer of a program.
 *
 * From one record to the next only a few of some thirty values change. The line is joined from parts that were made when their
 * values came in: to build an object and stringify it took longer than all the rest of the work on a line.
 */
export function writer(program: Program, explain: boolean): Writer {
  const { rules, order, pair, soc } = program;
  const latitude = pair ? order.indexOf(pair.lat) : -1;
  const charge = order.indexOf(soc);
  const oldest = pair ? Math.min(rules[pair.lat]!.maxAge, rules[pair.lon]!.maxAge) : 0;

  /** The position shows as long as both of its halves are known and it is itself not too old. */
  function positionOf(vehicle: Vehicle): Vehicle['position'] {
    const { position, value, newest } = vehicle;
    if (!pair || !position || value[pair.lat] === undefined || value[pair.lon] === undefined) return undefined;
    return newest - position.time <= oldest ? position : undefined;
  }

  const ageOf = (vehicle: Vehicle, changed: number): number => Math.max(0, changed - vehicle.time[soc]!) / 1000;

  function explanation(vehicle: Vehicle, record: VoltRecord): Record<string, unknown> {
    const entries = order.flatMap((index) => {
      const { name, choices } = rules[index]!;
      if (!Object.hasOwn(record, name)) return [];
      const isPosition = pair && (index === pair.lat || index === pair.lon);
      const time = isPosition ? vehicle.position!.time : vehicle.time[index]!;
      return [[name, { from: choices[vehicle.from[index]!]?.label, ...(time > 0 && { time: formatTime(time) }) }]];
    });
    return Object.fromEntries(entries);
  }

  return {
    record(vehicle, changed) {
      const position = positionOf(vehicle);
      const record: VoltRecord = {
        type: 'vehicle_telemetry',
        time: formatTime(changed),
        ...vehicle.identity,
        utc: changed / 1000,
      };
      for (const index of order) {
        const value = vehicle.value[index];
        if (pair && index === pair.lat) Object.assign(record, position && { lat: position.lat, lon: position.lon });
        else if (value !== undefined && index !== pair?.lon) record[rules[index]!.name] = value;
        if (index === soc && value !== undefined) record.soc_age_s = ageOf(vehicle, changed);
      }
      if (explain) record.explain = explanation(vehicle, record);
      return record;
    },

    line(vehicle, changed) {
      const { parts } = vehicle;
      if (charge >= 0 && vehicle.value[soc] !== undefined) {
        parts[charge] = `,"soc":${vehicle.value[soc]},"soc_age_s":${ageOf(vehicle, changed)}`;
      }
      if (latitude >= 0) {
        const position = positionOf(vehicle);
        parts[latitude] = position ? `,"lat":${position.lat},"lon":${position.lon}` : '';
      }
      return `{"type":"vehicle_telemetry","time":"${formatTime(changed)}"${vehicle.identityText},"utc":${changed / 1000}${parts.join('')}}`;
    },
  };
}
