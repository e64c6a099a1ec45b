import { typeNames } from '../protocols/bms/index.ts';
import type { VoltRecord } from '../records/record.ts';
import { configureDevice, renameVehicle } from '../registry/changes.ts';
import { findDevice, findVehicle, type RegistryContent } from '../registry/content.ts';
import { type DeviceChanges, deviceFields } from '../registry/device.ts';
import { RegistryError } from '../registry/error.ts';
import { openSystem, overlay, treeOf } from '../registry/system.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { fail } from '../runtime/exit.ts';
import { parseAddress } from '../transports/serial/address.ts';
import {
  deviceRecord,
  readAssignment,
  registryOf,
  settingOf,
  settingRecord,
  vehicleRecord,
} from './registry-records.ts';

async function* setSystem(ctx: Context, words: readonly string[]): AsyncGenerator<VoltRecord, void, void> {
  const settings = await Promise.all(words.map(settingOf));
  await openSystem(ctx.dataDir).update((tree) =>
    settings.reduce((made, { key, value }) => overlay(made, treeOf(key, value)), tree),
  );
  for (const { key, value } of settings) yield settingRecord(ctx, key, value);
}

/** The changes that words mean; of the readings of a word the first that the field takes. */
function changesOf(words: readonly string[]): DeviceChanges {
  const changes: Record<string, unknown> = {};
  for (const { key, readings, text } of words.map(readAssignment)) {
    const field = Object.hasOwn(deviceFields, key) ? deviceFields[key as keyof typeof deviceFields] : undefined;
    changes[key] = field ? (readings.find((value) => field.holds(value)) ?? text) : text;
    if (key === 'port') changes[key] = parseAddress(text).name;
    if (key === 'device_type' && !typeNames.includes(text.toLowerCase())) {
      throw fail('usage', `device_type ${text}: there are ${typeNames.join(', ')}`);
    }
  }
  return changes;
}

function nameOf(words: readonly string[]): string {
  const assignments = words.map(readAssignment);
  const [first] = assignments;
  if (assignments.length !== 1 || first?.key !== 'name') {
    throw new RegistryError('invalid', 'a vehicle has nothing to set but its name', 'As in: name="Camper van".');
  }
  return first.text;
}

function isVehicle(content: RegistryContent, wanted: string): boolean {
  try {
    findDevice(content, wanted);
    return false;
  } catch {
    try {
      findVehicle(content, wanted);
      return true;
    } catch {
      return false;
    }
  }
}

/** Changes a device, a vehicle or settings. */
export const command = defineCommand({
  name: 'registry set',
  kind: 'tool',
  input: 'none',
  writes: ['device', 'vehicle', 'setting'],
  format: 'record',
  summary: 'changes a monitor, the name of a vehicle, or settings in system.json',
  description: `Of a monitor can be set: ${Object.keys(deviceFields).join(', ')}; times are seconds. Whatever is set, a monitor that was only discovered is set up by it: bms-read --registry polls it from now on. Of a vehicle the name can be set.

With the word system the keys are those of the configuration, as mqtt.broker=localhost. They are written to system.json in the data directory, which goes over the configuration file key by key; a command that runs takes them up by itself. Secrets are refused here: an argument can be read by everybody on the machine.

Several changes are made together or not at all. Changes by several processes at once wait for each other, and none is lost.`,
  arguments: [
    { name: 'target', summary: 'monitor, vehicle, or system', required: true },
    { name: 'key=value', summary: 'what to set', required: true, variadic: true },
  ],
  options: {},
  examples: [
    {
      text: 'Name a monitor and read it every ten minutes',
      prepare: 'registry add 50:54:7B:00:00:03',
      command: 'registry set 50:54:7B:00:00:03 friendly_name="Starter battery" polling_interval=600',
    },
    {
      text: 'A broker for the whole installation',
      command: 'registry set system mqtt.broker=broker.example mqtt.port=1884',
    },
  ],
  files: [{ path: '<data dir>/devices.json, vehicles.json, system.json', text: 'the registry' }],
  seeAlso: ['registry-show(1)', 'registry-assign(1)', 'voltpipe-config(5)'],

  async *run(ctx) {
    const [target = '', ...words] = ctx.args;
    if (target === 'system') {
      yield* setSystem(ctx, words);
      return;
    }
    if (words.length === 0) throw fail('usage', 'nothing to set');
    const registry = registryOf(ctx);
    const shown = await registry.update((draft, now) => {
      if (isVehicle(draft, target)) return vehicleRecord(ctx, draft, renameVehicle(draft, target, nameOf(words)));
      return deviceRecord(ctx, draft, configureDevice(draft, now, target, changesOf(words)));
    });
    yield shown;
  },
});
