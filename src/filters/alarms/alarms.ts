import { identityIn, type VoltRecord } from '../../records/record.ts';
import { formatTime, furthestAhead, parseTime } from '../../records/time.ts';
import { isOver, type Limit, passes, type Rule } from './rule.ts';
import { type Trend, type TrendPoints, trend } from './trend.ts';

/** One rule for one device, as JSON can keep it. */
interface Watch {
  identity: Record<string, unknown>;
  /** Since when the limit is passed; absent: it is not. */
  since?: number;
  raised?: true;
  /** The value that was seen last. */
  value?: Limit;
  points?: TrendPoints;
}

/** What outlives a restart. */
export interface AlarmSnapshot {
  version: 1;
  watches: Record<string, Watch>;
  newest: Record<string, number>;
}

/** Where holds are waited for: in the readings' time, or by the clock. */
export interface Holds {
  /** {@link Alarms.due} is to be called with `key` at the time `at`, which is `hold` after the limit was passed. */
  start(key: string, at: number, hold: number): void;
  cancel(key: string): void;
}

/** Watches rules over all devices of a stream. */
export interface Alarms {
  /** Takes a record; returns the alarms that it raises or clears. */
  take(record: VoltRecord): VoltRecord[];
  /** A hold is over: the alarm that is raised by it. */
  due(key: string): VoltRecord[];
  /**
   * The time in ms that a record tells the hold of `key`; NaN: none. Its own device is believed; another one may say that time has
   * passed, but no more of it than has passed here.
   */
  told(key: string, record: VoltRecord): number;
  save(): AlarmSnapshot;
  /** Takes up where a snapshot ended; holds that were running run on. Alarms that no rule stands for any more are cleared. */
  load(snapshot: AlarmSnapshot): VoltRecord[];
}

/** Ids alone: a name may change without the device being another one. */
const ids = ['vin', 'device_id', 'vehicle_id', 'charge_point', 'connector', 'source'] as const;

const deviceOf = (record: VoltRecord): string => ids.map((key) => record[key] ?? '').join(' ');
const ownerOf = (record: VoltRecord): string => `${record.type} ${deviceOf(record)}`;

/** The rule behind a protection that a device reports. */
const protection = (name: string): Rule => ({
  name,
  type: 'battery_reading',
  field: 'alarms',
  operator: '==',
  limit: true,
  hold: 0,
  clear: undefined,
});

/**
 * Makes the watch over `rules`. With `protections` each name in a reading's `alarms` is an alarm, too.
 *
 * An alarm is raised once and cleared once. A value that is absent changes nothing; a value holds until the next one.
 *
 * @param now the time here in ms. A record that is further ahead of it than a clock that is right can be makes none after it late, and
 * ends no hold
 */
