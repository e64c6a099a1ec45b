/** What the simulator does wrong on request, with one request or several. */
export interface AbrpFault {
  /** HTTP status of the answer; the body is then ABRP's for it, or a gateway's page. */
  status?: number;
  /** Answers HTTP 200 with `status` error and this text. */
  error?: string;
  /** Answers with this text as it is. */
  body?: string;
  contentType?: string;
  /** Seconds for a `retry-after` header. */
  retryAfter?: number;
  /** Milliseconds until the answer. */
  delay?: number;
  /** Resets the connection: `before` anything is read as telemetry, or `during` the answer, when the points are already taken. */
  drop?: 'before' | 'during';
  /** How many requests it hits (default 1). */
  times?: number;
}

/** An answer in full. */
export interface PlainAnswer {
  status: number;
  contentType: string;
  body: string;
}

const numbers = new Set(['status', 'retryAfter', 'delay', 'times']);
const texts = new Set(['error', 'body', 'contentType', 'drop']);

/**
 * Reads a fault from a command line: `status=500,times=3`, `delay=2000`, `drop=during`, `error=utc is wrong`.
 *
 * @throws Error that says what is wrong
 */
export function parseFault(text: string): AbrpFault {
  const fault: Record<string, unknown> = {};
  for (const part of text.split(',')) {
    const [name = '', ...rest] = part.split('=');
    fault[name.trim()] = numbers.has(name.trim()) ? Number(rest.join('=')) : rest.join('=');
  }
  return checkFault(fault);
}

/** Checks a fault from outside. @throws Error that says what is wrong */
export function checkFault(value: unknown): AbrpFault {
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
  const fault = value as AbrpFault;
  if (fault.drop !== undefined && fault.drop !== 'before' && fault.drop !== 'during') {
    throw new Error('drop: expected before or during');
  }
  if (fault.status !== undefined && (fault.status < 200 || fault.status > 599))
    throw new Error('status: expected 200 to 599');
  return fault;
}

const html = 'text/html; charset=iso-8859-1';
const page = (title: string, text: string): string =>
  `<html>\n<head><title>${title}</title></head>\n<body><h1>${title}</h1><p>${text}</p></body>\n</html>\n`;

/** ABRP's answers that are no JSON. */
export const plainAnswers = {
  badToken: { status: 401, contentType: 'text/html', body: '401 Unauthorized Token' },
  badKey: { status: 401, contentType: 'text/html', body: '401 Unauthorized' },
  noSuchPage: { status: 404, contentType: html, body: page('404 Not Found', 'No such page.') },
} as const satisfies Record<string, PlainAnswer>;

/** What a faulty answer looks like; undefined: the answer itself is as it should be. */
export function faultyAnswer(fault: AbrpFault): PlainAnswer | undefined {
  const { status = 200, contentType } = fault;
  if (fault.error !== undefined) {
    const body = JSON.stringify({ status: 'error', errors: fault.error });
    return { status, contentType: contentType ?? 'application/json', body };
  }
  if (fault.body !== undefined) return { status, contentType: contentType ?? 'text/html', body: fault.body };
  if (fault.status === undefined || status === 200) return undefined;
  if (status === 401) return plainAnswers.badToken;
  if (status === 404) return plainAnswers.noSuchPage;
  return { status, contentType: contentType ?? html, body: page(String(status), 'The gateway has no better answer.') };
}
