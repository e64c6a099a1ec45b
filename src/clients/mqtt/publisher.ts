import type { Clock } from '../../runtime/clock.ts';
import type { MqttConnection } from '../../transports/mqtt/client.ts';
import { MqttFailure } from '../../transports/mqtt/failure.ts';
import type { Outgoing } from '../../transports/mqtt/packets.ts';
import { blamed } from './blame.ts';
import { fitted, refusedBy } from './limits.ts';
import { createRing, sizeOf } from './ring.ts';

/** A message on its way. */
export interface Job extends Outgoing {
  /** The record that it was made of, for the account of what is delivered; -1: of none. */
  readonly ordinal: number;
}

/** What became of a message: the broker has it; it refused, with its reason code; it was dropped while the broker was away. */
export type Fate = 'taken' | 'dropped' | number;

/** How messages wait. */
export interface PublisherOptions {
  clock: Clock;
  /** Messages under way at most; the broker may want fewer. */
  window: number;
  /** Messages that wait while there is no connection, beside the last word on each retained topic; beyond it the oldest go. */
  buffer: number;
  /** Whoever offers messages can wait instead, so that none has to go. */
  waits(): boolean;
  /** Messages are under way and the broker acknowledges none for so long: the connection is given up. Milliseconds. */
  stall: number;
  onFate(job: Job, fate: Fate): void;
}

/** Sends messages in their order over one connection after the other, as many at a time as the broker lets it. */
export interface Publisher {
  /** Takes a message. A promise, where one comes back, is to be waited for before the next one. */
  offer(job: Job): Promise<void> | undefined;
  /** Puts messages before all that wait. They are of no record, and end with the connection. */
  first(jobs: readonly Job[]): void;
  /** @param greeting what has to be said on it before anything else */
  up(connection: MqttConnection, greeting: readonly Job[]): void;
  /** @param why how the connection ended */
  down(why: MqttFailure): void;
  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void>;
  /** Whether the broker has taken or refused a message of a record since the last {@link Publisher.up}. */
  readonly proved: boolean;
  /** Messages that wait or are under way. */
  readonly outstanding: number;
  close(): void;
}

/** Bytes under way, or waiting for a connection, at most. */
const maxBytes = 8 * 1024 * 1024;
/** Connections in a row that the broker closed over one and the same message before it is given up. */
const closingsAtLast = 5;

/** Messages that wait for their turn although there is a connection, so that an acknowledgement finds the next one at hand. */
const slack = 64;

/** Messages that wait without a connection at most, the retained ones with them. */
const most = 10_000;

/** Stands where a job has left the queue. */
const gone: Job = { topic: '', payload: '', qos: 0, retain: false, ordinal: -1 };