export function alarms(
  rules: readonly Rule[],
  protections: boolean,
  holds: Holds,
  now: () => number = () => Number.POSITIVE_INFINITY,
): Alarms {
  const isPossible = (time: number): boolean => time <= now() + furthestAhead;
  let watches = new Map<string, Watch>();
  const newest = new Map<string, number>();
  const trends = new Map<string, Trend>();

  /** The rule of a key: what its owner is of, and its name, tell. */
  function ruleOf(key: string): Rule | undefined {
    const name = key.slice(key.indexOf('\n') + 1);
    return rules.find((rule) => rule.name === name && key.startsWith(`${rule.type} `));
  }

  function alarm(rule: Rule, { identity, since, value }: Watch, state: 'raised' | 'cleared', time: number): VoltRecord {
    return {
      type: 'alarm',
      time: formatTime(time),
      ...identity,
      alarm: rule.name,
      state,
      ...(typeof value === 'number' && { value }),
      ...(typeof rule.limit === 'number' && { threshold: rule.limit }),
      ...(since !== undefined && { since: formatTime(since) }),
    };
  }

  /** The end of an alarm whose rule is gone: as of the last record of its device. */
  function abandoned(key: string, { identity, since }: Watch): VoltRecord {
    const [owner = '', name = ''] = key.split('\n');
    const time = newest.get(owner.replace(/^protection /, '')) ?? since ?? now();
    return {
      type: 'alarm',
      time: formatTime(time),
      ...identity,
      alarm: name,
      state: 'cleared',
      ...(since !== undefined && { since: formatTime(since) }),
      reason: 'no rule stands for it any more',
    };
  }

  /** One value, or none: what the rule makes of it. */
  function step(rule: Rule, key: string, record: VoltRecord, value: Limit, time: number): VoltRecord[] {
    const watch = watches.get(key) ?? { identity: {} };
    watches.set(key, watch);
    watch.identity = identityIn(record);
    watch.value = value;
    if (watch.raised) {
      if (!isOver(rule, value)) return [];
      const over = alarm(rule, watch, 'cleared', time);
      delete watch.raised;
      delete watch.since;
      return [over];
    }
    if (!passes(rule, value)) {
      if (watch.since !== undefined) holds.cancel(key);
      delete watch.since;
      return [];
    }
    if (watch.since === undefined || (isPossible(watch.since) && !isPossible(time))) {
      watch.since = time;
      if (rule.hold > 0) holds.start(key, time + rule.hold, rule.hold);
    }
    return time - watch.since >= rule.hold ? raise(rule, key, watch, time) : [];
  }

  function raise(rule: Rule, key: string, watch: Watch, time: number): VoltRecord[] {
    holds.cancel(key);
    watch.raised = true;
    return [alarm(rule, watch, 'raised', time)];
  }

  /** The value of a rule's field now: of a slope, that of the line. */
  function seen(rule: Rule, key: string, record: VoltRecord, time: number): Limit | undefined {
    const value = record[rule.field];
    if (!rule.slope) return typeof value === typeof rule.limit && !Number.isNaN(value) ? (value as Limit) : undefined;
    if (typeof value !== 'number') return undefined;
    const line = trends.get(key) ?? trend(rule.slope.over);
    trends.set(key, line);
    line.take(time, value);
    const slope = line.slope();
    return slope === undefined ? undefined : Number((slope * rule.slope.per).toPrecision(6));
  }

  /** What was begun by a time that can't be: holds and slopes of a device. What is raised stays so. */
  function beginAnew(owner: string): void {
    for (const [key, watch] of watches) {
      if (watch.raised || !(key.startsWith(`${owner}\n`) || key.startsWith(`protection ${owner}\n`))) continue;
      if (watch.since !== undefined) holds.cancel(key);
      delete watch.since;
    }
    for (const key of trends.keys()) if (key.startsWith(`${owner}\n`)) trends.delete(key);
  }

  function protectionsOf(record: VoltRecord, owner: string, time: number): VoltRecord[] {
    const { alarms: names } = record;
    if (!protections || record.type !== 'battery_reading' || !Array.isArray(names)) return [];
    const prefix = `protection ${owner}\n`;
    const known = [...watches.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
    return [...new Set([...known, ...names.map(String)])].flatMap((name) => {
      const made = step(protection(name), prefix + name, record, names.includes(name), time);
      if (!names.includes(name)) watches.delete(prefix + name);
      return made;
    });
  }

  return {
    take(record) {
      const time = parseTime(record.time);
      if (Number.isNaN(time) || record.type === 'alarm') return [];
      const owner = ownerOf(record);
      const last = newest.get(owner) ?? Number.NEGATIVE_INFINITY;
      if (time < last) {
        // One that comes late says nothing of now, unless the last one came out of the future.
        if (isPossible(last)) return [];
        beginAnew(owner);
      }
      newest.set(owner, time);
      const made = rules
        .filter(({ type }) => type === record.type)
        .flatMap((rule) => {
          const key = `${owner}\n${rule.name}`;
          const value = seen(rule, key, record, time);
          return value === undefined ? [] : step(rule, key, record, value, time);
        });
      return [...made, ...protectionsOf(record, owner, time)];
    },
    due(key) {
      const watch = watches.get(key);
      const rule = ruleOf(key);
      if (!rule || watch?.since === undefined || watch.raised) return [];
      return raise(rule, key, watch, watch.since + rule.hold);
    },
    told(key, record) {
      const time = parseTime(record.time);
      const { since } = watches.get(key) ?? {};
      const isOwn = key.slice(key.indexOf(' '), key.indexOf('\n')) === ` ${deviceOf(record)}`;
      if (!isOwn) return Math.min(time, now());
      return since !== undefined && isPossible(since) && !isPossible(time) ? Number.NaN : time;
    },
    save() {
      const kept = [...watches].map(([key, watch]): [string, Watch] => {
        const points = trends.get(key)?.points;
        return [key, points ? { ...watch, points } : watch];
      });
      for (const [key, { points }] of trends) if (!watches.has(key)) kept.push([key, { identity: {}, points }]);
      return { version: 1, watches: Object.fromEntries(kept), newest: Object.fromEntries(newest) };
    },
    load(snapshot) {
      const stands = ([key]: [string, Watch]): boolean =>
        key.startsWith('protection ') ? protections : ruleOf(key) !== undefined;
      const kept = Object.entries(snapshot.watches);
      watches = new Map(kept.filter(stands));
      for (const [owner, time] of Object.entries(snapshot.newest)) newest.set(owner, time);
      for (const [key, watch] of watches) {
        const rule = ruleOf(key);
        if (rule?.slope && watch.points) trends.set(key, trend(rule.slope.over, watch.points));
        if (rule && watch.since !== undefined && !watch.raised) holds.start(key, watch.since + rule.hold, rule.hold);
      }
      return kept
        .filter((one) => !stands(one))
        .flatMap(([key, watch]) => (watch.raised ? [abandoned(key, watch)] : []));
    },
  };
}
