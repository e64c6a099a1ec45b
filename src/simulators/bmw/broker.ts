import { type AddressInfo, isIP } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { AuthenticateError, Client, ConnectPacket } from 'aedes';
import type { ServerCertificate } from '../certificates.ts';
import { urlHost } from '../http.ts';
import type { Account } from './account.ts';

/** How the broker treats its clients. Times are milliseconds. */
export interface BrokerManners {
  /** What becomes of a second client on the account: it is refused, or the first one goes. */
  secondClient: 'refuse' | 'evict';
  /** A connect that comes sooner than this after a disconnect is refused. */
  reconnectPause: number;
  /** A connection without a packet from the client for this long is closed. */
  idle: number;
  /** Longest keep-alive in seconds; who asks for a longer one (or none) is closed after `idle`, whatever it sends. */
  keepalive: number;
  /** How many messages {@link Broker.sent} holds: the newest. */
  keepSent: number;
}

/** BMW's manners. */
export const brokerManners: BrokerManners = {
  secondClient: 'refuse',
  reconnectPause: 10_000,
  idle: 60_000,
  keepalive: 30,
  keepSent: Number.POSITIVE_INFINITY,
};

/** A message that went out to a client. */
export interface SentMessage {
  /** From 1, over the life of the broker. */
  sequence: number;
  /** Number of the connection that it went to, from 1. */
  connection: number;
  topic: string;
  payload: string;
}

/** The MQTT broker of CarData. */
export interface Broker {
  /** `mqtts://127.0.0.1:40003` */
  readonly url: string;
  readonly port: number;
  /** The newest messages, and to whom they went; what no client was there for is lost and not among them. */
  readonly sent: readonly SentMessage[];
  /** How many messages were sent so far. */
  readonly count: number;
  /** How many connections were accepted so far. */
  readonly accepted: number;
  /** A client is connected. */
  readonly connected: boolean;
  /** The topic filters of the client that is connected. */
  readonly subscriptions: readonly string[];
  /** Publishes to `{gcid}/{vin}`: QoS 0, not retained. Resolves when it is written. */
  publish(vin: string, payload: string): Promise<void>;
  /** Closes the connection of the client, if there is one. */
  drop(): void;
  /** Sends nothing any more (or again), and answers nothing on a connection that is there: a half-dead link. */
  freeze(on: boolean): void;
  /** The port refuses connections from now on; the client is closed. */
  down(): Promise<void>;
  /** Listens again, on the same port. */
  up(): Promise<void>;
  close(): Promise<void>;
}

interface Session {
  number: number;
  client: Client;
  topics: string[];
  /** Why the simulator itself ended it. */
  ended: string | undefined;
  cancel: (() => void)[];
}

/** The part of aedes' client that its types leave out: it stops reading packets. */
interface Pausable {
  pause(): void;
  resume(): void;
}

const refusal = (returnCode: 4 | 5, message: string): AuthenticateError =>
  Object.assign(new Error(message), { returnCode });

/**
 * Starts the broker: MQTT 3.1.1 over TLS 1.3, user name = gcid, password = an id token in force.
 *
 * Answers CONNACK 4 to a bad or expired password and 5 to whatever else it refuses. BMW's broker speaks MQTT 5 too; this one
 * does not, and refuses it with CONNACK 1.
 */
