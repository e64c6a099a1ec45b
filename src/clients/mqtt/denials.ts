import { fail } from '../../runtime/exit.ts';
import { reasonOf } from '../../transports/mqtt/failure.ts';
import type { Job } from './publisher.ts';

/** The code of a message that the broker's rules do not let us publish: not authorised. */
export const notAuthorised = 135;

/** Denials before any message is taken, after which it is certain that the broker allows nothing. */
const mostDenied = 100;

/**
 * What the broker denies us before it has taken anything. Until then, to be refused as not authorised says more of its rules than of
 * the message: a typing mistake there must not empty a spool.
 */
export interface Denials {
  /** Rejects with exit status 77 when it is certain that the broker allows nothing; never resolves. */
  readonly certain: Promise<never>;
  /** A message of a record was denied. True: its record stays open, until {@link Denials.taken} gives it back. */
  keep(job: Job): boolean;
  /** A message of a record was taken. Returns the ordinals that were kept, one for each message. */
  taken(job: Job): readonly number[];
}

/** Knows of no denial yet. */
export function createDenials(): Denials {
  /** Ordinals of denied messages; undefined: one was taken. */
  let kept: number[] | undefined = [];
  let deny!: (error: Error) => void;
  const certain = new Promise<never>((_resolve, reject) => {
    deny = reject;
  });
  certain.catch(() => {});

  return {
    certain,
    keep({ ordinal, topic }) {
      if (!kept) return false;
      kept.push(ordinal);
      if (kept.length === mostDenied) {
        deny(
          fail(
            'noPermission',
            `the broker allows nothing of ${mostDenied} messages: ${reasonOf(notAuthorised)}`,
            `Its rules must let this user write to ${topic}.`,
          ),
        );
      }
      return true;
    },
    taken({ qos }) {
      // With QoS 0 it is the socket that has taken it: the broker has said nothing.
      if (!kept || qos === 0) return [];
      const ordinals = kept;
      kept = undefined;
      return ordinals;
    },
  };
}
