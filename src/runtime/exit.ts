/** The exit statuses of every command, after sysexits(3), so that systemd and cron know their names. */
export const exit = {
  /** Done, or the reader of stdout went away. */
  ok: 0,
  /** The command line is wrong. */
  usage: 64,
  /** Some input was not a record. */
  data: 65,
  /** A device, broker or API could not be reached after retries. */
  unavailable: 69,
  /** A bug in voltpipe. */
  software: 70,
  /** Our own disk or descriptor failed. */
  io: 74,
  /** Try later: rate limit, quota, `--timeout`. */
  later: 75,
  /** The other side spoke nonsense, or a wallbox rejected the command. */
  protocol: 76,
  /** Not logged in, or refused. */
  noPermission: 77,
  /** The configuration is wrong. */
  config: 78,
} as const;

/** One of the exit statuses above. */
export type ExitStatus = (typeof exit)[keyof typeof exit];

/** What each status means, for manuals. @public (scripts/generate.mjs) */
export const exitMeaning: Record<ExitStatus, string> = {
  0: 'done, or the reader of stdout went away',
  64: 'usage: the command line is wrong',
  65: 'some input was not a record',
  69: 'device, broker or API unreachable after retries',
  70: 'a bug in voltpipe',
  74: 'local input or output failed',
  75: 'try later: rate limit, quota or --timeout',
  76: 'the other side spoke nonsense, or rejected the command',
  77: 'not logged in, or refused',
  78: 'configuration',
};

/**
 * A failure that the user can act on. Printed as `name: what failed: why. Next step.`, without a stack.
 *
 * @param status the exit status of the process
 * @param message what failed and why, no full stop: `token file /x/y: cannot be read: permission denied`
 * @param next the next step, a sentence: `Run bmw-login.`
 */
export class CommandError extends Error {
  readonly status: ExitStatus;
  readonly next: string | undefined;

  constructor(status: ExitStatus, message: string, next?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.status = status;
    this.next = next;
  }
}

/** `what failed: why. Next step.` */
export function sentence({ message, next }: { message: string; next?: string | undefined }): string {
  return next ? `${message}. ${next}` : message;
}

/** Builds a {@link CommandError} by the name of its status: `throw fail('noPermission', 'no tokens', 'Run bmw-login.')`. */
export function fail(status: keyof typeof exit, message: string, next?: string, cause?: unknown): CommandError {
  return new CommandError(exit[status], message, next, cause === undefined ? undefined : { cause });
}
