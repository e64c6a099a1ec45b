import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Disk, disk as real } from '../../src/spool/disk.ts';

/** A disk that a test looks through, fails, or takes the power from. */
export interface FaultyDisk extends Disk {
  /** Every step that changes something, in order: `write 0000000000000001.log`. */
  readonly steps: string[];
  /** Asked before each step; throws what shall go wrong. */
  fault: (step: string) => void;
  /**
   * The power goes: from here on every step fails. What was never synced is lost: of what was appended `kept` says how much of a file
   * stays, and files whose removal was not made durable may be there again.
   */
  cutPower(kept: (unsynced: number) => number, comesBack: () => boolean): void;
}

class PowerCut extends Error {}

/** Puts itself between a spool and the real disk. */
export function faultyDisk(): FaultyDisk {
  const attic = mkdtempSync(join(tmpdir(), 'voltpipe-attic-'));
  const paths = new Map<number, string>();
  const synced = new Map<string, number>();
  let removed: { path: string; copy: string }[] = [];
  let copies = 0;
  let dead = false;
  const steps: string[] = [];

  const step = (what: string, path: string): void => {
    if (dead) throw new PowerCut('the power is gone');
    const name = `${what} ${basename(path)}`;
    faulty.fault(name);
    steps.push(name);
  };
  const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

  const faulty: FaultyDisk = {
    ...real,
    steps,
    fault: () => {},
    async create(path) {
      step('create', path);
      const fd = await real.create(path);
      paths.set(fd, path);
      synced.set(path, 0);
      removed = [];
      return fd;
    },
    async append(path) {
      step('append', path);
      const fd = await real.append(path);
      paths.set(fd, path);
      if (!synced.has(path)) synced.set(path, sizeOf(path));
      return fd;
    },
    async write(fd, bytes) {
      step('write', paths.get(fd)!);
      await real.write(fd, bytes);
    },
    async sync(fd) {
      step('sync', paths.get(fd)!);
      const size = sizeOf(paths.get(fd)!);
      await real.sync(fd);
      if (!dead) synced.set(paths.get(fd)!, size);
    },
    async truncate(fd, bytes) {
      step('truncate', paths.get(fd)!);
      await real.truncate(fd, bytes);
    },
    async close(fd) {
      paths.delete(fd);
      await real.close(fd);
    },
    async replace(path, text) {
      step('replace', path);
      await real.replace(path, text);
      synced.set(path, sizeOf(path));
      removed = [];
    },
    slate: () => ({ write() {}, close() {} }),
    remove(path) {
      step('remove', path);
      if (existsSync(path)) {
        const copy = join(attic, String(++copies));
        copyFileSync(path, copy);
        removed.push({ path, copy });
      }
      real.remove(path);
    },
    cutPower(kept, comesBack) {
      dead = true;
      for (const [path, size] of synced) {
        const now = sizeOf(path);
        if (now > size) truncateSync(path, size + kept(now - size));
      }
      for (const { path, copy } of removed) if (comesBack()) copyFileSync(copy, path);
      rmSync(attic, { recursive: true, force: true });
    },
  };
  return faulty;
}
