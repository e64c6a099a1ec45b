import type { MqttFailureKind } from '../../transports/mqtt/failure.ts';

/** Why there is no stream: what the MQTT transport says, or a refused subscription. */
export interface StreamFailure {
  kind: MqttFailureKind | 'subscription';
  code?: number | undefined;
}

interface Reaction {
  /** Least wait in milliseconds. */
  floor?: number;
  /** Renew the tokens from this many refusals in a row on. */
  refreshAt?: number;
  /** Does not count as a failure: the wait stays at `floor`. */
  uncounted?: true;
  hint?: string;
  /** What to tell the first time. */
  early?: string;
}

const tooSoon = 'BMW refuses whoever comes back within ten seconds of its last connection; that passes by itself';
const otherClient =
  'another client may hold the stream: BMW allows one connection per account (evcc, Home Assistant, a second bmw-stream). Stop the other, or let it read from a mirror';

/**
 * BMW's broker, reason by reason, as clients in the field have met it. CONNACK codes of MQTT 3.1.1 and 5 side by side. `5` is
 * told for a stale token, for a second client, and for anybody who comes back within ten seconds.
 */
const reactions: Readonly<Record<string, Reaction>> = {
  'refused 4': { refreshAt: 1 },
  'refused 134': { refreshAt: 1 },
  'refused 5': { refreshAt: 2, early: tooSoon, hint: otherClient },
  'refused 135': { refreshAt: 2, early: tooSoon, hint: otherClient },
  'refused 2': { floor: 20_000 },
  'refused 128': { floor: 20_000 },
  'refused 133': { floor: 20_000 },
  'refused 151': { floor: 60_000 },
  'refused 159': { floor: 60_000 },
  'disconnected 142': { floor: 60_000, hint: otherClient },
  'disconnected 151': { floor: 60_000 },
  subscription: {
    floor: 60_000,
    hint: 'the broker refused the topic: it takes {gcid}/{VIN}, not the bare VIN that the portal shows. Check bmw.vin and that the stream is subscribed in the portal',
  },
  offline: { floor: 15_000, uncounted: true },
};

/** No client may connect more often than this, and none may come back faster after a connection that ended. */
export const betweenConnects = 10_000;
const first = 5000;
const cap = 300_000;
const manyFailures = 10;
const longCap = 600_000;
/** A session this long was a success. */
export const goodSession = 60_000;
const forcedPerHour = 3;
const hour = 3_600_000;
/** Sessions in a row that the broker cut short: two clients that evict each other. */
const evictions = 3;

/** What the loop remembers between attempts. */
export interface Streak {
  failures: number;
  /** Refusals (CONNACK) in a row. */
  refusals: number;
  /** Short sessions in a row. */
  short: number;
  /** When renewals were forced, in milliseconds of a clock that only grows. */
  forced: readonly number[];
}

/** Before the first attempt. */
export const noStreak: Streak = { failures: 0, refusals: 0, short: 0, forced: [] };

/** What to do next. */
export interface Decision {
  streak: Streak;
  /** Milliseconds to wait before the next attempt. */
  wait: number;
  /** Renew the tokens first, however valid they look. */
  refresh: boolean;
  hint: string | undefined;
}

/**
 * Decides after a failure or the end of a session. Pure: time comes in.
 *
 * @param sessionMs how long the stream had been up; 0 when it never was
 * @param now milliseconds of a clock that only grows
 * @param random number in [0, 1) for the jitter
 */
export function decide(
  before: Streak,
  failure: StreamFailure,
  sessionMs: number,
  now: number,
  random: () => number = Math.random,
): Decision {
  const reaction = reactions[`${failure.kind} ${failure.code}`] ?? reactions[failure.kind] ?? {};
  const good = sessionMs >= goodSession;
  const refused = failure.kind === 'refused';
  const failures = (good ? 0 : before.failures) + (reaction.uncounted ? 0 : 1);
  const refusals = refused ? (good ? 0 : before.refusals) + 1 : sessionMs > 0 ? 0 : before.refusals;
  const short = good || sessionMs === 0 ? 0 : before.short + 1;

  const recent = before.forced.filter((at) => now - at < hour);
  const due = reaction.refreshAt !== undefined && refusals > 0 && refusals % reaction.refreshAt === 0;
  const refresh = refused && due && recent.length < forcedPerHour;

  const growing = failures >= manyFailures ? longCap : Math.min(cap, first * 2 ** Math.max(0, failures - 1));
  const plain = reaction.uncounted ? 0 : growing * (1 - 0.2 * random());
  const wait = Math.round(Math.max(plain, reaction.floor ?? 0, betweenConnects));

  const evicted = short >= evictions && (failure.kind === 'closed' || failure.kind === 'network');
  const tired = reaction.refreshAt === undefined || refusals > reaction.refreshAt;
  return {
    streak: { failures, refusals, short, forced: refresh ? [...recent, now] : recent },
    wait,
    refresh,
    hint: evicted ? otherClient : tired ? reaction.hint : reaction.early,
  };
}
