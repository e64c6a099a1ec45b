import type { ServerResponse } from 'node:http';
import { type SimulatorRequest, sendJson } from '../http.ts';
import type { Account } from './account.ts';
import { apiError, apiErrors } from './api-errors.ts';
import { chargingSessions } from './charging-history.ts';
import { type ApiAnswer, type ContainerManners, containerManners, createContainers } from './containers.ts';
import type { FaultName } from './faults.ts';
import { type Model, models } from './models.ts';
import { latestValues, type RestCar } from './telematic-data.ts';

/** How the REST interface behaves. */
export interface RestManners extends ContainerManners {
  /** Requests in 24 hours (BMW: 50), refused ones included. */
  quota: number;
  /** How the list of cars is answered: the bare array that BMW sends, the one object of its document, or `{mappings: […]}`. */
  mappings: 'array' | 'object' | 'wrapped';
  /** Sessions of the charging history on one page. */
  pageSize: number;
  /** Milliseconds that a pagination token is good for. */
  pageLifetime: number;
}

/** BMW's manners; the size and life of a page are ours, since nobody wrote BMW's down. */
export const restManners: RestManners = {
  ...containerManners,
  quota: 50,
  mappings: 'array',
  pageSize: 10,
  pageLifetime: 600_000,
};

/** The REST interface. */
export interface Rest {
  handle(request: SimulatorRequest, response: ServerResponse): void;
  /** Requests left of the allowance. */
  readonly left: number;
  /** Uses up the allowance until `left` are left. */
  leave(left: number): void;
}

const day = 24 * 3_600_000;

/** A transparent picture of one pixel. */
const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

const isVin = (vin: string): boolean => /^[A-Z0-9]{17}$/.test(vin);

/** The CarData REST interface: tokens, allowance, error ids and the shapes of the answers as users recorded them. */
export function createRest(account: Account, manners: RestManners, cars: () => readonly RestCar[]): Rest {
  const { clock, faults, emit } = account;
  const containers = createContainers(clock, manners);
  let spent: number[] = [];
  const pages = new Map<string, { sessions: object[]; from: number; expires: number }>();

  const recent = (): number[] => {
    const since = clock.now() - day;
    spent = spent.filter((at) => at > since);
    return spent;
  };

  const forbidden = (request: SimulatorRequest): ApiAnswer | undefined => {
    const [scheme, token] = (request.headers.authorization ?? '').split(' ');
    if (!token || scheme !== 'Bearer') return apiError('CU-100');
    const access = account.access(token);
    if (access === undefined) return apiError('CU-101');
    if (access === 'expired') return apiError('CU-102');
    if (!access.scope.includes('cardata:api:read')) return apiError('CU-103');
    if (request.headers['x-version'] !== 'v1') return apiError('CU-400', 'x-version');
    return undefined;
  };

  const mappings = (): ApiAnswer => {
    const list = cars().map(({ vin, mapping }) => ({
      mappedSince: '2025-05-16T08:21:37.268Z',
      mappingType: mapping,
      vin,
    }));
    const shapes = { array: list, object: list[0], wrapped: { mappings: list } };
    return { status: 200, body: shapes[manners.mappings] };
  };

  const telematicData = (car: RestCar, query: URLSearchParams): ApiAnswer => {
    const descriptors = containers.descriptors(query.get('containerId') ?? '');
    if (!Array.isArray(descriptors)) return descriptors as ApiAnswer;
    const telematicData = latestValues(car, descriptors as readonly string[], clock.now());
    return { status: 200, body: { telematicData } };
  };

  const page = (sessions: object[], from: number): ApiAnswer => {
    const to = from + manners.pageSize;
    let next: string | null = null;
    if (to < sessions.length) {
      next = crypto.randomUUID();
      pages.set(next, { sessions, from: to, expires: clock.now() + manners.pageLifetime });
    }
    return { status: 200, body: { data: sessions.slice(from, to), next_token: next } };
  };

  const chargingHistory = (model: Model, query: URLSearchParams): ApiAnswer => {
    const [from, to] = ['from', 'to'].map((name) => Date.parse(query.get(name) ?? '')) as [number, number];
    if (Number.isNaN(from) || Number.isNaN(to) || to < from) return apiError('CU-401', 'from, to');
    const token = query.get('nextToken');
    if (token === null) {
      const until = Math.min(to, clock.now());
      return page(chargingSessions(from / 1000, until / 1000, model.capacity), 0);
    }
    const next = pages.get(token);
    if (!next || next.expires <= clock.now()) return apiError('CU-125');
    return page(next.sessions, next.from);
  };

  const ofCar: Record<string, (car: RestCar, query: URLSearchParams) => ApiAnswer> = {
    basicData: ({ model }) => ({ status: 200, body: models[model].basicData }),
    telematicData,
    chargingHistory: ({ model }, query) => chargingHistory(models[model], query),
    locationBasedChargingSettings: () => apiError('CU-127'),
    image: () => ({ status: 200, body: picture }),
  };

  const vehicle = (vin: string, what: string, query: URLSearchParams): ApiAnswer | undefined => {
    const answer = ofCar[what];
    if (!answer) return undefined;
    if (!isVin(vin)) return apiError('CU-120');
    const car = cars().find((known) => known.vin === vin && known.mapping === 'PRIMARY');
    return car ? answer(car, query) : apiError('CU-104');
  };

  const route = ({ method, path, query, body }: SimulatorRequest): ApiAnswer | undefined => {
    const [customers, kind, id, what, ...rest] = path.slice(1).split('/');
    if (customers !== 'customers' || rest.length > 0) return undefined;
    const read = method === 'GET';
    if (kind === 'vehicles' && read && id === 'mappings' && what === undefined) return mappings();
    if (kind === 'vehicles' && read && id !== undefined && what !== undefined) return vehicle(id, what, query);
    if (kind !== 'containers' || what !== undefined) return undefined;
    if (id === undefined) return read ? containers.list() : method === 'POST' ? containers.create(body) : undefined;
    return read ? containers.get(id) : method === 'DELETE' ? containers.remove(id) : undefined;
  };

  const answer = (request: SimulatorRequest): ApiAnswer => {
    const used = recent().length;
    spent.push(clock.now());
    if (used >= manners.quota) return apiError('CU-429');
    const fault = faults.takeOne(Object.keys(apiErrors).map((id) => `api-${id}` as FaultName));
    if (fault) return apiError(fault.slice('api-'.length), 'on request');
    return forbidden(request) ?? route(request) ?? { status: 404 };
  };

  return {
    get left() {
      return Math.max(0, manners.quota - recent().length);
    },
    leave(left) {
      spent = Array.from({ length: Math.max(0, manners.quota - left) }, () => clock.now());
    },
    handle(request, response) {
      if (faults.take('api-rate-limit')) {
        sendJson(response, 429, { message: 'Too many requests' }, { 'retry-after': '60' });
        return;
      }
      const { status, body } = answer(request);
      const id = (body as { exveErrorId?: string } | undefined)?.exveErrorId;
      emit({ event: 'api_request', method: request.method, path: request.path, status, ...(id ? { error: id } : {}) });
      if (Buffer.isBuffer(body)) response.writeHead(status, { 'content-type': 'image/png' }).end(body);
      else sendJson(response, status, body);
    },
  };
}
