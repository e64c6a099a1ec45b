import { faultForm, type HttpFault } from './http-faults.ts';

/** What the simulator does wrong on request, with one request or several; the body is ABRP's for the status, or a gateway's page. */
export interface AbrpFault extends HttpFault {
  /** Answers HTTP 200 with `status` error and this text. */
  error?: string;
  /** Answers with this text as it is. */
  body?: string;
  contentType?: string;
}

/** Reads `status=500,times=3`, `delay=2000`, `drop=during`, `error=utc is wrong`. */
export const abrpFaults = faultForm<AbrpFault>({ texts: ['error', 'body', 'contentType'] });

/** An answer in full. */
export interface PlainAnswer {
  status: number;
  contentType: string;
  body: string;
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
