import type { RegistryContent } from '../registry/content.ts';
import { defineCommand } from '../runtime/command.ts';
import { deviceRecord, registryOf, vehicleRecord } from './registry-records.ts';

/** What can be listed, and what is said when there is none of it. */
const lists = {
  devices: {
    of: ({ devices }: RegistryContent) => devices,
    record: deviceRecord,
    none: 'no monitor is registered. ble-scan --register finds those on the air, registry add takes one by its address.',
  },
  vehicles: {
    of: ({ vehicles }: RegistryContent) => vehicles,
    record: vehicleRecord,
    none: 'there is no vehicle. Each monitor that is registered gets one; registry assign --new makes another.',
  },
};

/** Lists what is registered. */
export const command = defineCommand({
  name: 'registry list',
  kind: 'tool',
  input: 'none',
  writes: ['device', 'vehicle'],
  format: 'record',
  summary: 'lists the registered battery monitors, or the vehicles',
  description:
    'Prints one record for each registered monitor, with its vehicle, its status and how it is polled; or one for each vehicle, with the number of monitors in it.',
  arguments: [{ name: 'what', summary: 'what to list (default devices)', choices: ['devices', 'vehicles'] }],
  options: {},
  examples: [
    { text: 'Every monitor', command: 'registry list' },
    {
      text: 'Who is in which vehicle',
      prepare: 'registry add 50:54:7B:00:00:01 --type bm6',
      command: "registry list | jq -r '[.device_name, .vehicle_name] | @tsv'",
      stdout: 'BM6 0001\tVehicle 1',
    },
  ],
  files: [{ path: '<data dir>/devices.json, vehicles.json', text: 'the registry' }],
  seeAlso: ['registry-add(1)', 'registry-show(1)'],

  async *run(ctx) {
    const content = registryOf(ctx).read();
    const list = lists[ctx.args[0] === 'vehicles' ? 'vehicles' : 'devices'];
    const ids = Object.keys(list.of(content));
    if (ids.length === 0) ctx.log.info(list.none);
    for (const id of ids) yield list.record(ctx, content, id);
  },
});
