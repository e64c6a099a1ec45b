/** What waits to be sent. */
interface Waiting {
  payload: string;
  /** The input that it was made of; undefined for what was made here. */
  ordinal: number | undefined;
  /** `time` of the record. */
  time: string | undefined;
  /** What it tells of, where it stands in the place of dropped ones. */
  hole?: Hole;
}

/** Records that go together, with the inputs that they are. */
export interface Portion {
  payloads: string[];
  /** The inputs that are safe when it is. */
  ordinals: number[];
  items: Waiting[];
}

const portionOf = (items: Waiting[]): Portion => ({
  items,
  payloads: items.map(({ payload }) => payload),
  ordinals: items.map(({ ordinal }) => ordinal).filter((ordinal) => ordinal !== undefined),
});

/** The first so many records of a portion, and the others. */
export const divide = ({ items }: Portion, records: number): [Portion, Portion] => [
  portionOf(items.slice(0, records)),
  portionOf(items.slice(records)),
];

/** Records that were dropped. */
export interface Hole {
  count: number;
  /** Times of the first and the last one. */
  from: string | undefined;
  to: string | undefined;
}

/** How much may wait, and what happens when it is more. */
export interface QueueLimits {
  records: number;
  bytes: number;
  policy: 'block' | 'drop-oldest';
  /** Told of the inputs that were dropped. */
  onDrop(ordinals: readonly number[]): void;
  /** The text that goes in the place of dropped ones; undefined: none. */
  gap(hole: Hole): string | undefined;
}

/** A bounded queue of texts. */
export interface SendQueue {
  readonly size: number;
  readonly bytes: number;
  readonly isFull: boolean;
  push(item: Waiting): void;
  /** The next portion; undefined when nothing waits. */
  take(limits: { records: number; bytes: number }): Portion | undefined;
  /** It comes first again, as it was. */
  putBack(portion: Portion): void;
}

/** Makes a queue. With `block` the one who pushes heeds {@link SendQueue.isFull}; with `drop-oldest` the oldest goes. */
export function createSendQueue(limits: QueueLimits): SendQueue {
  let items: Waiting[] = [];
  let head = 0;
  let bytes = 0;
  let hole: Hole | undefined;

  const size = (): number => items.length - head;

  const shift = (): Waiting => {
    const item = items[head++]!;
    bytes -= item.payload.length;
    if (head > 4096 && head * 2 > items.length) {
      items = items.slice(head);
      head = 0;
    }
    return item;
  };

  const overfull = (): boolean => size() > limits.records || (bytes > limits.bytes && size() > 1);

  const trim = (): void => {
    const dropped: number[] = [];
    while (overfull()) {
      const { ordinal, time, hole: older } = shift();
      if (ordinal !== undefined) dropped.push(ordinal);
      hole = merged(hole, older ?? { count: 1, from: time, to: time });
    }
    if (dropped.length > 0) limits.onDrop(dropped);
  };

  return {
    get size() {
      return size();
    },
    get bytes() {
      return bytes;
    },
    get isFull() {
      return size() >= limits.records || bytes >= limits.bytes;
    },
    push(item) {
      items.push(item);
      bytes += item.payload.length;
      if (limits.policy === 'drop-oldest') trim();
    },
    take(most) {
      if (size() === 0) return undefined;
      const portion: Portion = { payloads: [], ordinals: [], items: [] };
      let length = 0;
      const add = (item: Waiting): void => {
        portion.items.push(item);
        portion.payloads.push(item.payload);
        if (item.ordinal !== undefined) portion.ordinals.push(item.ordinal);
        length += item.payload.length;
      };
      const found = hole;
      const gap = found && limits.gap(found);
      hole = undefined;
      if (gap !== undefined && found) add({ payload: gap, ordinal: undefined, time: undefined, hole: found });
      while (size() > 0 && portion.items.length < most.records) {
        if (portion.items.length > 0 && length + items[head]!.payload.length > most.bytes) break;
        add(shift());
      }
      return portion;
    },
    putBack(portion) {
      items = [...portion.items, ...items.slice(head)];
      head = 0;
      for (const { payload } of portion.items) bytes += payload.length;
      if (limits.policy === 'drop-oldest') trim();
    },
  };
}

/** Two holes of which the first is in front. */
const merged = (first: Hole | undefined, next: Hole): Hole =>
  first ? { count: first.count + next.count, from: first.from ?? next.from, to: next.to ?? first.to } : next;
