import { type AlarmSnapshot, type Alarms, alarms, type Holds } from '../filters/alarms/alarms.ts';
import { parseRule, type Rule, RuleError } from '../filters/alarms/rule.ts';
import type { VoltRecord } from '../records/record.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';

const options = {
  slope: {
    type: 'string',
    repeatable: true,
    value: 'RULE',
    summary: "rule over the slope of a value, as 'voltage<-0.05/d over 3d'",
  },
  rules: {
    type: 'string',
    repeatable: true,
    key: 'alarm.rules',
    configOnly: true,
    summary: 'rules beside those of the command line',
  },
  protections: { type: 'flag', default: true, summary: 'raise an alarm for each protection that a device reports' },
  clock: {
    type: 'choice',
    choices: ['record', 'wall'],
    default: 'record',
    summary: "what a hold is counted by: the readings' time, or the time that passes here",
  },
  only: { type: 'list', value: 'TYPE', summary: 'put out records of this type alone: alarm' },
  state: { type: 'string', value: 'NAME', summary: 'keep what is raised over restarts, under this name' },
} as const satisfies Options;

type Ctx = Context<typeof options>;
type Given = Pick<Ctx['opts'], 'slope' | 'rules'>;

/** All rules; throws exit status 64 with every one that can't be understood, and where two have one name. */
function rulesOf({ slope, rules }: Given, args: readonly string[]): Rule[] {
  const faults: string[] = [];
  const read = (kind: 'value' | 'slope') => (text: string) => {
    try {
      return [parseRule(text, kind)];
    } catch (error) {
      if (!(error instanceof RuleError)) throw error;
      faults.push(`'${text}': ${error.message}`);
      return [];
    }
  };
  const all = [...[...rules, ...args].flatMap(read('value')), ...slope.flatMap(read('slope'))];
  const names = all.map(({ name }) => name);
  for (const name of new Set(names.filter((one, index) => names.indexOf(one) !== index))) {
    faults.push(`'${name}': two rules have this name; give one of them another, as 'NAME: …'`);
  }
  if (faults.length > 0) throw fail('usage', faults.join('\n'));
  return all;
}

/** The timer that puts out what a changed configuration has cleared. */
const rulesGone = 'rules gone';

/** What is kept under `--state`. */
interface Kept {
  /** Alarms that are over, since their rules are gone. */
  over: readonly VoltRecord[];
  /** Keeps what is so now: an end that was put out is not put out again. */
  save(): Promise<void>;
}

/** Takes up what was kept under `--state`, and keeps it from now on. */
async function keep(ctx: Ctx, subject: () => Alarms): Promise<Kept> {
  if (ctx.opts.state === undefined) return { over: [], save: async () => {} };
  const state = ctx.state<AlarmSnapshot>(`alarm-${ctx.opts.state}`);
  const saved = await state.read();
  const over = saved?.version === 1 ? subject().load(saved) : [];
  state.keep(() => subject().save());
  return {
    over,
    save: async () => {
      await state.update(() => subject().save());
    },
  };
}

