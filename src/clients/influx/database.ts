import type { Verdict } from '../../protocols/influx/answer.ts';

/** Makes the database for writes that miss it: once for all that are under way together, and again when it is gone another day. */
export interface DatabaseMaker {
  /** How often it has been made; a write remembers it from when it was sent. */
  readonly era: number;
  /** A write that was sent in that era missed it. Resolves with `taken` when that write is worth another try, else with why not. */
  missed(era: number, said: Verdict): Promise<Verdict>;
  /** A write was taken: it is there. */
  found(): void;
}

/** @param make has the server make it; `taken` when it is there */
export function createDatabaseMaker(make: () => Promise<Verdict>, onMade: () => void): DatabaseMaker {
  let era = 0;
  /** It was made, and nothing has been written to it yet. */
  let unproven = false;
  let making: Promise<Verdict> | undefined;

  const makeOnce = async (): Promise<Verdict> => {
    const verdict = await make();
    if (verdict.kind === 'taken') {
      era++;
      unproven = true;
      onMade();
    }
    making = undefined;
    return verdict;
  };

  return {
    get era() {
      return era;
    },
    async missed(sentIn, said) {
      if (making) return making;
      if (sentIn < era) return { kind: 'taken' };
      if (unproven) return said;
      making = makeOnce();
      return making;
    },
    found() {
      unproven = false;
    },
  };
}
