import { readdirSync } from 'node:fs';
import type { Disk } from './disk.ts';

/** Files and folders that a spool makes in its folder. */
const ours = /^(?:\d{16}\.log|\d{16}-\d{16}\.gap|cursor\.(?:json|now)|(?:writer|reader)\.lock|reserve|quarantine)$/;

/**
 * Whether a folder is a spool, or can become one: something of a spool is in it, or nothing at all. One that holds other things alone,
 * as the folder above some spools does, is none. Throws exit status 74 when it cannot be read.
 */
export function isSpool(disk: Disk, folder: string): boolean {
  if (disk.entries(folder).some(({ name }) => ours.test(name))) return true;
  const names = readdirSync(folder);
  return names.length === 0 || names.some((name) => ours.test(name));
}
