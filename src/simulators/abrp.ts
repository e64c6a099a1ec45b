import type { ServerResponse } from 'node:http';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { type AbrpFault, abrpFaults, faultyAnswer, type PlainAnswer, plainAnswers } from './abrp-faults.ts';
import { type AbrpPoint, type VehicleWindow, vehicleWindow } from './abrp-window.ts';
import { createFaultQueue } from './fault-queue.ts';
import { type SimulatorRequest, sendJson, serveHttp } from './http.ts';

/** How the simulator is set up. */
export interface AbrpOptions {
  host?: string;
  /** 0 (default) takes a free one. */
  port?: number;
  apiKey?: string;
  /** The users' tokens, one a vehicle. */
  tokens?: readonly string[];
  /** Faults of the first requests, in order. */
  faults?: readonly AbrpFault[];
  clock?: Clock;
  onPoint?: (point: AbrpPoint) => void;
}

/** A running simulator. */
export interface AbrpSimulator {
  /** Base address, as `abrp.url` has it. */
  readonly url: string;
  readonly apiKey: string;
  readonly tokens: readonly string[];
  /** All points taken, in the order of their arrival. */
  points(): readonly AbrpPoint[];
  /** Calls of telemetry methods that came, whatever was answered. */
  requests(): number;
  /** The next requests go wrong like this. */
  fault(fault: AbrpFault): void;
  close(): Promise<void>;
}

/** Key and token that are accepted unless others are given. */
export const simulatedKey = 'simulated-api-key';
export const simulatedToken = 'simulated-user-token';

/** Fields that ABRP names as missing when a point has none of them. */
const recommended = ['utc', 'soc', 'power', 'speed', 'lat', 'lon', 'is_charging'];

const carModels = [
  { 'BMW;i4;eDrive40': 'bmw:i4:21:81:edrive40' },
  { 'Tesla;Model 3;Standard Range Plus RWD (beta)': 'tesla:m3:19:bt36:none' },
];

/** An answer: JSON with HTTP 200, or one of those that are none. */
type Answer = { json: unknown } | PlainAnswer;
const ok = (more: object = {}): Answer => ({ json: { status: 'ok', ...more } });
const wrong = (errors: string): Answer => ({ json: { status: 'error', errors } });

/** Parameters from query, form body or JSON body. */
function parametersOf({ query, headers, body }: SimulatorRequest): Record<string, unknown> {
  const type = headers['content-type'] ?? '';
  const inQuery = Object.fromEntries(query);
  if (body === '') return inQuery;
  if (type.startsWith('application/x-www-form-urlencoded'))
    return { ...inQuery, ...Object.fromEntries(new URLSearchParams(body)) };
  const parsed = parseObject(body);
  return parsed ? { ...inQuery, ...parsed } : inQuery;
}

function parseObject(value: unknown): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = typeof value === 'string' ? JSON.parse(value) : value;
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Stricter than ABRP, which takes a null or milliseconds and then plans with them: here such a fault shows. */
function faultOf(tlm: Record<string, unknown>): string | undefined {
  const empty = Object.keys(tlm).find((name) => tlm[name] === null);
  if (empty !== undefined) return `${empty} is null`;
  if (typeof tlm.utc === 'number' && tlm.utc > 1e11) return 'utc is in milliseconds';
  return undefined;
}

const missingIn = (tlm: object): object => {
  const names = recommended.filter((name) => !(name in tlm));
  return names.length === 0 ? {} : { missing: `Missing telemetry: ${names.map((name) => `${name}, `).join('')}` };
};

/**
 * Starts the far side of `abrp-push`: the telemetry API of A Better Routeplanner with its answers, its 60 s window and, on
 * request (`fault`, or `POST /control` with the same object), its faults.
 */
