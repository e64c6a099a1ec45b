import type { VoltRecord } from '../records/record.ts';
import { identityOf, type RegistryContent } from '../registry/content.ts';
import { openRegistry, type Registry } from '../registry/store.ts';
import { leavesOf, openSystem, treeOf } from '../registry/system.ts';
import { configFaults, schemaOf } from '../runtime/check-config.ts';
import { timestamp } from '../runtime/clock.ts';
import type { Context } from '../runtime/context.ts';
import { fail } from '../runtime/exit.ts';

type Place = Pick<Context, 'dataDir' | 'clock'>;

/** The registry of a command's data directory. */
export const registryOf = ({ dataDir, clock }: Place): Registry => openRegistry({ dataDir, clock });

/** A registered device as a record. */
export function deviceRecord({ clock }: Place, content: RegistryContent, id: string): VoltRecord {
  const { mac_address: _address, friendly_name: _name, connection_config, ...device } = content.devices[id]!;
  return {
    type: 'device',
    time: timestamp(clock.now()),
    ...device,
    ...connection_config,
    ...identityOf(content, id),
  };
}

/** A registered vehicle as a record. */
export function vehicleRecord({ clock }: Place, { vehicles }: RegistryContent, id: string): VoltRecord {
  const { name, created_at, device_count } = vehicles[id]!;
  return {
    type: 'vehicle',
    time: timestamp(clock.now()),
    vehicle_id: id,
    vehicle_name: name,
    device_count,
    ...(created_at !== '' && { created_at }),
  };
}

/** A setting as a record; what is secret is not in it. */
export function settingRecord({ clock }: Place, key: string, value: unknown): VoltRecord {
  const isSecret = schemaOf(key)?.writeOnly === true;
  const isSet = value !== undefined && value !== '';
  return {
    type: 'setting',
    time: timestamp(clock.now()),
    key,
    ...(isSecret ? isSet && { secret: true } : value !== undefined && { value }),
  };
}

/** What `system.json` of the data directory says, secrets left out. */
export function* systemRecords(place: Place): Generator<VoltRecord, void, void> {
  for (const [key, value] of leavesOf(openSystem(place.dataDir).read())) {
    if (key !== 'version' && key !== '$schema') yield settingRecord(place, key, value);
  }
}

/** `KEY=VALUE`, and the values that the text may mean: a number, true, false or null before the text itself. */
export function readAssignment(word: string): { key: string; readings: unknown[]; text: string } {
  const match = /^([\w.$-]+)=(.*)$/s.exec(word);
  if (!match) throw fail('usage', `'${word}': expected KEY=VALUE`);
  const [, key = '', text = ''] = match;
  let plain: unknown = text;
  try {
    plain = JSON.parse(text);
  } catch {
    // It is text.
  }
  return { key, text, readings: plain === text ? [text] : [plain, text] };
}

/**
 * A change to `system.json` as a tree. Throws exit status 64 for a key that no command reads, a value that will not do, and a secret,
 * which must not stand in an argument list that every user of the machine can read.
 */
export async function settingOf(word: string): Promise<{ key: string; value: unknown }> {
  const { key, readings, text } = readAssignment(word);
  const schema = schemaOf(key);
  if (!schema || schema.properties || key === 'version') {
    throw fail('usage', `${key}: no such setting`, 'voltpipe-config(5) lists them.');
  }
  if (schema.writeOnly) {
    throw fail(
      'usage',
      `${key}: is a secret and must not stand on a command line`,
      'Write it into system.json, or give it in a file.',
    );
  }
  let faults: string[] = [];
  for (const value of readings) {
    faults = await configFaults(treeOf(key, value));
    if (faults.length === 0) return { key, value };
  }
  throw fail('usage', `${key}=${text}: ${[...new Set(faults)].join('; ').replace(`${key}: `, '')}`);
}
