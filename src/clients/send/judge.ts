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
   * Of a portion: undefined, it is settled; `again`, it goes once more, perhaps in pieces; `stop`, the session is of no use.
   *
   * @param alone nothing else is under way, so that it is this portion that was meant
   */
  of(portion: Portion, verdict: Verdict, alone: boolean): 'again' | 'stop' | undefined;
  /** Of records that have arrived before the rest of their portion. */
  took(ordinals: readonly number[]): void;
  /** Of a link that could not be opened, or is over. */
  ofLink(verdict: BadVerdict): void;
  /** The end: what was rejected lately is believed to have been at fault. */
  settle(): void;
  readonly rejected: number;
}

/** Who was let in before is believed to be let in again, until he was turned away that often in a row. */
const refusalsBelieved = 3;
/** A far side that takes none of so many records in a row has something against all of them, or against us. */
const rejectionsBelieved = 10;

/** After so many portions one at a time the search for an unwanted record is given up. */
const caution = 20;

/** Makes a judge. `onDone` is told of inputs that need no more care. */
export function createJudge(
  { limits: longest, window }: Pick<Link, 'limits' | 'window'>,
  onDone: (ordinals: readonly number[]) => void,
): Judge {
  let worked = false;
  let refusals = 0;
  /** Records a portion may have, halved when one was not taken, doubled when one was. */
  let portion = longest.records;
  /** What was once too large stays so. */
  let ceiling = longest.records;
  /** Rejected since the last success: if all are, it is not the records. */
  let suspects: number[] = [];
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
    settle,
    get rejected() {
      return rejected;
    },
    of({ payloads, ordinals }, verdict, alone) {
      if (verdict.kind !== 'refused') refusals = 0;
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
          suspects.push(...ordinals);
          if (suspects.length >= rejectionsBelieved) throw distrust(suspects.length, verdict);
          return undefined;
        default:
          return 'stop';
      }
    },
  };
}

const refusal = ({ message }: BadVerdict): CommandError =>
  fail('noPermission', message, 'Check user, password, token and certificate.');

const distrust = (count: number, { message }: BadVerdict): CommandError =>
  new CommandError(
    exit.protocol,
    `${count} records in a row rejected, and none taken: ${message}`,
    'Look at --dry-run and at what the far side expects. Nothing was counted as delivered since it last took one.',
  );

const nextStep = (status: string): string =>
  status === 'tls' ? 'Name its authority with --ca.' : 'Check the address.';
