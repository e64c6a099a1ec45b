/** Extra facts of a message; values are quoted and stripped of control characters. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** One line on stderr each. Secrets and VINs are redacted. Foreign text goes into `fields`, never into `message`. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Says `message` at `warn` when `key` was not lost before, and nothing until {@link Log.recovered}: once on loss … */
  lost(key: string, message: string, fields?: LogFields): void;
  /** … once on recovery, at `info`, with the length of the outage; silent if `key` was not lost. */
  recovered(key: string, message: string, fields?: LogFields): void;
}
