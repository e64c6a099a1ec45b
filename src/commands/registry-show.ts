import { findDevice, findVehicle, type RegistryContent } from '../registry/content.ts';
import { RegistryError } from '../registry/error.ts';
import { bluetoothAddress } from '../registry/identity.ts';
import { leavesOf, openSystem } from '../registry/system.ts';
import { furtherOptions, systemOptions } from '../registry/system-options.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import type { OptionSpec, Options } from '../runtime/options.ts';
import { deviceRecord, registryOf, settingRecord, vehicleRecord } from './registry-records.ts';

const options = {
  ...systemOptions.discovery,
  ...systemOptions.bluetooth,
  ...furtherOptions,
} as const satisfies Options;

type Ctx = Context<typeof options>;

/** What holds for every key that is known here, and what system.json says beyond. */
async function settingsOf(ctx: Ctx): Promise<Map<string, unknown>> {
  const settings = new Map<string, unknown>();
  for (const [name, spec] of Object.entries<OptionSpec>(options)) {
    const value =
      spec.type === 'secret' ? await ctx.secret(name as 'influxPassword') : ctx.opts[name as keyof typeof options];
    settings.set(spec.key!, spec.type === 'duration' ? Number(value) / 1000 : value);
  }
  for (const [key, value] of leavesOf(openSystem(ctx.dataDir).read())) if (!settings.has(key)) settings.set(key, value);
  settings.delete('version');
  return settings;
}

/** The keys that a word means: `system` all, `mqtt` a section, `mqtt.port` one. */
const matches = (word: string, key: string): boolean => word === 'system' || key === word || key.startsWith(`${word}.`);

function idOf(content: RegistryContent, word: string): { device?: string; vehicle?: string } {
  try {
    return { device: findDevice(content, word) };
  } catch (error) {
    if (bluetoothAddress(word) !== undefined || !(error instanceof RegistryError)) throw error;
  }
  try {
    return { vehicle: findVehicle(content, word) };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    throw new RegistryError('unknown-device', `${word}: no device, no vehicle and no setting`, 'Try registry list.');
  }
}

/** Shows one device, one vehicle with its devices, or settings. */
export const command = defineCommand({
  name: 'registry show',
  kind: 'tool',
  input: 'none',
  writes: ['device', 'vehicle', 'setting'],
  format: 'record',
  summary: 'shows a monitor, a vehicle with its monitors, or settings and the values that hold',
  description: `A monitor is named by its id, its address or its name, a vehicle by its id or its name.

The word system shows all settings of the battery commands; mqtt those of a section, mqtt.port one. What is printed is what holds: the environment over system.json over the configuration file over the default. Secrets are not shown.`,
  arguments: [{ name: 'what', summary: 'monitor, vehicle, system, section or key', required: true }],
  options,
  examples: [
    {
      text: 'One monitor',
      prepare: 'registry add 50:54:7B:00:00:02',
      command: "registry show 50547b000002 | jq -r '.status'",
      stdout: 'configured',
    },
    {
      text: 'How long a search for devices takes, in seconds',
      command: 'BATTERYHAWK_DISCOVERY_SCAN_DURATION=15 registry show discovery.scan_duration | jq .value',
      stdout: '15',
    },
  ],
  files: [{ path: '<data dir>/devices.json, vehicles.json, system.json', text: 'the registry' }],
  seeAlso: ['registry-list(1)', 'registry-set(1)', 'voltpipe-config(5)'],

  async *run(ctx) {
    const word = ctx.args[0]!;
    const settings = await settingsOf(ctx);
    const keys = [...settings.keys()].filter((key) => matches(word, key));
    if (keys.length > 0 || word === 'system') {
      for (const key of keys) yield settingRecord(ctx, key, settings.get(key));
      return;
    }
    const content = registryOf(ctx).read();
    const { device, vehicle } = idOf(content, word);
    if (device !== undefined) {
      yield deviceRecord(ctx, content, device);
      return;
    }
    yield vehicleRecord(ctx, content, vehicle!);
    for (const [id, { vehicle_id }] of Object.entries(content.devices)) {
      if (vehicle_id === vehicle) yield deviceRecord(ctx, content, id);
    }
  },
});
