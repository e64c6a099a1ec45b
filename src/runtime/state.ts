/** A JSON document in the data directory: `<data dir>/<name>.json`. */
export interface State<T> {
  /** The document now, or undefined when there is none. A broken file is moved aside and said. */
  read(): Promise<T | undefined>;
  /** Locks, reads, calls `fn`, writes what it returns (temp file, fsync, rename), unlocks. */
  update(fn: (value: T | undefined) => T | Promise<T>): Promise<T>;
  /**
   * For a stateful filter: `snapshot` is taken and saved while records flow, at most once a second, seldomer if it is large, and at
   * the end. Input counts as safe only after the save that covers it.
   *
   * With a `stretch`, what is saved is what was delivered, exactly, if what comes before (a spool) delivers the rest again after a crash:
   * before each save no more is read until all that was put out is delivered, and no more than `stretch` records are read between two
   * saves. So no record before the last save comes again, but those that whoever delivers them had not yet noted as done: of the last save,
   * or, after a power cut, of the last few.
   */
  keep(snapshot: () => T, stretch?: number): void;
}
