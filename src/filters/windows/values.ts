import { elementName, isSet } from '../../protocols/influx/flatten.ts';
import { identityKeys, type VoltRecord } from '../../records/record.ts';

/** Keys that are numbers and no measurements. */
const noMeasurements: ReadonlySet<string> = new Set([...identityKeys, 'utc']);

/** The finite numbers of a record by name; lists are numbered as a database has them, `cell_1`. `wanted`: only these; empty: all. */
export function numbersIn(record: VoltRecord, wanted: ReadonlySet<string>): [string, number][] {
  const found: [string, number][] = [];
  const put = (name: string, value: unknown): void => {
    if (typeof value === 'number' && Number.isFinite(value) && (wanted.size === 0 || wanted.has(name))) {
      found.push([name, value]);
    }
  };
  for (const [key, value] of Object.entries(record)) {
    if (noMeasurements.has(key)) continue;
    if (!Array.isArray(value)) put(key, value);
    else if (!isSet(key, value)) for (let i = 0; i < value.length; i++) put(elementName(key, i), value[i]);
  }
  return found;
}
