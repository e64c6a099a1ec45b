/**
 * Texts put together as bytes (UTF-8), one by one: thousands of pieces as one text would first be a large object of their own, which
 * lives until the next full collection.
 */
export interface TextBytes {
  /** Bytes so far. */
  readonly size: number;
  /** Adds a text. */
  text(piece: string): void;
  /** Adds a byte. */
  byte(value: number): void;
  /** What was put together since the last time. It is overwritten by what is put together next. */
  view(): Buffer;
  /** The same, for whoever keeps it. */
  take(): Buffer;
}

/** Room that is there at first. */
const usual = 64 * 1024;

/** Makes an empty one. */
export function createTextBytes(): TextBytes {
  let bytes = Buffer.allocUnsafeSlow(usual);
  let size = 0;

  const makeRoom = (more: number): void => {
    if (size + more <= bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(size + more, bytes.length * 2));
    bytes.copy(larger, 0, 0, size);
    bytes = larger;
  };

  const view = (): Buffer => {
    const whole = bytes.subarray(0, size);
    size = 0;
    return whole;
  };

  return {
    get size() {
      return size;
    },
    text(piece) {
      // A UTF-16 unit is three bytes at most.
      makeRoom(piece.length * 3);
      size += bytes.write(piece, size);
    },
    byte(value) {
      makeRoom(1);
      bytes[size++] = value;
    },
    view,
    take() {
      // A little does not hold the room of a lot.
      if (size * 2 < bytes.length) return Buffer.from(Uint8Array.prototype.slice.call(view()).buffer);
      const room = Math.max(usual, bytes.length);
      const whole = view();
      bytes = Buffer.allocUnsafeSlow(room);
      return whole;
    },
  };
}
