import { setStatus } from '../../../registry/changes.ts';
import type { DeviceStatus } from '../../../registry/device.ts';
import type { Registry } from '../../../registry/store.ts';
import type { Log } from '../../../runtime/log.ts';

/** Writes into the registry what a fleet finds out. Never rejects: a battery is read all the same when a disk is full. */
export interface Memory {
  status(id: string, status: DeviceStatus): Promise<void>;
  /** What a device turned out to be, so that nobody has to ask again. */
  type(id: string, type: string): Promise<void>;
}

/** A device that was removed, or put back to discovered, meanwhile is left as it is. */
export function createMemory(registry: Registry, log: Log): Memory {
  const keep = async (change: Parameters<Registry['update']>[0]): Promise<void> => {
    try {
      await registry.update(change);
      log.recovered('registry', 'registry: is written again');
    } catch (error) {
      log.lost('registry', `registry: not written: ${(error as Error).message}`);
    }
  };
  return {
    status: (id, status) =>
      keep((draft) => {
        const device = draft.devices[id];
        if (device && device.status !== 'discovered') setStatus(draft, id, status);
      }),
    type: (id, type) =>
      keep((draft) => {
        const device = draft.devices[id];
        if (device) device.device_type ??= type;
      }),
  };
}
