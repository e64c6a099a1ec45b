import type { Item } from './batch.ts';

/** Those who want to know when a record of theirs is safe: `ctx.written`. */
export interface Waiters {
  /** Resolves when the item is safe; rejects when it will never be. Called before the item is put out. */
  expect(item: Item): Promise<void>;
  /** The item has been put out as the `ordinal`-th. */
  put(item: Item, ordinal: number): void;
  /** The first `count` that were put out are safe. */
  delivered(count: number): void;
  /** The item was dropped before it was put out. */
  dropped(item: Item): void;
  /** What has not been put out never will be. */
  ended(): void;
  /** Nothing that is still on its way will be acknowledged. */
  forsaken(): void;
  /** Somebody has asked. */
  readonly asked: boolean;
}

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/** Keeps account of who waits for what. */
export function createWaiters(): Waiters {
  const expected = new Map<Item, Waiter>();
  let asked = false;
  const underWay: { ordinal: number; waiter: Waiter }[] = [];

  const refuse = (why: string): void => {
    for (const waiter of expected.values()) waiter.reject(new Error(why));
    expected.clear();
  };

  return {
    get asked() {
      return asked;
    },
    expect(item) {
      asked = true;
      const promise = new Promise<void>((resolve, reject) => {
        expected.set(item, { resolve, reject });
      });
      // A command that asks and doesn't look is no bug of ours to die of.
      promise.catch(() => {});
      return promise;
    },
    put(item, ordinal) {
      const waiter = expected.get(item);
      if (!waiter) return;
      expected.delete(item);
      underWay.push({ ordinal, waiter });
    },
    delivered(count) {
      while (underWay[0] && underWay[0].ordinal <= count) underWay.shift()!.waiter.resolve();
    },
    dropped(item) {
      expected.get(item)?.reject(new Error('dropped: the queue was full'));
      expected.delete(item);
    },
    ended: () => refuse('the command ended before it was written'),
    forsaken() {
      refuse('the reader went away');
      for (const { waiter } of underWay.splice(0)) waiter.reject(new Error('the reader went away'));
    },
  };
}
