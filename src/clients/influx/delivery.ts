import type { Verdict } from '../../protocols/influx/answer.ts';
import { isolate } from '../../protocols/influx/isolate.ts';
import { type Batch, nothing } from './batch.ts';
import type { WriteAnswer } from './connection.ts';

/** A line that will never be stored, and why. */
export interface Reject {
  line: string;
  reason: string;
}

/** What came of a batch. `left` is what is still to be sent, when something stopped it. */
export interface Delivery {
  left: Uint8Array;
  /** Lines stored, as far as the server says. */
  stored: number;
  rejects: readonly Reject[];
  /** The verdict that stopped it. */
  stopped?: Verdict;
  /** The first answer, or the one that stopped it, for a receipt. */
  answer: WriteAnswer;
}

/** Thrown through the halves of a batch. */
class Stopped extends Error {
  readonly verdict: Verdict;
  constructor(verdict: Verdict) {
    super('stopped');
    this.verdict = verdict;
  }
}

const stops = new Set<Verdict['kind']>(['later', 'refused', 'noDatabase', 'misconfigured', 'away', 'foreign']);

/**
 * Sends a batch until each of its lines is stored or known never to be. Lines that the server rejects are found by what it says, or
 * else by sending halves: points are overwritten by themselves, so that a line sent twice is no second point.
 *
 * @param write one request
 * @param requests how many requests may be spent on finding lines; what is not found by then is rejected as a whole
 */
export async function deliver(
  { body, lines }: Pick<Batch, 'body' | 'lines'>,
  write: (body: Uint8Array) => Promise<WriteAnswer>,
  requests: number,
): Promise<Delivery> {
  const first = await write(body);
  if (first.verdict.kind === 'taken') return { left: nothing, stored: lines, rejects: [], answer: first };
  if (stops.has(first.verdict.kind)) {
    return { left: body, stored: 0, rejects: [], stopped: first.verdict, answer: first };
  }
  return dissect(body, first, write, requests);
}

/** Every line has its newline, and none has one inside. */
const linesOf = (body: Uint8Array): string[] => Buffer.from(body).toString('utf8').split('\n').slice(0, -1);

const bodyOf = (lines: readonly string[]): Uint8Array => Buffer.from(lines.map((line) => `${line}\n`).join(''));

async function dissect(
  body: Uint8Array,
  first: WriteAnswer,
  write: (body: Uint8Array) => Promise<WriteAnswer>,
  requests: number,
): Promise<Delivery> {
  const rejects: Reject[] = [];
  let answer = first;
  let spent = 0;
  let stored = 0;
  const lines = linesOf(body);

  const reject = (bad: readonly string[], reason: string): void => {
    for (const line of bad) rejects.push({ line, reason });
  };

  const send = async (part: readonly string[]): Promise<void> => {
    if (part.length === 0) return;
    spent++;
    answer = await write(bodyOf(part));
    await judge(part, answer.verdict);
  };

  const halves = async (part: readonly string[], take: (half: readonly string[]) => Promise<void>): Promise<void> => {
    const middle = Math.ceil(part.length / 2);
    await take(part.slice(0, middle));
    await take(part.slice(middle));
  };

  const giveUp = async (part: readonly string[], message: string): Promise<void> =>
    reject(part, `${message} (not isolated: --max-bisect is reached)`);

  /** Settles every line of `part`, in order. */
  const judge = async (part: readonly string[], verdict: Verdict): Promise<void> => {
    if (stops.has(verdict.kind)) throw new Stopped(verdict);
    if (verdict.kind === 'taken') {
      stored += part.length;
      return;
    }
    const { message } = verdict as Extract<Verdict, { message: string }>;
    if (part.length === 1) {
      // A proxy's limit says nothing of the line: the database may well take it.
      if (verdict.kind === 'split' && !verdict.own) throw new Stopped({ kind: 'foreign', message });
      return reject(part, message);
    }
    if (verdict.kind === 'split') return halves(part, send);
    if (verdict.kind === 'named') {
      const reasons = new Map(
        verdict.rejected
          .map(({ line, text, reason }) => [(line ?? part.indexOf(text ?? '') + 1) - 1, reason] as const)
          .filter(([index]) => part[index] !== undefined),
      );
      if (reasons.size > 0) return withoutThese(part, reasons, !verdict.all);
    }
    const dropped = verdict.kind === 'some' ? verdict.dropped : undefined;
    const found = isolate(part, message, dropped);
    if (found && found.rejected.size > 0) return withoutThese(part, found.rejected, found.askAgain);
    return halves(part, (half) => (spent < requests ? send(half) : giveUp(half, message)));
  };

  const withoutThese = async (
    part: readonly string[],
    bad: ReadonlyMap<number, string>,
    askAgain: boolean,
  ): Promise<void> => {
    for (const [index, reason] of bad) reject([part[index]!], reason);
    const rest = part.filter((_, index) => !bad.has(index));
    if (askAgain) return spent <= requests || rest.length === 0 ? send(rest) : giveUp(rest, 'not asked again');
    stored += rest.length;
  };

  try {
    await judge(lines, first.verdict);
    return { left: nothing, stored, rejects, answer: first };
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    const bad = new Set(rejects.map(({ line }) => line));
    const left = lines.filter((line) => !bad.has(line));
    return { left: bodyOf(left), stored: 0, rejects, stopped: error.verdict, answer };
  }
}
