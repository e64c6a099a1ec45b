import { addVehicle, assignDevice } from '../registry/changes.ts';
import { findDevice } from '../registry/content.ts';
import { defineCommand } from '../runtime/command.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { deviceRecord, registryOf } from './registry-records.ts';

const options = {
  new: { type: 'flag', summary: 'make a new vehicle of this name, or "Vehicle N" without a name' },
} as const satisfies Options;

/** Moves a monitor to a vehicle. */
export const command = defineCommand({
  name: 'registry assign',
  kind: 'tool',
  input: 'none',
  writes: ['device'],
  format: 'record',
  summary: 'puts a battery monitor into another vehicle',
  description: `Readings from now on carry the new vehicle. What was measured before keeps the vehicle that it was measured in: names are written into a record when it is made, and nothing goes back to change them.`,
  arguments: [
    { name: 'device', summary: 'id, address or name of the monitor', required: true },
    { name: 'vehicle', summary: 'id or name of the vehicle' },
  ],
  options,
  examples: [
    {
      text: 'Into a vehicle that is new',
      prepare: 'registry add 50:54:7B:00:00:05',
      command: 'registry assign 50:54:7B:00:00:05 --new "Camper van" | jq -r .vehicle_name',
      stdout: 'Camper van',
    },
  ],
  files: [{ path: '<data dir>/devices.json, vehicles.json', text: 'the registry' }],
  seeAlso: ['registry-add(1)', 'registry-list(1)'],

  check(opts, args) {
    if (args[1] === undefined && !opts.new)
      throw fail('usage', 'no vehicle given', 'Name one, or make one with --new.');
  },

  async *run(ctx) {
    const [device = '', vehicle = ''] = ctx.args;
    yield await registryOf(ctx).update((draft, now) => {
      const id = findDevice(draft, device);
      const target = ctx.opts.new ? addVehicle(draft, now, vehicle || undefined) : vehicle;
      return deviceRecord(ctx, draft, assignDevice(draft, id, target));
    });
  },
});
