import { removeDevice, removeVehicle } from '../registry/changes.ts';
import type { RegistryContent } from '../registry/content.ts';
import { RegistryError } from '../registry/error.ts';
import { bluetoothAddress } from '../registry/identity.ts';
import { defineCommand } from '../runtime/command.ts';
import { registryOf } from './registry-records.ts';

/** Removes what the word names. Throws what was wrong with it as a vehicle, when it is no device. */
function remove(draft: RegistryContent, word: string): void {
  try {
    removeDevice(draft, word);
  } catch (error) {
    const mayBeVehicle = error instanceof RegistryError && bluetoothAddress(word) === undefined;
    if (!mayBeVehicle) throw error;
    try {
      removeVehicle(draft, word);
    } catch (second) {
      if (!(second instanceof RegistryError) || second.fault !== 'unknown-vehicle') throw second;
      throw new RegistryError('unknown-device', `${word}: no such device or vehicle`, 'Try registry list.');
    }
  }
}

/** Forgets a monitor or a vehicle. */
export const command = defineCommand({
  name: 'registry remove',
  kind: 'tool',
  input: 'none',
  format: 'record',
  summary: 'forgets a battery monitor, or a vehicle that no monitor is in',
  description: `bms-read --registry stops polling a monitor that was removed. Its vehicle stays, and its number is not given to another one. A vehicle with monitors in it is refused.

What was measured stays where it was written.`,
  arguments: [{ name: 'what', summary: 'monitors or vehicles: id, address or name', required: true, variadic: true }],
  options: {},
  examples: [
    {
      text: 'A monitor that was sold',
      prepare: 'registry add 50:54:7B:00:00:06',
      command: 'registry remove 50:54:7B:00:00:06',
    },
  ],
  files: [{ path: '<data dir>/devices.json, vehicles.json', text: 'the registry' }],
  seeAlso: ['registry-add(1)', 'registry-list(1)'],

  async *run(ctx) {
    await registryOf(ctx).update((draft) => {
      for (const word of ctx.args) remove(draft, word);
    });
  },
});
