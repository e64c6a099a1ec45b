/** A set of small numbers that gives them back in ascending order, while more of them are being added. */
export interface BitSet {
  add(index: number): void;
  /** Takes out the lowest; -1 when the set is empty. */
  shift(): number;
}

/** Makes an empty set for numbers below `size`. */
export function bitSet(size: number): BitSet {
  const words = new Int32Array(Math.ceil(size / 32));
  return {
    add(index) {
      words[index >>> 5]! |= 1 << (index & 31);
    },
    shift() {
      for (let at = 0; at < words.length; at++) {
        const word = words[at]!;
        if (word === 0) continue;
        words[at] = word & (word - 1);
        return (at << 5) + 31 - Math.clz32(word & -word);
      }
      return -1;
    },
  };
}
