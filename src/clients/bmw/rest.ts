import { isJsonObject, type JsonObject } from '../../records/json.ts';
import { CommandError, exit, fail } from '../../runtime/exit.ts';
import type { HttpAnswer, HttpClient } from '../../transports/http/client.ts';
import { HttpFailure } from '../../transports/http/failure.ts';
import { startOver } from './portal.ts';
import type { Quota } from './quota.ts';

/** An error of the CarData API. What to do is decided by `id`; the HTTP status misleads (a used-up quota comes as 403). */
export class CarDataError extends Error {
  /** `CU-105`; absent when the answer was none of BMW's own. */
  readonly id: string | undefined;
  readonly httpStatus: number;

  constructor(id: string | undefined, httpStatus: number, message: string) {
    super(`${id ?? 'no error id'}: ${message} (HTTP ${httpStatus})`);
    this.name = 'CarDataError';
    this.id = id;
    this.httpStatus = httpStatus;
  }
}

/** An error of the API as the end of a command: exit status 69 when it may pass, 76 when it won't. */
export function endingFor(error: unknown): unknown {
  if (!(error instanceof CarDataError)) return error;
  const passes = error.id === 'CU-500' || error.id === 'CU-503' || error.httpStatus >= 500;
  return passes
    ? fail('unavailable', `CarData API: ${error.message}`, 'Try again later.', error)
    : fail('protocol', `CarData API: ${error.message}`, undefined, error);
}

/** A container: the list of descriptors that a request for values names. */
export interface Container {
  containerId: string;
  name?: string;
  purpose?: string;
  state?: string;
}

/** The REST interface of BMW CarData. Each method is one request of the quota, {@link RestClient.history} one a page. */
export interface RestClient {
  /** VINs of which the account is the primary user. */
  vehicles(): Promise<string[]>;
  telematics(vin: string, containerId: string): Promise<unknown>;
  basic(vin: string): Promise<Record<string, unknown>>;
  /** Charging sessions between two times (milliseconds since 1970), page by page. */
  history(vin: string, from: number, to: number): AsyncGenerator<Record<string, unknown>>;
  containers(): Promise<Container[]>;
  createContainer(container: {
    name: string;
    purpose: string;
    technicalDescriptors: readonly string[];
  }): Promise<Container>;
  deleteContainer(id: string): Promise<void>;
}

/** What the client is made of. */
export interface RestOptions {
  http: HttpClient;
  /** Scheme and host. */
  url: string;
  ca?: string | undefined;
  quota: Quota;
  signal?: AbortSignal;
  /** The access token; `renew` asks for another than the last. */
  token(renew: boolean): Promise<string>;
}

/** Errors that mean "this token is no good": one new token is worth a try. */
const tokenErrors = new Set(['CU-100', 'CU-101', 'CU-102']);

/** Errors that no repetition cures, with the way out. */
const final: Readonly<Record<string, readonly [keyof typeof exit, string]>> = {
  'CU-100': ['noPermission', 'Run bmw-login.'],
  'CU-101': ['noPermission', 'Run bmw-login.'],
  'CU-102': ['noPermission', 'Run bmw-login.'],
  'CU-103': ['noPermission', startOver],
  'CU-104': ['noPermission', 'You must be the primary user of the vehicle: check the VIN.'],
  'CU-120': ['config', 'A VIN has 17 characters, in upper case: check bmw.vin.'],
};

/** Errors that are one vehicle's own. */
const vehicleErrors = new Set(['CU-104', 'CU-120']);

/** Whether a failed reading says nothing of the other vehicles of the account, so that they are still worth asking for. */
export function concernsOneVehicle(error: unknown): error is CommandError {
  if (!(error instanceof CommandError)) return false;
  if (error.cause instanceof CarDataError && vehicleErrors.has(error.cause.id ?? '')) return true;
  return error.status === exit.protocol;
}

function finalOrSame(error: unknown): unknown {
  const [status, next] = (error instanceof CarDataError && final[error.id ?? '']) || [];
  return status ? fail(status, (error as CarDataError).message, next, error) : error;
}