export function createPublisher(options: PublisherOptions): Publisher {
  const { clock, buffer, onFate } = options;
  let waiting: Job[] = [];
  let head = 0;
  let waitingBytes = 0;
  const underWay = new Set<Job>();
  let underWayBytes = 0;
  let connection: MqttConnection | undefined;
  let window = options.window;
  let proved = false;
  /** The broker has acknowledged something since the last {@link Publisher.up}. */
  let answered = false;
  /** Nothing got through over the last connection although something was sent: one message at a time. */
  let careful = false;
  /** Connections in a row that the broker closed over what was sent. */
  let closings = 0;
  let progress = 0;
  let cancelWatch: (() => void) | undefined;
  let wakeOffer: (() => void)[] = [];
  let wakeIdle: (() => void)[] = [];

  /** What came while there was no connection and nobody could wait. */
  const ring = createRing({ buffer, most, maxBytes, onDropped: (job) => onFate(job, 'dropped') });

  const waitingCount = (): number => waiting.length - head;
  const wakeOffers = (): void => {
    const wakened = wakeOffer;
    wakeOffer = [];
    for (const wake of wakened) wake();
  };
  const checkIdle = (): void => {
    if (waitingCount() > 0 || underWay.size > 0 || ring.size > 0) return;
    const wakened = wakeIdle;
    wakeIdle = [];
    for (const wake of wakened) wake();
  };

  /** Something has left: whoever waits for room, or for the end, may go on. */
  const wakeAll = (): void => {
    if (waitingCount() <= slack / 2) wakeOffers();
    checkIdle();
  };

  const take = (): Job => {
    const job = waiting[head]!;
    // What has left must not be kept alive by its place in the queue.
    waiting[head++] = gone;
    waitingBytes -= sizeOf(job);
    if (head > 1024 && head * 2 > waiting.length) {
      waiting = waiting.slice(head);
      head = 0;
    }
    return job;
  };

  const settle = (job: Job, code: number): void => {
    if (!underWay.delete(job)) return;
    underWayBytes -= sizeOf(job);
    answered = true;
    if (job.ordinal >= 0) {
      proved = true;
      careful = false;
      closings = 0;
      if (connection) window = Math.min(options.window, connection.limits.receiveMaximum);
    }
    progress = clock.monotonic();
    onFate(job, code === 0 ? 'taken' : code);
    pump();
  };

  const pump = (): void => {
    const to = connection;
    if (!to) return;
    while (waitingCount() > 0 && underWay.size < window && (underWayBytes < maxBytes || underWay.size === 0)) {
      const job = take();
      const refused = refusedBy(job, to.limits);
      if (refused !== undefined) {
        onFate(job, refused);
        continue;
      }
      underWay.add(job);
      underWayBytes += sizeOf(job);
      if (!to.post(fitted(job, to.limits), (_message, code) => settle(job, code))) break;
    }
    watch();
    wakeAll();
  };

  /** While something is under way, the broker must show now and then that it is still taking messages. */
  const watch = (): void => {
    if (cancelWatch || underWay.size === 0) return;
    progress = clock.monotonic();
    const look = (): void => {
      cancelWatch = undefined;
      if (!connection || underWay.size === 0) return;
      const silent = clock.monotonic() - progress;
      if (silent >= options.stall) {
        connection.drop(new MqttFailure('timeout', 'the broker acknowledges nothing any longer'));
        return;
      }
      cancelWatch = clock.after(options.stall - silent, look, { idle: true });
    };
    cancelWatch = clock.after(options.stall, look, { idle: true });
  };

  const putFirst = (jobs: readonly Job[]): void => {
    waiting = [...jobs, ...waiting.slice(head)];
    head = 0;
    for (const job of jobs) waitingBytes += sizeOf(job);
    pump();
  };

  return {
    get proved() {
      return proved;
    },
    get outstanding() {
      return waitingCount() + underWay.size + ring.size;
    },
    offer(job) {
      if (!connection && !options.waits()) {
        ring.push(job);
        return undefined;
      }
      waiting.push(job);
      waitingBytes += sizeOf(job);
      pump();
      if (connection && (waitingCount() === 0 || (waitingCount() < slack && waitingBytes < maxBytes))) return undefined;
      return new Promise((resolve) => wakeOffer.push(resolve));
    },
    first: putFirst,
    up(fresh, greeting) {
      connection = fresh;
      proved = false;
      answered = false;
      // One at a time, it shows on which message the broker closes the connection.
      window = careful ? 1 : Math.min(options.window, fresh.limits.receiveMaximum);
      const held = ring.drain();
      waiting.push(...held);
      for (const job of held) waitingBytes += sizeOf(job);
      putFirst(greeting);
    },
    down(why) {
      if (!connection) return;
      connection = undefined;
      cancelWatch?.();
      cancelWatch = undefined;
      // What is to be said first on a connection is said anew by whoever says it.
      const ofRecords = (jobs: Iterable<Job>): Job[] => [...jobs].filter(({ ordinal }) => ordinal >= 0);
      const sent = ofRecords(underWay);
      underWay.clear();
      underWayBytes = 0;
      let code: number | undefined;
      if (!proved && sent.length > 0) {
        code = blamed({ why, silent: clock.monotonic() - progress, tookOthers: careful && answered });
        closings = code === undefined ? 0 : closings + 1;
        careful = true;
      }
      const given = closings >= closingsAtLast && sent.length === 1 ? sent.shift() : undefined;
      waiting = [...sent, ...ofRecords(waiting.slice(head))];
      head = 0;
      waitingBytes = waiting.reduce((sum, job) => sum + sizeOf(job), 0);
      if (given && code !== undefined) {
        proved = true;
        closings = 0;
        onFate(given, code);
      }
      if (!options.waits()) wakeOffers();
      checkIdle();
    },
    idle() {
      return new Promise((resolve) => {
        wakeIdle.push(resolve);
        checkIdle();
      });
    },
    close() {
      cancelWatch?.();
      cancelWatch = undefined;
      connection = undefined;
    },
  };
}
