import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type Disk, disk as real } from '../../src/spool/disk.ts';

/** A disk that a test looks through, fails, or takes the power from. */
export interface FaultyDisk extends Disk {
  /** Every step that changes something, in order: `write 0000000000000001.log`. */
  readonly steps: string[];
  /** Asked before each step; throws what shall go wrong. */
  fault: (step: string) => void;
  /** The power goes: from here on every step fails, and what was never synced is there as far as the cut says. */
  cutPower(cut: Cut): void;
}

/** What a power cut leaves. */
export interface Cut {
  /** Share of what made a file longer or shorter that stays. */
  kept: number;
  /** Files whose removal was not made durable are there again. */
  comesBack: boolean;
  /**
   * Each page of a file is as one of the writes since its last sync left it. The first page is shorter by `shift`: a page may be torn at
   * any byte. Absent: all that was written within the length that stays is there.
   */
  pages?: { bytes: number; shift: number; choose(count: number): number };
}

/** What was last made durable of a file, and what was done to it since: written at a position, or cut there. */
interface History {
  base: Buffer;
  changes: { at: number; bytes?: Buffer }[];
}

function changed(content: Buffer, { at, bytes }: History['changes'][number]): Buffer {
  if (!bytes) return content.subarray(0, at);
  const after = Buffer.alloc(Math.max(content.length, at + bytes.length));
  content.copy(after);
  bytes.copy(after, at);
  return after;
}

function survives({ base, changes }: History, { kept, pages }: Cut): Buffer {
  const versions = [base];
  for (const change of changes) versions.push(changed(versions.at(-1)!, change));
  const newest = versions.at(-1)!;
  const left = Buffer.alloc(base.length + Math.trunc((newest.length - base.length) * kept));
  base.copy(left);
  newest.copy(left);
  if (!pages) return left;
  for (let start = 0, end = pages.bytes - pages.shift; start < left.length; start = end, end += pages.bytes) {
    // No file shows what was never written to it.
    const whole = versions.filter(({ length }) => length >= Math.min(end, left.length));
    if (whole.length > 0) whole[pages.choose(whole.length)]!.copy(left, start, start, end);
  }
  return left;
}

class PowerCut extends Error {}

/** Puts itself between a spool and the real disk. */
export function faultyDisk(): FaultyDisk {
  const attic = mkdtempSync(join(tmpdir(), 'voltpipe-attic-'));
  const paths = new Map<number, string>();
  const histories = new Map<string, History>();
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
  const begin = (path: string): void => void histories.set(path, { base: readFileSync(path), changes: [] });
  const historyOf = (fd: number): History => histories.get(paths.get(fd)!)!;

  const faulty: FaultyDisk = {
    ...real,
    steps,
    fault: () => {},
    async create(path) {
      step('create', path);
      const fd = await real.create(path);
      paths.set(fd, path);
      begin(path);
      removed = [];
      return fd;
    },
    async openToWrite(path) {
      step('open', path);
      const fd = await real.openToWrite(path);
      paths.set(fd, path);
      if (!histories.has(path)) begin(path);
      return fd;
    },
    async write(fd, bytes, position) {
      step('write', paths.get(fd)!);
      historyOf(fd).changes.push({ at: position, bytes: Buffer.from(bytes) });
      await real.write(fd, bytes, position);
    },
    async sync(fd) {
      step('sync', paths.get(fd)!);
      const history = historyOf(fd);
      const covered = history.changes.length;
      await real.sync(fd);
      if (!dead) history.base = history.changes.splice(0, covered).reduce(changed, history.base);
    },
    async truncate(fd, bytes, last) {
      step('truncate', paths.get(fd)!);
      historyOf(fd).changes.push({ at: bytes });
      await real.truncate(fd, bytes, last);
    },
    async close(fd) {
      paths.delete(fd);
      await real.close(fd);
    },
    async replace(path, text) {
      step('replace', path);
      await real.replace(path, text);
      begin(path);
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
    cutPower(cut) {
      dead = true;
      for (const [path, history] of histories) if (existsSync(path)) writeFileSync(path, survives(history, cut));
      for (const { path, copy } of removed) if (cut.comesBack) copyFileSync(copy, path);
      rmSync(attic, { recursive: true, force: true });
    },
  };
  return faulty;
}
