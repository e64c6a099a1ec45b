import { type AbrpAnswer, parseAnswer } from '../../protocols/abrp/answer.ts';
import {
  type AbrpAccess,
  type AbrpRequest,
  bulkRequest,
  sendRequest,
  telemetryRequest,
} from '../../protocols/abrp/requests.ts';
import type { Tlm } from '../../protocols/abrp/telemetry.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { HttpClient } from '../../transports/http/client.ts';
import { HttpFailure } from '../../transports/http/failure.ts';

/** An answer, or the lack of one, and how long it took. */
export interface TimedAnswer extends AbrpAnswer {
  /** Milliseconds from the request to the end of the answer. */
  latency: number;
}

/** Whether several points go in one call. */
export type BulkUse = 'auto' | 'never' | 'always';

/** ABRP's telemetry API. No method throws: a call that brings no answer is one to try later. */
export interface AbrpApi {
  /** Sends points of one vehicle, in order: one by `send`, several by `bulk`. */
  push(token: string, points: readonly Tlm[]): Promise<TimedAnswer>;
  /** What ABRP holds of the vehicle, as `result`. */
  telemetry(token: string): Promise<TimedAnswer>;
}

/** How the API is reached. */
export interface AbrpApiOptions {
  http: HttpClient;
  clock: Clock;
  url: string;
  /** The key as it is now. */
  apiKey(): string;
  bulk: BulkUse;
  /** Milliseconds for one exchange. */
  timeout: number;
  /** Gives calls up. */
  signal: AbortSignal;
}

/** Makes the API's calls. */
export function abrpApi({ http, clock, url, apiKey, bulk, timeout, signal }: AbrpApiOptions): AbrpApi {
  const call = async (token: string, request: AbrpRequest): Promise<TimedAnswer> => {
    const start = clock.monotonic();
    const hide = hiding([token, apiKey()]);
    const answer = await http
      .call({ ...request, timeoutMs: timeout, signal })
      .then((raw) => parseAnswer({ ...raw, text: hide(raw.text) }), noAnswer);
    return { ...answer, latency: Math.round(clock.monotonic() - start) };
  };
  const access = (token: string): AbrpAccess => ({ url, apiKey: apiKey(), token });
  return {
    push(token, points) {
      const [first] = points;
      const single = first !== undefined && points.length === 1 && bulk !== 'always';
      return call(token, single ? sendRequest(access(token), first) : bulkRequest(access(token), points));
    },
    telemetry: (token) => call(token, telemetryRequest(access(token))),
  };
}

/** Error pages of gateways repeat the address, and with it the token; what ABRP said goes into receipts. */
function hiding(secrets: readonly string[]): (text: string) => string {
  const spellings = secrets.flatMap((secret) => [secret, encodeURIComponent(secret)]).filter(Boolean);
  return (text) => spellings.reduce((shown, spelling) => shown.replaceAll(spelling, '[redacted]'), text);
}

function noAnswer(error: unknown): AbrpAnswer {
  if (error instanceof HttpFailure) return { verdict: 'later', message: error.reason };
  throw error;
}
