import type { Client, ConnectPacket } from 'aedes';
import type { ServerCertificate } from '../certificates.ts';
import { urlHost } from '../http.ts';
import type { Account } from './account.ts';
import { type BrokerManners, type Line, refusalOf } from './door.ts';
import { listenTls } from './listener.ts';

/** A message that went out to a client. */
interface SentMessage {
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

/**
 * Starts the broker: MQTT 3.1.1 or 5 over TLS 1.3, user name = gcid, password = an id token in force.
 *
 * Answers CONNACK 4 (134 in MQTT 5) to a bad or expired password and 5 (135) to whatever else it refuses.
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

  const line = (): Line => ({ holder: session?.client.id, quiet: clock.monotonic() - lastEnd });

  const end = (which: Session, why: string): void => {
    which.ended ??= why;
    which.client.close();
  };

  const accept = (client: Client, expires: number): void => {
    if (session) end(session, 'another client took over');
    const mine: Session = { number: ++accepted, client, topics: [], ended: undefined, cancel: [] };
    session = mine;
    const { conn } = client;
    const endAfter = (ms: number, why: string) => clock.after(ms, () => end(mine, why), { idle: true });
    const watchIdle = () => endAfter(manners.idle, 'idle');
    let stopIdle = watchIdle();
    const keepalive = keepalives.get(client) ?? 0;
    if (keepalive === 0 || keepalive > manners.keepalive) {
      mine.cancel.push(endAfter(manners.idle, `keep-alive of ${keepalive} s`));
    }
    mine.cancel.push(endAfter(expires - clock.now(), 'the id token has run out'), () => stopIdle());
    conn.on('data', () => {
      stopIdle();
      stopIdle = watchIdle();
    });
    conn.once('close', () => {
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
      const refused = refusalOf(account, manners, { client: client.id, user, password: token }, line());
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

  const listener = await listenTls(
    host,
    port,
    certificate,
    (connection) => aedes.handle(connection),
    (reason) => emit({ event: 'tls_refused', reason }),
  );

  return {
    url: `mqtts://${urlHost(host)}:${listener.port}`,
    port: listener.port,
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
      await listener.down();
    },
    up: listener.up,
    async close() {
      await listener.down();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
    },
  };
}