export async function startBroker(
  account: Account,
  manners: BrokerManners,
  certificate: ServerCertificate,
  host: string,
  port: number,
): Promise<Broker> {
  const { Aedes } = await import('aedes');
  const { clock, faults, emit, gcid } = account;
  const keepalives = new WeakMap<Client, number>();
  const sent: SentMessage[] = [];
  let sequence = 0;
  let accepted = 0;
  let session: Session | undefined;
  let lastEnd = Number.NEGATIVE_INFINITY;
  let frozen = false;

  const end = (which: Session, why: string): void => {
    which.ended ??= why;
    which.client.close();
  };

  const judge = (
    client: Client,
    user: string | undefined,
    password: string | undefined,
  ): AuthenticateError | undefined => {
    const fault = faults.takeOne(['broker-refuse-4', 'broker-refuse-5']);
    if (fault) return refusal(fault === 'broker-refuse-4' ? 4 : 5, 'on request');
    const token = account.id(password ?? '');
    if (user !== gcid) return refusal(4, 'the user name is not the gcid');
    if (!token) return refusal(4, 'the password is no id token in force');
    if (!token.streaming) return refusal(5, 'the id token allows no stream');
    if (clock.monotonic() - lastEnd < manners.reconnectPause) return refusal(5, 'reconnected too soon');
    const takeover = session?.client.id === client.id || manners.secondClient === 'evict';
    if (session && !takeover) return refusal(5, 'another client holds the stream');
    return undefined;
  };

  const accept = (client: Client, expires: number): void => {
    if (session) end(session, 'another client took over');
    const mine: Session = { number: ++accepted, client, topics: [], ended: undefined, cancel: [] };
    session = mine;
    const socket = client.conn as TLSSocket;
    const endAfter = (ms: number, why: string) => clock.after(ms, () => end(mine, why), { idle: true });
    const watchIdle = () => endAfter(manners.idle, 'idle');
    let stopIdle = watchIdle();
    const keepalive = keepalives.get(client) ?? 0;
    if (keepalive === 0 || keepalive > manners.keepalive) {
      mine.cancel.push(endAfter(manners.idle, `keep-alive of ${keepalive} s`));
    }
    mine.cancel.push(endAfter(expires - clock.now(), 'the id token has run out'), () => stopIdle());
    socket.on('data', () => {
      stopIdle();
      stopIdle = watchIdle();
    });
    socket.once('close', () => {
      for (const cancel of mine.cancel) cancel();
      lastEnd = clock.monotonic();
      if (session === mine) session = undefined;
      emit({ event: 'stream_disconnected', connection: mine.number, reason: mine.ended ?? 'the client left' });
    });
    emit({ event: 'stream_connected', connection: mine.number, client_id: client.id, keepalive });
  };

  const aedes = await Aedes.createBroker({
    preConnect(client, packet: ConnectPacket, done) {
      keepalives.set(client, packet.keepalive ?? 0);
      done(null, true);
    },
    authenticate(client, user, password, done) {
      const token = password?.toString();
      const refused = judge(client, user, token);
      if (refused) {
        emit({ event: 'stream_refused', code: refused.returnCode, reason: refused.message });
        return done(refused, false);
      }
      accept(client, account.id(token ?? '')?.expires ?? 0);
      done(null, true);
    },
    authorizeSubscribe(client, subscription, done) {
      const refused = !subscription.topic.startsWith(`${gcid}/`) || faults.take('broker-refuse-subscription');
      if (refused) emit({ event: 'subscription_refused', topic: subscription.topic.replace(gcid, '{gcid}') });
      else if (session?.client === client) session.topics.push(subscription.topic);
      done(null, refused ? null : subscription);
    },
    authorizePublish: (_client, _packet, done) => done(new Error('clients may not publish')),
    authorizeForward(client, packet) {
      if (frozen) return null;
      sequence++;
      const connection = session?.client === client ? session.number : 0;
      sent.push({ sequence, connection, topic: packet.topic, payload: packet.payload.toString() });
      if (sent.length > manners.keepSent) sent.shift();
      return packet;
    },
  });
  aedes.on('subscribe', (subscriptions, client) => {
    if (session?.client !== client) return;
    if (!subscriptions.some(({ qos }) => (qos as number) === 128)) {
      emit({ event: 'stream_subscribed', connection: session.number });
      return;
    }
    session.ended ??= 'refused subscription';
    // `end` and not `close`: the SUBACK has to get through first.
    client.conn.end();
  });
  aedes.on('clientReady', (client) => {
    if (session?.client === client && faults.take('broker-drop-on-connect')) end(session, 'on request');
  });

  const sockets = new Set<TLSSocket>();
  const server: Server = createServer(
    { key: certificate.key, cert: certificate.cert, minVersion: 'TLSv1.3' },
    (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      aedes.handle(socket);
    },
  );
  server.on('tlsClientError', (error) => emit({ event: 'tls_refused', reason: error.message }));
  const listen = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(wanted, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  const unlisten = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  await listen(port);
  const bound = (server.address() as AddressInfo).port;

  return {
    url: `mqtts://${isIP(host) ? urlHost(host) : host}:${bound}`,
    port: bound,
    sent,
    get count() {
      return sequence;
    },
    get accepted() {
      return accepted;
    },
    get connected() {
      return session !== undefined;
    },
    get subscriptions() {
      return session?.topics ?? [];
    },
    publish(vin, payload) {
      const whole = faults.take('broker-malformed') ? payload.slice(0, payload.length / 2) : payload;
      const packet = {
        cmd: 'publish',
        qos: 0,
        dup: false,
        retain: false,
        topic: `${gcid}/${vin}`,
        payload: whole,
      } as const;
      return new Promise((resolve, reject) => aedes.publish(packet, (error) => (error ? reject(error) : resolve())));
    },
    drop() {
      if (session) end(session, 'on request');
    },
    freeze(on) {
      frozen = on;
      const client = session?.client as (Client & Pausable) | undefined;
      if (on) client?.pause();
      else client?.resume();
    },
    async down() {
      if (session) session.ended ??= 'the broker went down';
      await unlisten();
    },
    up: () => listen(bound),
    async close() {
      await unlisten();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
    },
  };
}
