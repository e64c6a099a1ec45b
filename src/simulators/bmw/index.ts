import { type Clock, systemClock } from '../../runtime/clock.ts';
import { serverCertificate } from '../certificates.ts';
import { sendJson, serveHttp } from '../http.ts';
import { type Account, type BmwEvent, bmwLifetimes, createAccount, type Lifetimes } from './account.ts';
import { type Broker, startBroker } from './broker.ts';
import { control } from './control.ts';
import { type BrokerManners, brokerManners } from './door.ts';
import { createFaults, type FaultName, type Faults } from './faults.ts';
import { firstReading, type JourneyOptions, startJourney } from './journey.ts';
import { createSpelling, type DataPoint, envelope } from './messages.ts';
import type { ModelName } from './models.ts';
import { createOauth, type OauthManners, oauthManners } from './oauth.ts';
import { createRest, type Rest, type RestManners, restManners } from './rest.ts';

/** A car of the account. */
export interface Car {
  vin: string;
  /** Default `i4`. */
  model?: ModelName;
  /** Who is SECONDARY may not read the car. Default `PRIMARY`. */
  mapping?: 'PRIMARY' | 'SECONDARY';
}

/** What a simulated BMW is made of; everything has a default that is BMW's own manner. */
export interface BmwOptions {
  clock?: Clock;
  /** Address to listen on, default 127.0.0.1. */
  host?: string;
  /** Ports to listen on; absent or 0: free ones. */
  ports?: { auth?: number; api?: number; broker?: number };
  clientId?: string;
  gcid?: string;
  /** Default: one i4. */
  cars?: readonly Car[];
  lifetimes?: Partial<Lifetimes>;
  oauth?: Partial<OauthManners>;
  rest?: Partial<RestManners>;
  broker?: Partial<BrokerManners>;
  /** Faults from the start. */
  faults?: readonly { name: FaultName; times: number }[];
  /** The cars drive by themselves; absent: they stand, and only {@link Bmw.publish} sends. */
  journey?: JourneyOptions;
  /** Is told what happens. Tokens are never in it. */
  onEvent?: (event: BmwEvent) => void;
}

/** A running simulator of BMW CarData. */
export interface Bmw {
  /** Stands for `https://customer.bmwgroup.com`. */
  readonly authUrl: string;
  /** Stands for `https://api-cardata.bmwgroup.com`. */
  readonly apiUrl: string;
  /** Stands for `mqtts://customer.streaming-cardata.bmwgroup.com:9000`. */
  readonly brokerUrl: string;
  /** The authority behind the broker's certificate, PEM. */
  readonly ca: string;
  readonly gcid: string;
  readonly clientId: string;
  readonly vins: readonly string[];
  readonly account: Account;
  readonly faults: Faults;
  readonly broker: Broker;
  readonly rest: Rest;
  /** What has happened so far: the newest thousand. */
  readonly events: readonly BmwEvent[];
  /** The user approves the code; without one, every code that waits. False when there is none. */
  approve(userCode?: string): boolean;
  /** The user declines. */
  decline(userCode?: string): boolean;
  /** Publishes a message of BMW's shape: `data` is descriptor → `{timestamp, value, unit}`. Resolves to it when it is written. */
  publish(vin: string, data: Readonly<Record<string, unknown>>): Promise<object>;
  /** Lets the cars drive (again), or stand still. */
  drive(on: boolean): void;
  close(): Promise<void>;
}

/** The car that there is when none is named. No such car was built. */
export const defaultVin = 'WBYVP000000000001';

const eventsKept = 1000;
const hours = 3_600_000;

/**
 * Starts the far side of BMW CarData on this machine: login, REST interface and broker, each on a port of its own.
 *
 * It behaves as BMW's servers do, as far as BMW's documents, and users who met the rest, have told. Everything that takes time
 * goes by `clock`.
 */