export async function startAbrp(options: AbrpOptions = {}): Promise<AbrpSimulator> {
  const { apiKey = simulatedKey, tokens = [simulatedToken], clock = systemClock, onPoint } = options;
  const points: AbrpPoint[] = [];
  const faults = createFaultQueue(options.faults);
  const windows: VehicleWindow[] = tokens.map(vehicleWindow);
  const nextCharge = tokens.map(() => 80);
  let requests = 0;

  const take = (vehicle: number, method: AbrpPoint['method'], tlm: Record<string, unknown>): void => {
    const point = { vehicle: vehicle + 1, method, receivedAt: clock.now(), tlm };
    points.push(point);
    windows[vehicle]?.take(point);
    onPoint?.(point);
  };

  const send = (vehicle: number, parameters: Record<string, unknown>): Answer => {
    const tlm = parseObject(parameters.tlm);
    if (!tlm) return wrong('tlm is not a JSON object');
    const fault = faultOf(tlm);
    if (fault !== undefined) return wrong(fault);
    take(vehicle, 'send', tlm);
    return ok(missingIn(tlm));
  };

  const bulk = ({ data }: Record<string, unknown>): Answer => {
    if (!Array.isArray(data)) return wrong('data is not a list');
    const entries: { vehicle: number; list: Record<string, unknown>[] }[] = [];
    for (const entry of data) {
      const { token, tlm_list } = parseObject(entry) ?? {};
      const vehicle = tokens.indexOf(String(token));
      if (vehicle < 0) return plainAnswers.badToken;
      const list = Array.isArray(tlm_list) ? tlm_list.map(parseObject) : [undefined];
      const fault = list.map((tlm) => (tlm ? faultOf(tlm) : 'tlm_list is not a list of objects')).find((why) => why);
      if (fault !== undefined) return wrong(fault);
      entries.push({ vehicle, list: list as Record<string, unknown>[] });
    }
    for (const { vehicle, list } of entries) for (const tlm of list) take(vehicle, 'bulk', tlm);
    return ok();
  };

  /** Methods that ask for the token of one vehicle. */
  const ofVehicle: Record<string, (vehicle: number, parameters: Record<string, unknown>) => Answer> = {
    send,
    get_telemetry: (vehicle) => ok({ result: windows[vehicle]?.processed()?.tlm ?? {} }),
    get_next_charge: (vehicle) => ok({ result: { next_charge: nextCharge[vehicle] } }),
    set_next_charge(vehicle, parameters) {
      nextCharge[vehicle] = Number(parameters.next_charge_to_perc);
      return ok();
    },
  };

  const answer = (request: SimulatorRequest): Answer => {
    const method = /^\/1\/tlm\/(\w+)$/.exec(request.path)?.[1]?.toLowerCase() ?? '';
    const parameters = parametersOf(request);
    const handler = Object.hasOwn(ofVehicle, method) ? ofVehicle[method] : undefined;
    if (!handler && method !== 'bulk' && method !== 'get_carmodels_list') return plainAnswers.noSuchPage;
    if (request.headers.authorization !== `APIKEY ${apiKey}` && parameters.api_key !== apiKey)
      return plainAnswers.badKey;
    if (method === 'get_carmodels_list') return ok({ result: carModels });
    if (!handler) return bulk(parameters);
    const vehicle = tokens.indexOf(String(parameters.token));
    return vehicle < 0 ? plainAnswers.badToken : handler(vehicle, parameters);
  };

  const respond = async (request: SimulatorRequest, response: ServerResponse): Promise<void> => {
    if (request.path === '/control') return control(request, response);
    requests++;
    const fault = faults.take();
    if (fault?.delay) await clock.sleep(fault.delay);
    if (fault?.drop === 'before') return void response.socket?.resetAndDestroy();
    const given = (fault && faultyAnswer(fault)) ?? answer(request);
    const body = 'json' in given ? JSON.stringify(given.json) : given.body;
    const contentType = 'json' in given ? 'application/json' : given.contentType;
    const retryAfter = fault?.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
    response.writeHead('json' in given ? 200 : given.status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      ...retryAfter,
    });
    if (fault?.drop === 'during') response.write(body.slice(0, -1), () => response.socket?.resetAndDestroy());
    else response.end(body);
  };

  const control = (request: SimulatorRequest, response: ServerResponse): void => {
    try {
      faults.add(abrpFaults.check(JSON.parse(request.body)));
      sendJson(response, 200, { status: 'ok', faults: faults.list() });
    } catch (error) {
      sendJson(response, 400, { status: 'error', errors: (error as Error).message });
    }
  };

  const server = await serveHttp(options.host ?? '127.0.0.1', options.port ?? 0, respond);
  return {
    url: `${server.url}/1/`,
    apiKey,
    tokens,
    points: () => points,
    requests: () => requests,
    fault: faults.add,
    close: server.close,
  };
}
