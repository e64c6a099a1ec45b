import { CommandError, exit, fail } from '../../runtime/exit.ts';
import type { BadVerdict, Link, Verdict } from './link.ts';
import type { Portion } from './queue.ts';

/** Draws the conclusions of verdicts. Throws a CommandError when there is no use in going on. */
export interface Judge {
  /** The longest portion, as far as the far side's answers tell. */
  limits(): Link['limits'];
  /** How many portions may be under way: one while a record that is not wanted is looked for. */
  window(): number;
  /**
   * Of a portion: undefined, it is settled; `again`, it goes once more, perhaps in pieces; `aside`, it is a single record that is not
   * wanted, and settled as soon as it is kept elsewhere; `stop`, the session is of no use.
   *
   * @param alone nothing else is under way, so that it is this portion that was meant
   */
  of(portion: Portion, verdict: Verdict, alone: boolean): 'again' | 'aside' | 'stop' | undefined;
  /** Of records that have arrived before the rest of their portion. */
  took(ordinals: readonly number[]): void;
  /** Of a link that could not be opened, or is over. */
  ofLink(verdict: BadVerdict): void;
  /** The end: a few that were rejected lately are believed to have been at fault. */
  close(): void;
  readonly rejected: number;
}

/** Who was let in before is believed to be let in again, until he was turned away that often in a row. */
const refusalsBelieved = 3;
/**
 * A far side that takes none of so many records in a row has something against all of them, or against us; one that has taken some in
 * this run is believed for longer to mean the records. Until then they do not count as delivered.
 */
const rejectionsBelieved = { atFirst: 10, later: 1000 };

/** After so many portions one at a time the search for an unwanted record is given up. */
const caution = 20;

/**
 * Makes a judge. `onDone` is told of inputs that need no more care.
 *
 * @param keeps rejected records are kept elsewhere: then none is too many, nothing is lost
 */
export function createJudge(
  { limits: longest, window }: Pick<Link, 'limits' | 'window'>,
  onDone: (ordinals: readonly number[]) => void,
  keeps = false,
): Judge {
  let worked = false;
  let refusals = 0;
  /** Records a portion may have, halved when one was not taken, doubled when one was. */
  let portion = longest.records;
  /** What was once too large stays so. */
  let ceiling = longest.records;
  /** Rejected since the last success: if all are, it is not the records. */
  let suspects: number[] = [];
  let lastRejection = '';
  let rejected = 0;
  let cautious = 0;

  const settle = (): void => {
    rejected += suspects.length;
    onDone(suspects);
    suspects = [];
  };

  const ofLink = (verdict: BadVerdict): void => {
    if (verdict.kind === 'broken') throw verdict.error;
    if (verdict.kind === 'refused' && (!worked || ++refusals >= refusalsBelieved)) throw refusal(verdict);
    if (verdict.kind === 'wrong' && !worked) throw fail('config', verdict.message, nextStep(verdict.status));
  };

  const took = (ordinals: readonly number[]): void => {
    worked = true;
    refusals = 0;
    settle();
    onDone(ordinals);
  };

  const halve = (count: number): void => {
    portion = Math.max(1, Math.ceil(count / 2));
  };

  return {
    limits: () => ({ records: portion, bytes: longest.bytes }),
    window: () => (cautious > 0 ? 1 : window),
    took,
    ofLink,
    close() {
      if (suspects.length >= rejectionsBelieved.atFirst) throw distrust(suspects.length, lastRejection);
      settle();
    },
    get rejected() {
      return rejected;
    },
    of({ payloads, ordinals }, verdict, alone) {
      switch (verdict.kind) {
        case 'delivered':
          took(ordinals);
          cautious = Math.max(0, cautious - 1);
          portion = Math.min(ceiling, portion * 2);
          return undefined;
        case 'tooLarge':
        case 'rejected':
          if (!alone || payloads.length > 1) cautious = caution;
          if (!alone) return 'again';
          if (payloads.length > 1) {
            halve(payloads.length);
            if (verdict.kind === 'tooLarge') ceiling = portion;
            return 'again';
          }
          cautious = 0;
          if (keeps) {
            rejected += ordinals.length;
            return 'aside';
          }
          suspects.push(...ordinals);
          lastRejection = verdict.message;
          if (suspects.length >= rejectionsBelieved[worked ? 'later' : 'atFirst'])
            throw distrust(suspects.length, lastRejection);
          return undefined;
        default:
          return 'stop';
      }
    },
  };
}

const refusal = ({ message }: BadVerdict): CommandError =>
  fail('noPermission', message, 'Check user, password, token and certificate.');

const distrust = (count: number, message: string): CommandError =>
  new CommandError(
    exit.protocol,
    `${count} records in a row rejected, and none taken: ${message}`,
    'They do not count as delivered. Look at --dry-run and at what the far side expects, or set them aside with --rejects.',
  );

const nextStep = (status: string): string =>
  status === 'tls' ? 'Name its authority with --ca.' : 'Check the address.';
