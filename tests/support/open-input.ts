import type { VoltRecord } from '../../src/records/record.ts';

/** An input that a test fills as it goes on. */
export interface OpenInput extends AsyncIterable<VoltRecord> {
  push(...records: VoltRecord[]): void;
  /** No more comes. */
  end(): void;
}

/** Makes one, for one reader. */
export function openInput(): OpenInput {
  const waiting: VoltRecord[] = [];
  let ended = false;
  let wake = (): void => {};
  return {
    push(...records) {
      waiting.push(...records);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const record = waiting.shift();
        if (record) yield record;
        else if (ended) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
  };
}
