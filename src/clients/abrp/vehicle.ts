import { bulkLimit } from '../../protocols/abrp/requests.ts';
import type { Tlm } from '../../protocols/abrp/telemetry.ts';
import type { VoltRecord } from '../../records/record.ts';
import type { Clock } from '../../runtime/clock.ts';
import { createBackoff } from '../../runtime/retry.ts';
import type { AbrpApi, TimedAnswer } from './api.ts';
import { createBacklog, type Point, type Waiting } from './backlog.ts';
import type { Pace, VehicleEvents } from './pace.ts';
import { repeatOf } from './repeat.ts';

/** Points that wait before no more are taken in: two hours at one every 10 s. */
const maxWaiting = 720;
/** Without repetitions, how long a record that asks for no push waits. */
const calmPause = 30_000;
const backoff = { first: 5000, cap: 60_000 };
/** A far side that asks for more patience than this is asked again anyway. */
const longestWait = 15 * 60_000;
/** A token that worked is taken for good until it was refused that often in a row: ABRP has hiccups. */
const refusalsBelieved = 3;

/**
 * Pushes one vehicle's points: one push at a time, never two within the minimum interval, in order, and always the newest last.
 * What cannot be delivered waits; what is rejected goes.
 */
export class Vehicle {
  readonly #clock: Clock;
  readonly #api: AbrpApi;
  #token: string;
  readonly #pace: Pace;
  readonly #events: VehicleEvents;
  readonly #backlog;
  readonly #backoff;
  #cancelTimer = (): void => {};
  #lastStart = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;
  #sending = false;
  #underWay = 0;
  #stopped = false;
  #refused = false;
  #worked = false;
  #refusals = 0;
  #batch = bulkLimit;
  /** A record waits that asks for a push. */
  #asked = false;
  /** Nothing more will come: what waits goes, nothing is repeated. */
  #finishing = false;
  /** Not even the interval is waited for. */
  #hurried = false;
  #last: { record: VoltRecord; tlm: Tlm; cameAt: number } | undefined;
  #newest: VoltRecord | undefined;
  #cameAt = 0;
  #repeated = 0;
  #onQuiet: (() => void)[] = [];
  #onRoom: (() => void)[] = [];

  constructor(clock: Clock, api: AbrpApi, token: string, pace: Pace, events: VehicleEvents) {
    this.#clock = clock;
    this.#api = api;
    this.#token = token;
    this.#pace = pace;
    this.#events = events;
    this.#backlog = createBacklog(pace.bulk === 'never' ? Number.POSITIVE_INFINITY : pace.minInterval / 1000);
    this.#backoff = createBackoff({ ...backoff, ...(pace.random ? { random: pace.random } : {}) });
  }