/** Makes a client. Its methods throw {@link CarDataError}, or a CommandError where the user has to act. */
export function restClient({ http, url, ca, quota, signal, token }: RestOptions): RestClient {
  const base = url.replace(/\/+$/, '');

  const once = async (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body: unknown,
    bearer: string,
  ): Promise<unknown> => {
    await quota.spend();
    let answer: HttpAnswer;
    try {
      answer = await http.call({
        method,
        url: base + path,
        headers: {
          authorization: `Bearer ${bearer}`,
          'x-version': 'v1',
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(ca !== undefined && { ca }),
        ...(signal && { signal }),
      });
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      throw fail('unavailable', error.message, 'Try again later.', error);
    }
    const json = parse(answer.text) as JsonObject | undefined;
    const ok = answer.status >= 200 && answer.status < 300;
    const id = typeof json?.['exveErrorId'] === 'string' ? json['exveErrorId'] : undefined;
    if (ok && id === undefined) {
      if (json === undefined && answer.text.trim() !== '')
        throw fail('protocol', `${method} ${path}: the answer is not JSON`);
      return json;
    }
    if (id === 'CU-429' || (id === undefined && answer.status === 429)) {
      const seconds = Number(answer.headers['retry-after']);
      await quota.exhausted(seconds > 0 ? seconds * 1000 : undefined);
      throw fail('later', 'quota: BMW says that no request is left today', 'Try again tomorrow.');
    }
    const message = typeof json?.['exveErrorMsg'] === 'string' ? json['exveErrorMsg'] : 'no reason given';
    throw new CarDataError(id, answer.status, message);
  };

  const call = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> => {
    try {
      return await once(method, path, body, await token(false)).catch(async (error) => {
        if (!(error instanceof CarDataError) || !tokenErrors.has(error.id ?? '')) throw error;
        return once(method, path, body, await token(true));
      });
    } catch (error) {
      throw finalOrSame(error);
    }
  };

  return {
    async vehicles() {
      return listOf(await call('GET', '/customers/vehicles/mappings'), 'mappings')
        .filter(({ mappingType }) => mappingType === undefined || mappingType === 'PRIMARY')
        .flatMap(({ vin }) => (typeof vin === 'string' ? [vin] : []));
    },
    telematics: (vin, id) =>
      call('GET', `/customers/vehicles/${vin}/telematicData?containerId=${encodeURIComponent(id)}`),
    async basic(vin) {
      return asObject(await call('GET', `/customers/vehicles/${vin}/basicData`));
    },
    async *history(vin, from, to) {
      const span = `from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
      let next: unknown;
      do {
        const page = typeof next === 'string' ? `&nextToken=${encodeURIComponent(next)}` : '';
        const answer = asObject(await call('GET', `/customers/vehicles/${vin}/chargingHistory?${span}${page}`));
        yield* listOf(answer, 'data');
        next = answer['next_token'];
      } while (typeof next === 'string' && next !== '');
    },
    async containers() {
      return listOf(await call('GET', '/customers/containers'), 'containers').flatMap((entry) =>
        typeof entry['containerId'] === 'string' ? [entry as unknown as Container] : [],
      );
    },
    async createContainer(container) {
      const made = asObject(await call('POST', '/customers/containers', container));
      if (typeof made['containerId'] !== 'string') throw fail('protocol', 'container: the answer has no containerId');
      return made as unknown as Container;
    },
    async deleteContainer(id) {
      await call('DELETE', `/customers/containers/${encodeURIComponent(id)}`);
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): JsonObject {
  if (!isJsonObject(value)) throw fail('protocol', 'BMW answered with something else than a JSON object');
  return value;
}

/** A list, bare or under its name, or a single entry: BMW's own description and its live answers differ. */
function listOf(value: unknown, name: string): JsonObject[] {
  const list = Array.isArray(value) ? value : isJsonObject(value) && Array.isArray(value[name]) ? value[name] : [value];
  return list.filter(isJsonObject);
}
