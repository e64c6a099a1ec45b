/** A JSON document in the data directory: `<data dir>/<name>.json`. */
export interface State<T> {
  /** The document now, or undefined when there is none. A broken file is moved aside and said. */
  read(): Promise<T | undefined>;
  /** Locks, reads, calls `fn`, writes what it returns (temp file, fsync, rename), unlocks. */
  update(fn: (value: T | undefined) => T | Promise<T>): Promise<T>;
  /**
   * For a stateful filter: `snapshot` is taken and saved while records flow, at most once a second, and at the end. Input counts
   * as safe only after the save that covers it.
   */
  keep(snapshot: () => T): void;
}
