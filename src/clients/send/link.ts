import type { SocketFailure } from '../../transports/socket-failure.ts';

/** Records that go together, each as the text that the far side gets of it. */
export interface Shipment {
  payloads: readonly string[];
}

/**
 * What became of a shipment.
 *
 * - `delivered`: it is as safe as the scheme can promise
 * - `rejected`: the far side does not want these records, now or later
 * - `tooLarge`: it takes them in smaller portions, perhaps
 * - `later`: it is not there, or has no time
 * - `refused`: it does not want us
 * - `wrong`: the address or a setting is wrong, as far as can be told
 * - `broken`: our own disk failed
 */
export type Verdict =
  | { kind: 'delivered'; status: string; message?: string }
  | { kind: 'rejected' | 'tooLarge' | 'refused' | 'wrong'; status: string; message: string }
  | { kind: 'later'; status: string; message: string; retryAfter?: number }
  | { kind: 'broken'; status: string; message: string; error: Error };

/** A verdict that ends the session or the run. */
export type BadVerdict = Exclude<Verdict, { kind: 'delivered' }>;

/** A link that could not be opened, and what that means. */
export class LinkDown extends Error {
  readonly verdict: BadVerdict;

  constructor(verdict: BadVerdict) {
    super(verdict.message);
    this.verdict = verdict;
  }
}

/** Told that so many records, the next ones in order, are safe before the others of their shipment; `status` as in a verdict. */
export type Arrived = (records: number, status: string) => void;

/** An open link. */
export interface Session {
  /**
   * Brings a shipment over. Verdicts come in the order of the calls; never rejects. Of a shipment that arrives little by little a far
   * side may say so: `arrived` is told, and the verdict is about the rest.
   */
  deliver(shipment: Shipment, arrived: Arrived): Promise<Verdict>;
  /** Resolves when the link is over though nobody has ended it, with the reason. */
  readonly lost: Promise<string>;
  /** Nothing more comes soon: what waits for company, as a file for the next sync, waits no longer. */
  flush?(): void;
  /** Nothing more comes: says goodbye. Resolves to what went wrong with that, if anything. */
  end(): Promise<string | undefined>;
  /** Drops it at once. */
  abandon(): void;
}

/** One scheme's way to a far side. */
export interface Link {
  /** As it may be shown: no user, no password, no query. */
  readonly name: string;
  /** Shipments under way at once. */
  readonly window: number;
  /** The longest shipment. */
  readonly limits: { records: number; bytes: number };
  /** Whether it is worth having while nothing is sent; such a link is opened at once. */
  readonly keeps: boolean;
  /** Rejects with {@link LinkDown} or a CommandError. */
  open(signal: AbortSignal): Promise<Session>;
}

/** What a failure of a socket means for those who send. */
export function verdictOf({ kind, message, code }: SocketFailure): BadVerdict {
  const status = code === undefined ? kind : String(code);
  if (kind === 'refused' || kind === 'tooLarge') return { kind, status, message };
  if (kind === 'tls' || code === 404 || code === 405) return { kind: 'wrong', status, message };
  return { kind: 'later', status, message };
}

/** A link that is never over by itself. */
export const neverLost: Promise<string> = new Promise(() => {});
