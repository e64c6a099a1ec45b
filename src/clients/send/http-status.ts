import type { Verdict } from './link.ts';

type Kind = Verdict['kind'];

/**
 * What a status of HTTP means for who sends (RFC 9110; 429: RFC 6585; 425: RFC 8470). What is not named here: 2xx delivered, 3xx
 * wrong (a redirect is not followed: the body would go to somebody whom nobody has named), 4xx rejected, 5xx later.
 */
const table: Readonly<Record<number, Kind>> = {
  401: 'refused',
  402: 'refused',
  403: 'refused',
  404: 'wrong',
  405: 'wrong',
  406: 'wrong',
  407: 'refused',
  408: 'later',
  410: 'wrong',
  411: 'wrong',
  413: 'tooLarge',
  414: 'wrong',
  415: 'wrong',
  421: 'wrong',
  423: 'later',
  424: 'later',
  425: 'later',
  426: 'wrong',
  429: 'later',
  431: 'wrong',
  501: 'wrong',
  505: 'wrong',
};

/** The kind of verdict that a status makes. */
export function kindOf(status: number): Kind {
  const known = table[status];
  if (known) return known;
  if (status >= 200 && status < 300) return 'delivered';
  if (status < 400) return 'wrong';
  return status < 500 ? 'rejected' : 'later';
}
