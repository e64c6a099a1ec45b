import type { PlainAnswer, Verdict } from '../../protocols/influx/answer.ts';
import { type CommandError, fail } from '../../runtime/exit.ts';

/** What a writer has seen of a server so far. */
export interface Experience {
  /** It has taken lines. */
  everTaken: boolean;
  /** No more records come. */
  ended: boolean;
  /** Who answers has known of no such page for so long that it is none that starts. */
  awayForLong: boolean;
}

/** What makes going on pointless; undefined when it may be mended without a person, and nothing is lost by waiting. */
export function pointless(verdict: Verdict, { everTaken, ended, awayForLong }: Experience): CommandError | undefined {
  switch (verdict.kind) {
    case 'noDatabase':
    case 'misconfigured':
      return mustAct(verdict.kind, verdict.message);
    case 'refused':
      return everTaken && !ended ? undefined : refusal(verdict.message);
    case 'foreign':
      return everTaken ? undefined : mustAct(verdict.kind, verdict.message);
    case 'away':
      return everTaken || !awayForLong ? undefined : mustAct(verdict.kind, verdict.message);
    default:
      return undefined;
  }
}

/** Credentials that a server refuses. */
const refusal = (said: string): CommandError =>
  fail(
    'noPermission',
    `the server refuses the credentials: ${said}`,
    'Check influxdb.username and influxdb.password, or influxdb.token.',
  );

type Lasting = 'noDatabase' | 'misconfigured' | 'away' | 'foreign';

/** What a person must mend at the server or in the configuration before anything can be written. */
export const mustAct = (kind: Lasting, said: string): CommandError =>
  fail('config', said, nextSteps.find(([what]) => what.test(said))?.[1] ?? otherwise[kind]);

/** The next step, by what is wrong. */
const nextSteps: readonly [RegExp, string][] = [
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, 'Have it renewed, or set the clock.'],
  [/ALTNAME_INVALID/, 'Use a name that stands in the certificate.'],
  [/certificate refused/, 'Name its authority with --ca, or influxdb.ca.'],
  [/does not speak TLS/, 'Say http:// if it has none.'],
  [/HTTP request .*HTTPS/, 'Say https://.'],
  [/^(?:no )?organi[sz]ation|orgID/i, 'Name it with --org, or influxdb.org.'],
  [/^bucket/i, 'Make it with influx-setup --apply.'],
];

const manual = 'See influx-setup(1) for databases and retention policies.';
const address = 'Check influxdb.url, and --api, which says what the server is.';
const otherwise: Readonly<Record<Lasting, string>> = {
  noDatabase: 'Make it with influx-setup --apply, or say --create-db.',
  misconfigured: manual,
  away: address,
  foreign: address,
};

/** The object in an answer to a question that is no write. Throws exit status 78 when it is none: somebody else answers there. */
export function jsonAnswer({ status, text }: PlainAnswer): Record<string, unknown> {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer === 'object' && answer !== null) return answer as Record<string, unknown>;
  } catch {}
  throw fail('config', `what answers there is no InfluxDB (HTTP ${status})`, address);
}
