import type { VoltRecord } from '../../records/record.ts';
import { formatTime } from '../../records/time.ts';
import type { Value } from '../values.ts';
import type { Candidate } from './model.ts';
import type { Position, Program, Vehicle } from './program.ts';

/** Writes a vehicle's state as of `stamp`, the time of the newest value in it. */
export interface Writer {
  record(vehicle: Vehicle, stamp: number): VoltRecord;
  /** The same record as a line of JSON. */
  line(vehicle: Vehicle, stamp: number): string;
  /** The same for a vehicle that will have no second line. */
  onlyLine(vehicle: Vehicle, stamp: number): string;
}

/** `ms / 1000` as JSON has it. Put together from whole numbers: to print a fraction takes ten times as long. */
function seconds(ms: number): string {
  const whole = Math.floor(ms / 1000);
  const rest = ms - whole * 1000;
  if (rest === 0) return `${whole}`;
  if (!Number.isInteger(rest)) return `${ms / 1000}`;
  const digits = rest < 10 ? `00${rest}` : rest < 100 ? `0${rest}` : `${rest}`;
  const zeros = rest % 100 === 0 ? 2 : rest % 10 === 0 ? 1 : 0;
  return `${whole}.${zeros === 0 ? digits : digits.slice(0, 3 - zeros)}`;
}

/** A field as it stands in the line, after its name. */
export function partOf(key: string, value: Value): string {
  return key + (typeof value === 'string' ? JSON.stringify(value) : value);
}

/** The name of a field as it stands in the line. */
export const keyText = (name: string): string => `,"${name}":`;

/** A position, with its part of the line. */
export function positionAt(lat: number, lon: number, time: number): Position {
  return { lat, lon, time, text: `,"lat":${lat},"lon":${lon}` };
}

/**
 * Builds the writer of a program.
 *
 * From one record to the next only a few of some thirty values change. The line is joined from parts that were made when their
 * values came in: to build an object and stringify it took longer than all the rest of the work on a line.
 */
export function writer(program: Program, explain: boolean): Writer {
  const { rules, order, pair, soc } = program;
  const oldest = pair ? Math.min(rules[pair.lat]!.maxAge, rules[pair.lon]!.maxAge) : 0;

  /** The position shows as long as both of its halves are known and it is itself not too old. */
  function positionOf(vehicle: Vehicle): Vehicle['position'] {
    const { position, value, newest } = vehicle;
    if (!pair || !position || value[pair.lat] === undefined || value[pair.lon] === undefined) return undefined;
    return newest - position.time <= oldest ? position : undefined;
  }

  const ageOf = (vehicle: Vehicle, stamp: number): number => Math.max(0, stamp - vehicle.time[soc]!) / 1000;

  function explanation(vehicle: Vehicle, record: VoltRecord): Record<string, unknown> {
    const entries = order.flatMap((index) => {
      const { name, choices } = rules[index]!;
      if (!Object.hasOwn(record, name)) return [];
      const isPosition = pair && (index === pair.lat || index === pair.lon);
      const time = isPosition ? vehicle.position!.time : vehicle.time[index]!;
      const from = choices[vehicle.from[index]!];
      return [[name, { from: from && labelOf(from.candidate), ...(time > 0 && { time: formatTime(time) }) }]];
    });
    return Object.fromEntries(entries);
  }

  /** Makes the parts anew. Latitude stands for the whole position. */
  function arrange(vehicle: Vehicle, positioned: boolean): number[] {
    const places = new Array<number>(rules.length).fill(-1);
    const parts: string[] = [];
    for (const index of order) {
      const value = vehicle.value[index];
      const isShown = pair && index === pair.lat ? positioned : value !== undefined && index !== pair?.lon;
      if (isShown) places[index] = parts.push(value === undefined ? '' : partOf(rules[index]!.key, value)) - 1;
    }
    vehicle.parts = parts;
    vehicle.places = places;
    return places;
  }

  return {
    record(vehicle, stamp) {
      const position = positionOf(vehicle);
      const record: VoltRecord = {
        type: 'vehicle_telemetry',
        time: formatTime(stamp),
        ...vehicle.identity,
        utc: stamp / 1000,
      };
      for (const index of order) {
        const value = vehicle.value[index];
        if (pair && index === pair.lat) Object.assign(record, position && { lat: position.lat, lon: position.lon });
        else if (value !== undefined && index !== pair?.lon) record[rules[index]!.name] = value;
        if (index === soc && value !== undefined) record.soc_age_s = ageOf(vehicle, stamp);
      }
      if (explain) record.explain = explanation(vehicle, record);
      return record;
    },

    line(vehicle, stamp) {
      const position = positionOf(vehicle);
      let { places } = vehicle;
      if (places === undefined || (pair && places[pair.lat]! >= 0 !== (position !== undefined))) {
        places = arrange(vehicle, position !== undefined);
      }
      const { parts } = vehicle;
      if (soc >= 0 && places[soc]! >= 0) {
        const age = seconds(Math.max(0, stamp - vehicle.time[soc]!));
        parts[places[soc]!] = `,"soc":${vehicle.value[soc]},"soc_age_s":${age}`;
      }
      if (pair && position) parts[places[pair.lat]!] = position.text;
      // Added one by one: the text is put together once, when the batch is written; `join` would copy it once more.
      let text = headOf(vehicle, stamp);
      for (let i = 0; i < parts.length; i++) text += parts[i];
      return `${text}}`;
    },

    onlyLine(vehicle, stamp) {
      const position = positionOf(vehicle);
      let text = headOf(vehicle, stamp);
      for (let i = 0; i < order.length; i++) {
        const index = order[i]!;
        const value = vehicle.value[index];
        if (value === undefined || index === pair?.lon) continue;
        if (index === pair?.lat) text += position?.text ?? '';
        else text += partOf(rules[index]!.key, value);
        if (index === soc) text += `,"soc_age_s":${seconds(Math.max(0, stamp - vehicle.time[soc]!))}`;
      }
      return `${text}}`;
    },
  };
}

/** What `--explain` says of a candidate: its path, its factors, or the conditions that its value follows from. */
function labelOf({ path, field, product, when }: Candidate): string {
  return path ?? field ?? product?.join(' × ') ?? JSON.stringify(when) ?? 'constant';
}

/** What every line begins with. */
function headOf(vehicle: Vehicle, stamp: number): string {
  return `{"type":"vehicle_telemetry","time":"${formatTime(stamp)}"${vehicle.identityText},"utc":${seconds(stamp)}`;
}
