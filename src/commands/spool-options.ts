import { fail } from '../runtime/exit.ts';
import type { Options, Values } from '../runtime/options.ts';
import { parseDuration, parseSize } from '../runtime/values.ts';
import type { LogOptions } from '../spool/log.ts';
import type { ReadOptions } from '../spool/sides.ts';

/** Options of what writes into a spool. */
export const writing = {
  sync: {
    type: 'string',
    key: 'spool.sync',
    value: 'WHEN',
    default: '1s',
    summary: 'when records are made durable: always, never, or at most this long after they came',
  },
  maxBytes: {
    type: 'size',
    key: 'spool.maxBytes',
    default: 64 * 1024 * 1024,
    min: 1024 * 1024,
    summary: 'most bytes that the spool may take',
  },
  maxAge: { type: 'duration', key: 'spool.maxAge', min: 1000, summary: 'give up records that are older' },
  minFree: {
    type: 'string',
    key: 'spool.minFree',
    value: 'SIZE|N%',
    summary: 'leave so much of the file system free, a size or a share such as 5%',
  },
  whenFull: {
    type: 'choice',
    key: 'spool.whenFull',
    choices: ['drop-oldest', 'drop-newest', 'block', 'exit'],
    default: 'drop-oldest',
    summary: 'what happens when there is no room',
  },
} as const satisfies Options;

/** Options of what takes records out of a spool. */
export const reading = {
  order: {
    type: 'choice',
    key: 'spool.order',
    choices: ['fifo', 'live-first'],
    default: 'fifo',
    summary: 'oldest first; or what is new first, with the backlog behind it',
  },
  drainRate: {
    type: 'number',
    key: 'spool.drainRate',
    min: 0.001,
    summary: 'records a second that the backlog may take, with --order live-first',
  },
  keepSent: {
    type: 'duration',
    key: 'spool.keepSent',
    default: 0,
    summary: 'keep delivered records this long, as far as --max-bytes allows',
  },
} as const satisfies Options;

const freeOf = (text: string): { bytes: number } | { share: number } => {
  const share = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  if (!share) return { bytes: parseSize(text) };
  if (Number(share[1]) >= 100) throw new Error('expected less than 100%');
  return { share: Number(share[1]) / 100 };
};

const syncOf = (text: string): LogOptions['sync'] =>
  text === 'always' || text === 'never' ? text : parseDuration(text) || 'always';

/** Understands a text, or says which flag was wrong. */
function understood<T>(flag: string, text: string, read: (text: string) => T): T {
  try {
    return read(text);
  } catch (error) {
    throw fail('usage', `${flag} '${text}': ${(error as Error).message}`);
  }
}

/** What the options say of writing. Throws exit status 64. */
export function logOptions(opts: Values<typeof writing>): LogOptions {
  return {
    sync: understood('--sync', opts.sync, syncOf),
    maxBytes: opts.maxBytes,
    maxAge: opts.maxAge,
    minFree: opts.minFree === undefined ? undefined : understood('--min-free', opts.minFree, freeOf),
    whenFull: opts.whenFull,
  };
}

/** What the options say of reading. Throws exit status 64. */
export function readOptions({ order, drainRate, keepSent }: Values<typeof reading>): ReadOptions {
  if (drainRate !== undefined && order === 'fifo') {
    throw fail('usage', '--drain-rate is for the backlog behind what is live', 'Add --order live-first.');
  }
  return { order, drainRate, keepSent };
}
