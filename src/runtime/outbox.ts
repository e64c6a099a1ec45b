import { type Batch, emptyBatch, type Item } from './batch.ts';

/** What a generator has made and its reader not yet taken. */
export interface Outbox {
  /** Puts an item in; returns its ordinal, from 1. */
  put(item: Item, text: string | undefined): number;
  /** Resolves when there is room for more: a generator runs one batch ahead of its reader, no further. */
  room(): Promise<void>;
  /** The next batch, when the generator has come to a halt or made enough; undefined at the end. */
  next(): Promise<Batch | undefined>;
  /** Nothing more comes. */
  end(): void;
  /** Nobody reads any longer: there is always room. */
  open(): void;
}

/** Items that a generator may run ahead of its reader. */
const maxBatch = 512;
/** Nor more characters, where the items are lines: these may have 1 MiB each. */
const maxCharacters = 1024 * 1024;

/** Collects what a generator makes without waiting into one batch, which leaves with the next turn of the event loop. */
export function createOutbox(): Outbox {
  let out = emptyBatch();
  let characters = 0;
  let ordinal = 0;
  let flushable = false;
  let ended = false;
  let unread = false;
  let wakeReader: (() => void) | undefined;
  let wakeWriters: (() => void)[] = [];

  const flush = (): void => {
    flushable = true;
    wakeReader?.();
    wakeReader = undefined;
  };

  const taken = (): void => {
    const waiting = wakeWriters;
    wakeWriters = [];
    for (const wake of waiting) wake();
  };

  return {
    put(item, text) {
      out.items.push(item);
      out.texts.push(text);
      out.lines.push(++ordinal);
      characters += (text ?? (typeof item === 'string' ? item : '')).length;
      if (out.items.length === 1) setImmediate(flush);
      return ordinal;
    },
    async room() {
      if ((out.items.length < maxBatch && characters < maxCharacters) || unread) return;
      flush();
      await new Promise<void>((resolve) => {
        wakeWriters.push(resolve);
      });
    },
    async next() {
      for (;;) {
        if (out.items.length > 0 && (flushable || ended)) {
          const batch = out;
          out = emptyBatch();
          characters = 0;
          flushable = false;
          taken();
          return batch;
        }
        flushable = false;
        if (ended) return undefined;
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
    },
    end() {
      ended = true;
      flush();
    },
    open() {
      unread = true;
      taken();
    },
  };
}
