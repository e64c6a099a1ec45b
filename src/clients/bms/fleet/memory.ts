import { setStatus } from '../../../registry/changes.ts';
import type { DeviceStatus } from '../../../registry/device.ts';
import type { Registry } from '../../../registry/store.ts';
import type { Log } from '../../../runtime/log.ts';

/** Writes into the registry what a fleet finds out. Never rejects: a battery is read all the same when a disk is full. */
export interface Memory {
  /** Of all of them at once. */
  status(ids: readonly string[], status: DeviceStatus): Promise<void>;
  /** What a device turned out to be, so that nobody has to ask again. */
  type(id: string, type: string): Promise<void>;
}

/** A device that was removed, or put back to discovered, meanwhile is left as it is. */
export function createMemory(registry: Registry, log: Log): Memory {
  const write = async (change: Parameters<Registry['update']>[0]): Promise<void> => {
    try {
      await registry.update(change);
      log.recovered('registry', 'registry: is written again');
    } catch (error) {
      log.lost('registry', `registry: not written: ${(error as Error).message}`);
    }
  };
  /** One after the other: what is found out later is what stays. */
  let last = Promise.resolve();
  const keep = (change: Parameters<Registry['update']>[0]): Promise<void> => {
    last = last.then(() => write(change));
    return last;
  };
  return {
    status: (ids, status) =>
      keep((draft) => {
        for (const id of ids) {
          const device = draft.devices[id];
          if (device && device.status !== 'discovered') setStatus(draft, id, status);
        }
      }),
    type: (id, type) =>
      keep((draft) => {
        const device = draft.devices[id];
        if (device) device.device_type ??= type;
      }),
  };
}
