/** What a fault can hit: a write, or the making of a database or bucket. */
export type FaultTarget = 'write' | 'create';

/** What the simulator does wrong on request, with one request or several. */
export interface InfluxFault {
  /** What it hits (default `write`); the making of a database knows `status`, `message`, `retryAfter`, `delay` and `drop`. */
  on?: FaultTarget;
  /** HTTP status of the answer, with a body in the server's own form. */
  status?: number;
  /** The message in it. */
  message?: string;
  /** Seconds for a `retry-after` header. */
  retryAfter?: number;
  /** Milliseconds until the answer. */
  delay?: number;
  /** Resets the connection: `before` anything is stored, or `during` the answer, when the lines are stored. */
  drop?: 'before' | 'during';
  /** Rejects every line with this text in it. */
  reject?: string;
  /** Answers 413 to a body of more bytes. */
  tooLarge?: number;
  /** How many requests it hits (default 1). */
  times?: number;
}

const numbers = new Set(['status', 'retryAfter', 'delay', 'tooLarge', 'times']);
const texts = new Set(['on', 'message', 'drop', 'reject']);

/**
 * Reads a fault from a command line: `status=503,retryAfter=5,times=3`, `reject=device_id=X`.
 *
 * @throws Error that says what is wrong
 */
export function parseFault(text: string): InfluxFault {
  const fault: Record<string, unknown> = {};
  for (const part of text.split(',')) {
    const [name = '', ...rest] = part.split('=');
    fault[name.trim()] = numbers.has(name.trim()) ? Number(rest.join('=')) : rest.join('=');
  }
  return checkFault(fault);
}

/** Checks a fault from outside. @throws Error that says what is wrong */
export function checkFault(value: unknown): InfluxFault {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('a fault is an object');
  for (const [name, setting] of Object.entries(value)) {
    if (!numbers.has(name) && !texts.has(name)) {
      throw new Error(`unknown key ${name || '""'}; known are ${[...numbers, ...texts].join(', ')}`);
    }
    if (numbers.has(name) && !(Number.isInteger(setting) && (setting as number) >= 0)) {
      throw new Error(`${name}: expected a whole number`);
    }
    if (texts.has(name) && typeof setting !== 'string') throw new Error(`${name}: expected text`);
  }
  const fault = value as InfluxFault;
  if (fault.on !== undefined && fault.on !== 'write' && fault.on !== 'create') {
    throw new Error('on: expected write or create');
  }
  if (fault.drop !== undefined && fault.drop !== 'before' && fault.drop !== 'during') {
    throw new Error('drop: expected before or during');
  }
  if (fault.status !== undefined && (fault.status < 200 || fault.status > 599))
    throw new Error('status: no HTTP status');
  return fault;
}

/** Faults that wait for their turn. */
export interface FaultQueue {
  add(fault: InfluxFault): void;
  /** The fault of the next request of that kind. */
  next(on: FaultTarget): InfluxFault | undefined;
  list(): readonly InfluxFault[];
}

/** A queue of faults, each used as often as it says. */
export function createFaults(first: readonly InfluxFault[]): FaultQueue {
  const faults = [...first];
  return {
    add: (fault) => void faults.push(fault),
    list: () => faults,
    next(on) {
      const index = faults.findIndex((one) => (one.on ?? 'write') === on);
      const fault = faults[index];
      if (!fault) return undefined;
      const left = (fault.times ?? 1) - 1;
      if (left > 0) faults[index] = { ...fault, times: left };
      else faults.splice(index, 1);
      return fault;
    },
  };
}
