/** What goes wrong on a simulated serial line. */
export interface LineFault {
  /** `lost`: bytes are lost out of the middle; `checksum`: one bit is wrong; `silence`: no answer; `disconnect`: the line breaks in mid-frame; `echo`: the adapter hears what is sent; `noise`: other bytes come first; `master`: another master asks in between; `split`: answers come byte by byte. */
  kind: LineFaultKind;
  /** How many answers it hits; absent: all. */
  times?: number;
  /** Answers that come before the first one it hits. */
  after?: number;
}

/** Faults by name. */
export const lineFaultKinds = [
  'lost',
  'checksum',
  'silence',
  'disconnect',
  'echo',
  'noise',
  'master',
  'split',
] as const;

/** One of them. */
export type LineFaultKind = (typeof lineFaultKinds)[number];

/**
 * Reads a fault from a command line: `checksum`, `lost,times=3`, `disconnect,after=2`.
 *
 * @throws Error that says what is wrong
 */
export function parseLineFault(text: string): LineFault {
  const [kind, ...settings] = text.split(',');
  if (!lineFaultKinds.includes(kind as LineFaultKind)) {
    throw new Error(`unknown kind '${kind}'; known are ${lineFaultKinds.join(', ')}`);
  }
  const fault: LineFault = { kind: kind as LineFaultKind };
  for (const setting of settings) {
    const [name, value] = setting.split('=');
    if ((name !== 'times' && name !== 'after') || !/^\d+$/.test(value ?? ''))
      throw new Error(`expected times=N or after=N, not '${setting}'`);
    fault[name] = Number(value);
  }
  return fault;
}

/** Keeps account of which answer is hit by which faults. */
export function faultPlan(faults: readonly LineFault[]): {
  next(): ReadonlySet<LineFaultKind>;
  add(fault: LineFault): void;
} {
  const left = faults.map((fault) => ({ ...fault }));
  return {
    add: (fault) => void left.push({ ...fault }),
    next() {
      const hit = new Set<LineFaultKind>();
      for (const fault of left) {
        if (fault.after) {
          fault.after--;
          continue;
        }
        if (fault.times === 0) continue;
        if (fault.times !== undefined) fault.times--;
        hit.add(fault.kind);
      }
      return hit;
    },
  };
}