  /** Points that are not delivered yet. */
  get waiting(): number {
    return this.#backlog.size + this.#underWay;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** A new point. It is sent when the pace allows. With a promise it asks for no more until that resolves. */
  add(point: Point): Promise<void> | undefined {
    if (this.#stopped) return undefined;
    this.#asked ||= this.#asksForPush(point.record);
    this.#newest = point.record;
    this.#cameAt = this.#clock.monotonic();
    this.#backlog.add(point);
    this.#plan();
    if (this.#backlog.size < maxWaiting) return undefined;
    return new Promise((resolve) => this.#onRoom.push(resolve));
  }

  /** From now on sends what waits without regard to the interval; a back-off that is under way ends. */
  hurry(): void {
    this.#hurried = true;
    this.#notBefore = Number.NEGATIVE_INFINITY;
    this.#plan();
  }

  /** Sends what waits, keeping to the pace. Resolves when nothing waits, or the vehicle has stopped. */
  finish(): Promise<void> {
    this.#finishing = true;
    return new Promise((resolve) => {
      this.#onQuiet.push(resolve);
      this.#plan();
    });
  }

  /** Lets go of what waits. Returns the inputs that nobody cares for any longer. */
  abandon(): readonly number[] {
    return this.#backlog.take(this.#backlog.size).flatMap(({ covers }) => covers);
  }

  /** Goes on with another token, also after the last one was refused. */
  useToken(token: string): void {
    this.#token = token;
    this.#stopped = false;
    this.#refused = false;
    this.#worked = false;
    this.#refusals = 0;
    this.#notBefore = Number.NEGATIVE_INFINITY;
    this.#plan();
  }

  /** Sends the last point once more, now. */
  async repeat(): Promise<void> {
    if (this.#last && !this.#stopped && !this.#sending) await this.#push([], this.#last.tlm);
  }

  /** Stops without sending. What waits stays unsent. */
  close(): void {
    this.#stopped = true;
    this.#cancelTimer();
    this.#settle();
  }

  #asksForPush(record: VoltRecord): boolean {
    const { onChange } = this.#pace;
    const before = this.#newest;
    return onChange.length === 0 || before === undefined || onChange.some((key) => record[key] !== before[key]);
  }

  /** Lets go on who waits for room, or for the end. */
  #settle(): void {
    if (this.#stopped || this.#backlog.size < maxWaiting) for (const resolve of this.#onRoom.splice(0)) resolve();
    if (this.#stopped || this.#backlog.size === 0) for (const resolve of this.#onQuiet.splice(0)) resolve();
  }

  /** When the next push is due, on the monotonic clock, and what it says again if it brings nothing new. */
  #next(): { at: number; repeat?: Tlm } | undefined {
    const { minInterval, heartbeat } = this.#pace;
    const allowed = Math.max(this.#lastStart + minInterval, this.#notBefore);
    if (this.#backlog.size > 0) {
      if (this.#hurried) return { at: this.#notBefore };
      if (this.#asked || this.#finishing) return { at: allowed };
      return { at: Math.max(allowed, this.#lastStart + (heartbeat > 0 ? heartbeat : calmPause)) };
    }
    if (this.#finishing || !this.#last) return undefined;
    const silence = this.#lastStart - this.#last.cameAt;
    const repeat = repeatOf(this.#last, Math.max(0, silence), this.#repeated, heartbeat);
    return repeat && { at: Math.max(allowed, this.#lastStart + repeat.after), repeat: repeat.tlm };
  }

  /** Sets the one timer to the next push. */
  #plan(): void {
    this.#cancelTimer();
    if (this.#sending) return;
    this.#settle();
    const next = this.#stopped ? undefined : this.#next();
    if (!next) return;
    this.#cancelTimer = this.#clock.after(Math.max(0, next.at - this.#clock.monotonic()), () => {
      if (next.repeat) this.#repeated++;
      void this.#push(this.#backlog.take(this.#batch), next.repeat);
    });
  }

  async #push(points: readonly Waiting[], repeat: Tlm | undefined): Promise<void> {
    this.#sending = true;
    this.#underWay = points.length;
    this.#lastStart = this.#clock.monotonic();
    if (this.#backlog.size === 0) this.#asked = false;
    const sent = points.length > 0 ? points.map(({ tlm }) => tlm) : repeat ? [repeat] : [];
    const cameAt = this.#cameAt;
    const token = this.#token;
    const answer = await this.#api.push(token, sent);
    this.#sending = false;
    this.#underWay = 0;
    const kept = this.#judge(answer, points, token);
    const last = points.at(-1);
    if (answer.verdict === 'ok' && last) {
      this.#last = { record: last.record, tlm: last.tlm, cameAt };
      this.#repeated = 0;
    }
    this.#events.onPush({ points: sent, answer, kept });
    if (!kept) this.#events.onDone(points.flatMap(({ covers }) => covers));
    if (this.#refused) this.#events.onRefused(answer);
    this.#plan();
  }

  /** Draws the conclusions of an answer. Returns whether the points wait again. */
  #judge(answer: TimedAnswer, points: readonly Waiting[], token: string): boolean {
    const keep = (): boolean => {
      this.#backlog.putBack(points);
      this.#asked = true;
      return points.length > 0;
    };
    if (answer.verdict !== 'refused') this.#refusals = 0;
    switch (answer.verdict) {
      case 'ok':
        this.#worked = true;
        this.#notBefore = Number.NEGATIVE_INFINITY;
        this.#backoff.reset();
        this.#batch = Math.min(bulkLimit, this.#batch * 2);
        return false;
      case 'rejected':
        // One bad point must not take the others with it: halves are tried until it stands alone.
        if (points.length <= 1) return false;
        this.#batch = Math.ceil(points.length / 2);
        return keep();
      case 'refused':
        // Said of a token that is out of use by now.
        if (token !== this.#token) return keep();
        if (!this.#worked || ++this.#refusals >= refusalsBelieved) {
          this.#refused = true;
          this.#stopped = true;
          return keep();
        }
        this.#wait(answer);
        return keep();
      case 'later':
        this.#wait(answer);
        return keep();
    }
  }

  #wait({ retryAfter = 0 }: TimedAnswer): void {
    const wait = Math.max(this.#backoff.next(), Math.min(retryAfter, longestWait));
    this.#notBefore = this.#clock.monotonic() + wait;
  }
}
