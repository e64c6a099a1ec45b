import { existsSync } from 'node:fs';
import type { VoltRecord } from '../records/record.ts';
import { timestamp } from '../runtime/clock.ts';
import { fail } from '../runtime/exit.ts';
import { disk } from '../spool/disk.ts';
import type { Fault } from '../spool/inspect.ts';
import { survey } from '../spool/inspect.ts';
import { isSpool } from '../spool/names.ts';

/** The folder of a spool that has to be there. Throws exit status 64, also for a folder that holds other things and nothing of a spool. */
export function spoolFolder([folder]: readonly string[]): string {
  if (!existsSync(folder!)) throw fail('usage', `${folder}: there is no such spool`);
  if (!isSpool(disk, folder!)) throw fail('usage', `${folder}: there is a folder, and nothing of a spool in it`);
  return folder!;
}

/** A `spool_status` record. */
export function statusRecord(folder: string, now: number): VoltRecord {
  const found = survey(disk, folder);
  return {
    type: 'spool_status',
    time: timestamp(now),
    spool: folder,
    backlog: found.backlog,
    delivered: found.done.upTo,
    newest: found.newest,
    ...(found.oldest === undefined ? {} : { oldest_time: found.oldest }),
    dropped: found.dropped,
    bytes: found.bytes,
    segments: found.segments.length,
    quarantined: found.quarantined,
  };
}

/** A `finding` record about a file of a spool. */
export function findingOf({ file, what }: Fault, status: 'ok' | 'warning' | 'error', now: number): VoltRecord {
  return { type: 'finding', time: timestamp(now), check: file, status, message: what };
}
