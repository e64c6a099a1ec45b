import type { ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { type Clock, systemClock } from '../../runtime/clock.ts';
import { createFaultQueue } from '../fault-queue.ts';
import { type SimulatorRequest, sendJson, serveHttp } from '../http.ts';
import { type Answer, type Dialect, errorAnswer, healthAnswer, pingAnswer, writeAnswer } from './dialects.ts';
import { hits, type InfluxFault, influxFaults } from './faults.ts';
import { createManagement } from './management.ts';
import { createStore, type StoredPoint } from './store.ts';

/** How the simulator is set up. */
export interface InfluxOptions {
  host?: string;
  /** 0 (default) takes a free one. */
  port?: number;
  /** Which InfluxDB it is (default 2). */
  dialect?: Dialect;
  /** The token that is asked for; absent: anybody may write. */
  token?: string | undefined;
  /** Databases or buckets that are there; absent: every one. InfluxDB 3 makes what is missing. */
  databases?: readonly string[];
  org?: string;
  faults?: readonly InfluxFault[];
  clock?: Clock;
  onPoint?: (point: StoredPoint) => void;
}

/** A running simulator. */
export interface InfluxSimulator {
  /** Base address, as `influxdb.url` has it. */
  readonly url: string;
  /** What is stored. */
  points(): readonly StoredPoint[];
  /** Writes that came, whatever was answered: their bodies, unpacked. */
  readonly bodies: readonly string[];
  /** The requests that were no writes, as `POST /api/v2/buckets`. */
  readonly calls: readonly string[];
  fault(fault: InfluxFault): void;
  close(): Promise<void>;
}

/** Milliseconds of one unit of time stamps, by the words of all three interfaces. */
const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1000,
  nanosecond: 1e-6,
  microsecond: 1e-3,
  millisecond: 1,
  second: 1000,
};

const paths: Record<Dialect, string> = { 1: '/write', 2: '/api/v2/write', 3: '/api/v3/write_lp' };

/** As `max-body-size` of 1.x. */
const largest = 25_000_000;

/**
 * Starts an InfluxDB that keeps points in memory and answers as the real one: 1.x as recorded from 1.6.7, 2.x and 3 as documented.
 * Faults come by `fault` or `POST /control`.
 */
