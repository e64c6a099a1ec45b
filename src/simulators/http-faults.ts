/** What a simulated server does wrong on request, with one request or several. */
export interface HttpFault {
  /** HTTP status of the answer. */
  status?: number;
  /** Seconds for a `retry-after` header. */
  retryAfter?: number;
  /** Milliseconds until the answer. */
  delay?: number;
  /** Resets the connection: `before` anything is taken, or `during` the answer, when all is taken. */
  drop?: 'before' | 'during';
  /** How many requests it hits (default 1). */
  times?: number;
}

/** Reads faults of one kind of server. */
export interface FaultForm<F> {
  /** From a command line: `status=503,retryAfter=5,times=3`. @throws Error that says what is wrong */
  parse(text: string): F;
  /** From outside, as an object. @throws Error that says what is wrong */
  check(value: unknown): F;
}

/** Names of settings by the kind of their values. */
interface Settings<Name extends string> {
  numbers?: readonly Name[];
  texts?: readonly Name[];
  choices?: Readonly<Partial<Record<Name, readonly string[]>>>;
}

const common = ['status', 'retryAfter', 'delay', 'times'];
const commonChoices = { drop: ['before', 'during'] };

/** @param own what this server's faults have beyond {@link HttpFault} */
export function faultForm<F extends HttpFault>(own: Settings<keyof F & string>): FaultForm<F> {
  const numbers = new Set<string>([...common, ...(own.numbers ?? [])]);
  const choices: Readonly<Record<string, readonly string[] | undefined>> = { ...commonChoices, ...own.choices };
  const texts = new Set<string>([...(own.texts ?? []), ...Object.keys(choices)]);

  const check = (value: unknown): F => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('a fault is an object');
    for (const [name, setting] of Object.entries(value)) {
      if (!numbers.has(name) && !texts.has(name)) {
        throw new Error(`unknown key ${name || '""'}; known are ${[...numbers, ...texts].join(', ')}`);
      }
      if (numbers.has(name) && !(Number.isInteger(setting) && (setting as number) >= 0)) {
        throw new Error(`${name}: expected a whole number`);
      }
      if (texts.has(name) && typeof setting !== 'string') throw new Error(`${name}: expected text`);
      const known = Object.hasOwn(choices, name) ? choices[name] : undefined;
      if (known && !known.includes(setting as string)) throw new Error(`${name}: expected ${known.join(' or ')}`);
    }
    const { status } = value as HttpFault;
    if (status !== undefined && (status < 200 || status > 599)) throw new Error('status: expected 200 to 599');
    return value as F;
  };

  return {
    check,
    parse(text) {
      const fault: Record<string, unknown> = {};
      for (const part of text.split(',')) {
        const [name = '', ...rest] = part.split('=');
        fault[name.trim()] = numbers.has(name.trim()) ? Number(rest.join('=')) : rest.join('=');
      }
      return check(fault);
    },
  };
}