/** Thresholds with hold time and hysteresis. */
export const command = defineCommand({
  name: 'alarm',
  kind: 'filter',
  input: 'required',
  writes: ['alarm'],
  format: 'record',
  longRunning: true,
  summary: 'raises and clears alarms: limits with hold time and hysteresis, slopes, protections of a device',
  description: `Records pass as they came. When a value passes the limit of a rule, for as long as the rule says, one alarm record with the state raised is added; when it is over, one with the state cleared. Nothing is said in between. Each device is watched for itself.

Each name in a reading's alarms, the protections that the device itself reports, is an alarm of that name; --no-protections turns that off.

A value that is absent changes nothing, and a value holds until the next one. A record older than the last one of its device says nothing of now, unless that one was more than an hour ahead of the clock here. With --clock record, which is the default, a hold is over when a record of that time or a later one comes, from whichever device: a replay behaves as it was live. A device whose clock is ahead ends no hold of another before its time has come here, and its own holds begin anew with a record that is more than an hour ahead. With --clock wall it is over when that time has passed here, even if nothing comes any more.`,
  arguments: [{ name: 'rule', summary: "as 'voltage<12.2 for 30m'", variadic: true }],
  options,
  sections: [
    {
      title: 'RULES',
      text: `  [NAME:] [TYPE.]FIELD OPERATOR LIMIT [for TIME] [clear VALUE | hysteresis VALUE]

- NAME is what the alarm is called; without it, its condition
- TYPE is the record type, battery_reading unless given; FIELD one of its keys
- OPERATOR is <, <=, >, >=, == or !=; LIMIT a number in the unit of the field, true, false, or a text in "
- for TIME: how long the limit must be passed, as 30m
- clear VALUE: where the alarm is over, and hysteresis VALUE: how far on the good side of the limit that is. Without them the alarm is over as soon as the limit is no longer passed

A rule of --slope has a limit a unit of time, s, m, h or d, and a window: voltage<-0.05/d over 3d is passed by a battery that loses more than 0.05 V a day, by the least-squares line through three days (over 1d unless given). It needs readings over half of the window at least.`,
    },
  ],
  examples: [
    { text: 'A battery that gets low in winter', command: "alarm 'voltage<12.2 for 30m clear 12.6' --state winter" },
    {
      text: 'A slow drain in a parked vehicle',
      command: "alarm --slope 'drain: voltage<-0.05/d over 3d' --state drain",
    },
    {
      text: 'Cells that drift apart, and nothing but the alarms',
      command: "alarm 'imbalance: cell_delta>0.05 hysteresis 0.01' --only alarm | jq -c '[.alarm, .state, .value]'",
      stdin:
        '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"pack","cell_delta":0.06}\n{"type":"battery_reading","time":"2026-03-01T12:01:00.000Z","device_id":"pack","cell_delta":0.045}\n{"type":"battery_reading","time":"2026-03-01T12:02:00.000Z","device_id":"pack","cell_delta":0.03}\n',
      stdout: '["imbalance","raised",0.06]\n["imbalance","cleared",0.03]',
    },
  ],
  files: [{ path: '<data dir>/alarm-NAME.json', text: 'what --state NAME remembers' }],
  seeAlso: ['stats(1)', 'ha-discovery(1)', 'voltpipe-records(5)'],

  check(opts, args) {
    rulesOf(opts as unknown as Given, args);
    const other = (opts.only as readonly string[]).find((type) => type !== 'alarm');
    if (other !== undefined) throw fail('usage', `--only ${other}: expected alarm`);
    if (opts.state === undefined || /^[\w-]+$/.test(opts.state as string)) return;
    throw fail('usage', `--state ${opts.state}: no name`, 'A name is made of letters, digits, _ and -.');
  },

  async *run(ctx) {
    const { clock, protections, only } = ctx.opts;
    const timers = ctx.timers(ctx.input);
    const holds: Holds = {
      start: (key, at, hold) =>
        clock === 'wall'
          ? timers.wall(key, Math.max(0, Math.min(hold, at - ctx.clock.now())))
          : timers.record(key, at, (record) => subject.told(key, record)),
      cancel: (key) => timers.cancel(key),
    };
    const build = (opts: Given): Alarms => alarms(rulesOf(opts, ctx.args), protections, holds, () => ctx.clock.now());
    let subject = build(ctx.opts);
    const kept = await keep(ctx, () => subject);
    const over = [...kept.over];
    if (over.length > 0) {
      yield* over.splice(0);
      await kept.save();
    }
    ctx.onReload((opts) => {
      const fresh = build(opts);
      over.push(...fresh.load(subject.save()));
      subject = fresh;
      timers.wall(rulesGone, 0);
    });
    const alone = only.length > 0;
    for await (const { record, timer } of timers) {
      if (over.length > 0) {
        yield* over.splice(0);
        await kept.save();
      }
      if (record === undefined) {
        if (timer !== rulesGone) yield* subject.due(timer);
        continue;
      }
      if (!alone) yield record;
      yield* subject.take(record);
    }
  },
});