export async function startInflux(options: InfluxOptions = {}): Promise<InfluxSimulator> {
  const { dialect = '2', token, databases, org = 'home', clock = systemClock, onPoint } = options;
  const store = createStore();
  const faults = createFaultQueue(options.faults);
  const known = databases && new Set(databases);
  const management = createManagement(dialect, org, known);
  const bodies: string[] = [];
  const calls: string[] = [];

  const mayEnter = ({ headers, query }: SimulatorRequest): boolean => {
    if (token === undefined) return true;
    const { authorization = '' } = headers;
    const basic = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
    return (
      authorization === `Token ${token}` ||
      authorization === `Bearer ${token}` ||
      basic.endsWith(`:${token}`) ||
      query.get('p') === token
    );
  };

  /** In the order of the servers: 2.x looks for a name of a bucket, then for the organisation, then for the bucket. */
  const wrongPlace = (query: URLSearchParams): Answer | undefined => {
    const database = query.get(dialect === '2' ? 'bucket' : 'db') ?? '';
    if (dialect === '2') {
      if (database === '') return errorAnswer('2', 404, 'bucket not found');
      const asked = query.get('org') ?? '';
      if (asked === '') return errorAnswer('2', 400, 'Please provide either orgID or org');
      if (asked !== org) return errorAnswer('2', 404, `organization name "${asked}" not found`);
    }
    if (dialect === '1' && database === '') return errorAnswer('1', 400, 'database is required');
    if (known === undefined || known.has(database)) return undefined;
    if (dialect === '1') return errorAnswer('1', 404, `database not found: "${database}"`);
    if (dialect === '2') return errorAnswer('2', 404, `bucket "${database}" not found`);
    known.add(database);
    return undefined;
  };

  const write = ({ query }: SimulatorRequest, body: string, fault: InfluxFault | undefined): Answer => {
    const elsewhere = wrongPlace(query);
    if (elsewhere) return elsewhere;
    const unit = units[query.get('precision') ?? 'ns'] ?? 1e-6;
    const database = query.get(dialect === '2' ? 'bucket' : 'db') ?? '';
    const refuse = (line: string): string | undefined =>
      fault?.reject !== undefined && line.includes(fault.reject) ? 'refused on request' : undefined;
    const written = store.write(database, body, (stamp) => stamp * unit, clock.now(), refuse);
    for (const point of written.stored) onPoint?.(point);
    return writeAnswer(dialect, written);
  };

  const answerWrite = async (request: SimulatorRequest, response: ServerResponse): Promise<void> => {
    const fault = faults.take(hits('write'));
    let body: string;
    try {
      body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(request.bytes).toString() : request.body;
    } catch {
      return send(response, errorAnswer(dialect, 400, 'unexpected EOF'));
    }
    bodies.push(body);
    if (fault?.delay) await clock.sleep(fault.delay);
    if (fault?.drop === 'before') return void response.socket?.resetAndDestroy();
    const answer = judge(request, body, fault);
    if (fault?.drop === 'during') return void response.socket?.resetAndDestroy();
    send(response, withWait(answer, fault));
  };

  const judge = (request: SimulatorRequest, body: string, fault: InfluxFault | undefined): Answer => {
    if (!mayEnter(request))
      return errorAnswer(dialect, 401, dialect === '1' ? 'authorization failed' : 'unauthorized access');
    const wanted = wantedAnswer(fault);
    if (wanted) return wanted;
    if (Buffer.byteLength(body) > (fault?.tooLarge ?? largest))
      return errorAnswer(dialect, 413, 'Request Entity Too Large');
    return write(request, body, fault);
  };

  const answerManagement = async (request: SimulatorRequest, response: ServerResponse): Promise<void> => {
    const fault = isCreation(request) ? faults.take(hits('create')) : undefined;
    if (fault?.delay) await clock.sleep(fault.delay);
    if (fault?.drop === 'before') return void response.socket?.resetAndDestroy();
    const answer = wantedAnswer(fault) ?? management(request) ?? errorAnswer(dialect, 404, 'page not found');
    if (fault?.drop === 'during') return void response.socket?.resetAndDestroy();
    send(response, withWait(answer, fault));
  };

  const wantedAnswer = ({ status, message }: InfluxFault = {}): Answer | undefined => {
    if (status === undefined) return undefined;
    return status < 300 ? { status } : errorAnswer(dialect, status, message ?? `simulated ${status}`);
  };

  const respond = async (request: SimulatorRequest, response: ServerResponse): Promise<void> => {
    const { method, path } = request;
    if (path === '/control') return control(request, response);
    if (path === paths[dialect]) return answerWrite(request, response);
    calls.push(`${method} ${path}`);
    if (path === '/ping') return send(response, pingAnswer(dialect));
    if (path === '/health') return send(response, healthAnswer(dialect));
    if (!mayEnter(request)) return send(response, errorAnswer(dialect, 401, 'unauthorized access'));
    await answerManagement(request, response);
  };

  const control = (request: SimulatorRequest, response: ServerResponse): void => {
    try {
      faults.add(influxFaults.check(JSON.parse(request.body)));
      sendJson(response, 200, { status: 'ok', faults: faults.list() });
    } catch (error) {
      sendJson(response, 400, { status: 'error', errors: (error as Error).message });
    }
  };

  const server = await serveHttp(options.host ?? '127.0.0.1', options.port ?? 0, respond);
  return {
    url: server.url,
    points: store.points,
    bodies,
    calls,
    fault: faults.add,
    close: server.close,
  };
}

const withWait = (answer: Answer, fault: InfluxFault | undefined): Answer =>
  fault?.retryAfter === undefined
    ? answer
    : { ...answer, headers: { ...answer.headers, 'retry-after': String(fault.retryAfter) } };

const isCreation = ({ method, path, body, query }: SimulatorRequest): boolean =>
  path === '/query'
    ? /CREATE DATABASE/.test(new URLSearchParams(body).get('q') ?? query.get('q') ?? '')
    : method === 'POST' && ['/api/v3/configure/database', '/api/v2/buckets'].includes(path);

const send = (response: ServerResponse, { status, body, headers }: Answer): void =>
  sendJson(response, status, body, headers);
