import type { Tlm } from '../../protocols/abrp/telemetry.ts';
import type { VoltRecord } from '../../records/record.ts';
import type { Log, LogFields } from '../../runtime/log.ts';
import type { TimedAnswer } from './api.ts';
import type { Push } from './pace.ts';
import type { Verification } from './verify.ts';

/** What a pusher says on stderr: each thing once, and outages when they begin and when they end. */
export interface Notes {
  /** A vehicle without a token; one that --vin shuts out is none to warn of. */
  noToken(vin: string, wanted: boolean): void;
  lacking(vin: string, fields: readonly string[]): void;
  /** A record whose state of charge is too old to be true, and the first after it that is sent. */
  outdated(vin: string, record: VoltRecord): void;
  upToDate(vin: string): void;
  /** Warns of a point that does not say whether the vehicle charges. */
  charging(vin: string, tlm: Tlm): void;
  pushed(vin: string, push: Push): void;
  verified(vin: string, found: Verification): void;
  /** Explains ABRP's 60 s, given the milliseconds between each vehicle's first and last push. */
  settled(spans: readonly (number | undefined)[]): void;
}

const who = (vin: string): LogFields => (vin === '' ? {} : { vin });

const said = ({ status, message }: TimedAnswer): LogFields => ({ status, answer: message });

/** Makes the notes of one run. */
export function createNotes(log: Log): Notes {
  const done = new Set<string>();
  const once = (key: string, say: () => void): void => {
    if (done.has(key)) return;
    done.add(key);
    say();
  };

  const byVerdict: Record<TimedAnswer['verdict'], (vin: string, push: Push) => void> = {
    ok(vin, { answer, points }) {
      log.recovered(`push ${vin}`, 'ABRP takes points again', who(vin));
      once(`first ${vin}`, () =>
        log.info('ABRP took the first point', {
          ...who(vin),
          soc: points.at(-1)?.soc,
          is_charging: points.at(-1)?.is_charging as boolean,
        }),
      );
      const missing = answer.missing?.join(', ');
      if (missing)
        once(`missing ${vin} ${missing}`, () => log.warn('ABRP would like more fields', { ...who(vin), missing }));
    },
    rejected(vin, { answer, kept }) {
      if (kept) log.debug('ABRP rejected several points at once, trying fewer', { ...who(vin), ...said(answer) });
      else
        once(`rejected ${vin} ${answer.message}`, () =>
          log.warn('ABRP rejected a point; it is not sent again', { ...who(vin), ...said(answer) }),
        );
    },
    refused(vin, { answer }) {
      log.lost(`push ${vin}`, 'ABRP refuses the user token or the API key', { ...who(vin), ...said(answer) });
    },
    later(vin, { answer }) {
      const hint =
        answer.status === 404
          ? 'ABRP is not at this address; is abrp.url right?'
          : 'ABRP takes no points; trying again';
      log.lost(`push ${vin}`, hint, { ...who(vin), ...said(answer) });
    },
  };

  return {
    noToken(vin, wanted) {
      if (!wanted) return;
      once(`token ${vin}`, () =>
        log.warn('no token for this vehicle, its records are skipped; abrp.tokens takes one for each VIN', who(vin)),
      );
    },
    lacking(vin, fields) {
      const list = fields.join(' and ');
      once(`lacking ${vin} ${list}`, () => log.warn(`records without ${list} are not sent`, who(vin)));
    },
    outdated(vin, { soc_age_s: age }) {
      const minutes = Math.round(Number(age) / 60);
      log.lost(
        `soc ${vin}`,
        'the car drives or charges, and its soc is older than --max-soc-age: not sent until a newer one comes',
        { ...who(vin), age: `${minutes} min` },
      );
    },
    upToDate: (vin) => log.recovered(`soc ${vin}`, 'a new soc came', who(vin)),
    charging(vin, tlm) {
      if (tlm.is_charging !== undefined) return;
      once(`charging ${vin}`, () => log.warn('is_charging is not known; ABRP recommends it', who(vin)));
    },
    pushed: (vin, push) => byVerdict[push.answer.verdict](vin, push),
    verified(vin, { result, message }) {
      if (result === 'shown') log.info(message, who(vin));
      else log.warn('what was sent is not shown by ABRP', { ...who(vin), reason: message });
    },
    settled(spans) {
      if (!spans.some((span) => span !== undefined && span < 60_000)) return;
      log.info(
        'ABRP shows what came within 60 s only once more data comes after that: this push is seen with the next one',
      );
    },
  };
}