export async function startBmw(options: BmwOptions = {}): Promise<Bmw> {
  const { clock = systemClock, host = '127.0.0.1', ports = {}, journey } = options;
  const { gcid = '00000000-0000-4000-8000-000000000001', clientId = '00000000-0000-4000-8000-0000000000c1' } = options;
  const events: BmwEvent[] = [];
  let stop: (() => void) | undefined;
  const emit = (event: BmwEvent): void => {
    events.push(event);
    if (events.length > eventsKept) events.shift();
    options.onEvent?.(event);
    if (event.event === 'stream_subscribed' && journey?.waits && !stop) bmw.drive(true);
  };
  const faults = createFaults((name) => emit({ event: 'fault', fault: name }));
  for (const { name, times } of options.faults ?? []) faults.arm(name, times);

  const plain = createSpelling(() => 1, true);
  const cars = (options.cars ?? [{ vin: defaultVin }]).map(({ vin, model = 'i4', mapping = 'PRIMARY' }: Car) => {
    const latest = new Map<string, DataPoint>();
    const first = firstReading(model, journey?.seed ?? 1);
    for (const point of first.points) latest.set(point[0], plain.point(point, clock.now() - 3 * hours));
    return { vin, model, mapping, latest };
  });

  const lifetimes = { ...bmwLifetimes, ...options.lifetimes };
  const account = createAccount({ gcid, clientId, clock, faults, lifetimes, emit });
  const oauth = createOauth(account, { ...oauthManners, ...options.oauth }, () => `${bmw.authUrl}/oneid/link`);
  const rest = createRest(account, { ...restManners, ...options.rest }, () => cars);
  const certificate = await serverCertificate([...new Set(['localhost', '127.0.0.1', '::1', host])]);

  const servers: { close(): Promise<void> }[] = [];
  const closeAll = async (): Promise<void> => void (await Promise.all(servers.map((server) => server.close())));
  const opened = async <S extends { close(): Promise<void> }>(opening: Promise<S>): Promise<S> => {
    const server = await opening.catch(async (error) => {
      await closeAll();
      throw error;
    });
    servers.push(server);
    return server;
  };
  const auth = await opened(
    serveHttp(host, ports.auth ?? 0, (request, response) => {
      if (request.path === '/control') return control(bmw, request, response);
      if (!oauth.handle(request, response)) sendJson(response, 404, { error: 'not_found' });
    }),
  );
  const api = await opened(serveHttp(host, ports.api ?? 0, (request, response) => rest.handle(request, response)));
  const brokerSettings = { ...brokerManners, ...options.broker };
  const broker = await opened(startBroker(account, brokerSettings, certificate, host, ports.broker ?? 0));

  const publish = async (vin: string, data: Readonly<Record<string, unknown>>): Promise<object> => {
    const latest = cars.find((car) => car.vin === vin)?.latest;
    for (const [key, point] of Object.entries(data) as [string, DataPoint][]) {
      const known = latest?.get(key)?.timestamp ?? '';
      // A message that comes late doesn't turn the REST interface back.
      if (!(Date.parse(known) > Date.parse(point?.timestamp ?? ''))) latest?.set(key, point);
    }
    const message = envelope(vin, gcid, clock.now(), data);
    await broker.publish(vin, JSON.stringify(message));
    return message;
  };

  const bmw: Bmw = {
    authUrl: auth.url,
    apiUrl: api.url,
    brokerUrl: broker.url,
    ca: certificate.ca,
    gcid,
    clientId,
    vins: cars.map(({ vin }) => vin),
    account,
    faults,
    broker,
    rest,
    events,
    approve: (userCode) => oauth.decide(userCode, true),
    decline: (userCode) => oauth.decide(userCode, false),
    publish,
    drive(on) {
      stop?.();
      stop = on ? startJourney(cars, journey ?? {}, clock, (vin, data) => void publish(vin, data)) : undefined;
    },
    async close() {
      stop?.();
      await closeAll();
    },
  };
  if (journey && !journey.waits) bmw.drive(true);
  return bmw;
}
