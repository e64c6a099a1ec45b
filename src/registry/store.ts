import { join } from 'node:path';
import { type Clock, timestamp } from '../runtime/clock.ts';
import { writeDurably } from '../runtime/durable.ts';
import { takeLock } from '../runtime/lock.ts';
import { ensureDirectory } from '../runtime/paths.ts';
import { watchFiles } from '../runtime/watch.ts';
import * as changes from './changes.ts';
import type { RegistryContent } from './content.ts';
import type { DeviceChanges, DeviceStatus } from './device.ts';
import { readDocument } from './document.ts';
import { formatFiles, parseFiles, type RegistryFiles } from './files.ts';

/** How long a change waits for that of another process. */
const lockWait = 30_000;

/**
 * The registry of monitors and vehicles in the data directory: `devices.json` and `vehicles.json`.
 *
 * Every change takes one lock, reads both files, changes them and writes them durably, so that two processes at once lose nothing;
 * readers take no lock and see the old or the new files. A change that is refused ({@link RegistryError}, with its `fault`) writes
 * nothing, nor does one on files that can't be understood (exit status 78; they are never overwritten).
 *
 * Devices and vehicles are named by id, by address in any spelling, or by name where it is the only one.
 */
export interface Registry {
  /** What is registered now. The object is the caller's own. */
  read(): RegistryContent;
  /** For a scan (`ble-scan --register`): stores a new device as `discovered` with a new "Vehicle N"; a known one stays. */
  discover(found: changes.Found): Promise<{ id: string; isNew: boolean }>;
  /** Several at once, under one lock. */
  discoverAll(found: readonly changes.Found[]): Promise<{ id: string; isNew: boolean }[]>;
  /** Adds a device by hand, `configured`. Refused: `exists`, `invalid`, `unknown-vehicle`. */
  addDevice(found: changes.Found, fields?: DeviceChanges): Promise<string>;
  /** Changes a device, and sets it up if it was only discovered. Refused: `unknown-device`, `invalid`, `unknown-vehicle`. */
  configureDevice(id: string, fields: DeviceChanges, vehicle?: string): Promise<string>;
  /** Moves a device to another vehicle; readings from now on carry it. */
  assignDevice(id: string, vehicle: string): Promise<string>;
  /** What came of reaching it. Refused: `transition`. Returns whether it is another status than before; only then is anything written. */
  setStatus(id: string, status: DeviceStatus): Promise<boolean>;
  removeDevice(id: string): Promise<string>;
  /** Makes a vehicle, "Vehicle N" unless named. Returns its id. */
  addVehicle(name?: string): Promise<string>;
  renameVehicle(id: string, name: string): Promise<string>;
  /** Refused with `in-use` while devices are in it. */
  removeVehicle(id: string): Promise<string>;
  /** Several changes as one: `change` works on a copy, and what it throws leaves all as it was. */
  update<T>(change: (draft: RegistryContent, now: string) => T): Promise<T>;
  /** Writes the files if they are not there. Returns the names of those made. */
  create(): Promise<string[]>;
  /** Calls `changed` when one of the files changed, by whomever. Returns the function that ends it. */
  watch(changed: () => void): () => void;
}

/** Opens the registry of a data directory; nothing is read or made before it is needed. */
export function openRegistry({ dataDir, clock }: { dataDir: string; clock: Clock }): Registry {
  const paths = { devices: join(dataDir, 'devices.json'), vehicles: join(dataDir, 'vehicles.json') };

  const load = (): RegistryFiles => ({
    devices: { file: paths.devices, document: readDocument(paths.devices) },
    vehicles: { file: paths.vehicles, document: readDocument(paths.vehicles) },
  });

  async function update<T>(change: (draft: RegistryContent, now: string) => T, always = false): Promise<T> {
    const release = await lockRegistry(dataDir);
    try {
      const files = load();
      const draft = parseFiles(files);
      const before = formatFiles(structuredClone(draft), files);
      const result = change(draft, timestamp(clock.now()));
      const after = formatFiles(draft, files);
      // A device must never point to a vehicle that is not written yet.
      for (const name of ['vehicles', 'devices'] as const) {
        if (!always && JSON.stringify(after[name]) === JSON.stringify(before[name])) continue;
        await writeDurably(paths[name], `${JSON.stringify(after[name], null, 2)}\n`);
      }
      return result;
    } finally {
      await release();
    }
  }

  return {
    read: () => parseFiles(load()),
    discover: (found) => update((draft, now) => changes.discover(draft, now, found)),
    discoverAll: (found) => update((draft, now) => found.map((one) => changes.discover(draft, now, one))),
    addDevice: (found, fields) => update((draft, now) => changes.addDevice(draft, now, found, fields)),
    configureDevice: (id, fields, vehicle) =>
      update((draft, now) => changes.configureDevice(draft, now, id, fields, vehicle)),
    assignDevice: (id, vehicle) => update((draft) => changes.assignDevice(draft, id, vehicle)),
    setStatus: (id, status) => update((draft) => changes.setStatus(draft, id, status)),
    removeDevice: (id) => update((draft) => changes.removeDevice(draft, id)),
    addVehicle: (name) => update((draft, now) => changes.addVehicle(draft, now, name)),
    renameVehicle: (id, name) => update((draft) => changes.renameVehicle(draft, id, name)),
    removeVehicle: (id) => update((draft) => changes.removeVehicle(draft, id)),
    update: (change) => update(change),
    async create() {
      const { existsSync } = await import('node:fs');
      const made = Object.values(paths).filter((path) => !existsSync(path));
      if (made.length > 0) await update(() => {}, true);
      return made;
    },
    watch(changed) {
      ensureDirectory(dataDir);
      return watchFiles(Object.values(paths), clock, changed);
    },
  };
}

/** The one lock of all files of the registry, `system.json` too. */
export async function lockRegistry(dataDir: string): Promise<() => Promise<void>> {
  ensureDirectory(dataDir);
  return takeLock(join(dataDir, 'registry'), { wait: lockWait });
}
