import { type Calendar, createCalendar, type WindowSize, windowSizes } from '../filters/windows/calendar.ts';
import { createRollup, type Rollup } from '../filters/windows/rollup.ts';
import type { SavedSeries } from '../filters/windows/saved.ts';
import { remembered } from '../filters/windows/series.ts';
import type { VoltRecord } from '../records/record.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { counted } from '../runtime/counted.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';

/** Readings between two saves, at most, that may come again. */
const stretch = 4096;
/** With a state, moments of readings that are remembered of one subject at most: those between a few saves. */
const maxSeen = 4 * stretch;

const options = {
  tz: {
    type: 'string',
    value: 'ZONE',
    key: 'rollup.timeZone',
    summary: "time zone of days, months and years, as Europe/Berlin (default: the machine's)",
  },
  fields: { type: 'list', value: 'FIELD,…', summary: 'roll up these alone; without it every number' },
  types: {
    type: 'list',
    value: 'TYPE,…',
    default: ['battery_reading', 'vehicle_telemetry', 'wallbox_state'],
    summary: 'types of readings; their rollups are taken too, all other records pass',
  },
  late: {
    type: 'duration',
    default: 3 * 3_600_000,
    summary: 'how long after its end a window is still corrected by readings that come late',
  },
  emitEvery: {
    type: 'duration',
    default: 600_000,
    summary: 'how often windows that have changed are put out although they are not over; 0: never',
  },
  pass: { type: 'flag', summary: 'put the readings out too' },
  state: {
    type: 'string',
    value: 'NAME',
    summary: 'keep open windows over restarts, under this name',
  },
  maxSeries: {
    type: 'integer',
    default: 10_000,
    min: 1,
    summary: 'devices and vehicles that are remembered; the one that was silent longest is forgotten first',
    rare: true,
  },
} as const satisfies Options;

type Ctx = Context<typeof options>;

/** What is kept over a restart. */
interface Saved {
  zone: string;
  series: readonly SavedSeries[];
}

/** Puts readings together into calendar windows. */
export const command = defineCommand({
  name: 'rollup',
  kind: 'filter',
  input: 'required',
  format: 'record',
  longRunning: true,
  frugal: true,
  summary: 'readings to hours, days, months and years: count, sum, minimum, maximum, mean, first and last',
  description: `Reads readings and puts out one record for each calendar window and subject: battery_reading becomes battery_reading_1h, battery_reading_1d, battery_reading_1mo or battery_reading_1y, with the identity of the readings and the start of the window as its time. For each number, say voltage, it holds voltage_n, voltage_sum, voltage_min, voltage_max, voltage_mean, voltage_first and voltage_last; n is the number of readings. Lists are numbered, as cell_1_mean. Readings themselves are not put out, unless --pass is given, also those that have none of --fields; records of other types, or without a time, pass.

Days, months and years are those of the time zone: the day on which clocks are put forward has 23 hours.

It reads its own records too: rollup 1h | rollup 1d,1mo makes the same days and months as rollup 1d,1mo, because count and sum are kept (sums and means are rounded to twelve digits). An hour that is said again, corrected, takes the place of what it said before, until --late after its own end; then it is taken into the day for good. Readings and rollups of them in one stream, as of rollup 1h --pass, count once: of each kind, readings, hours or days, that one which knows of most readings.`,
  arguments: [{ name: 'sizes', variadic: true, summary: `${windowSizes.join(', ')}`, required: true }],
  options,
  sections: [
    {
      title: 'WHEN A WINDOW IS PUT OUT',
      text: `When the first reading of its subject after its end comes; every --emit-every while it changes; and at the end of input. A window that was put out and changes afterwards is put out again, with the same time and identity, so that a database overwrites what it had. That holds until --late after its end; a reading that comes later than that is left out, and how many there were is said. What is late is told by the readings of the same subject, of those that are not ahead of this machine's clock by more than ten minutes: a single reading of the year 2099 makes no other one late.

A reading that comes twice counts once: of each subject the moments of the last ${remembered} readings, at least, are remembered. Two records of one moment that bring different numbers are put together when no other one came between them; else the first one alone counts.`,
    },
    {
      title: 'STATE',
      text: `With --state NAME open windows are kept in <data directory>/rollup-NAME.json: without it a restart in the middle of a day makes a day of its second half. Two commands never share a name at the same time (75). For old readings from a file no state is needed. The state is saved once a second while it changes, or, when it is large, every few seconds.

Behind a spool, as in spool DIR -- voltpipe run 'rollup 1h --state hours | influx-write', each reading counts once, whatever is killed when. For that, before each save, rollup waits with reading until all that it has put out is delivered: while the database is away, readings wait in the spool. It reads ${stretch} records a second at most then. Without a spool it goes on; windows that were put out while the database was away and then the process was killed may be missing.`,
    },
  ],
  examples: [
    {
      text: 'Days of a battery in Berlin',
      command: 'rollup 1d --tz Europe/Berlin --fields voltage',
      stdin:
        '{"type":"battery_reading","time":"2026-03-28T23:30:00.000Z","device_id":"X","voltage":12.5}\n{"type":"battery_reading","time":"2026-03-29T21:30:00.000Z","device_id":"X","voltage":12.7}\n{"type":"battery_reading","time":"2026-03-29T22:30:00.000Z","device_id":"X","voltage":13}\n',
      stdout:
        '{"type":"battery_reading_1d","time":"2026-03-28T23:00:00.000Z","device_id":"X","n":2,"voltage_n":2,"voltage_sum":25.2,"voltage_min":12.5,"voltage_max":12.7,"voltage_mean":12.6,"voltage_first":12.5,"voltage_last":12.7}\n{"type":"battery_reading_1d","time":"2026-03-29T22:00:00.000Z","device_id":"X","n":1,"voltage_n":1,"voltage_sum":13,"voltage_min":13,"voltage_max":13,"voltage_mean":13,"voltage_first":13,"voltage_last":13}\n',
    },
    {
      text: 'Weeks of detail, five years of hours, days and months for ever',
      command:
        'cat readings.ndjson | tee -p >(influx-write --rp weeks) >(rollup 1h --state hours | influx-write --rp monthly) | rollup 1d,1mo,1y --state days | influx-write --rp yearly',
      notRun: 'needs a database with retention policies; tests/e2e/influx-retention.test.ts runs it',
    },
  ],
  files: [{ path: '<data directory>/rollup-NAME.json', text: 'open windows, with --state NAME' }],
  seeAlso: ['influx-write(1)', 'influx-setup(1)', 'voltpipe-records(5)'],
  check(_, args) {
    sizesOf(args);
  },
  async *run(ctx) {
    const rollup = createRollup({
      sizes: sizesOf(ctx.args),
      calendar: calendarOf(ctx),
      fields: ctx.opts.fields,
      types: ctx.opts.types,
      late: ctx.opts.late,
      maxSeries: ctx.opts.maxSeries,
      maxSeen: ctx.opts.state === undefined ? 2 * remembered : maxSeen,
    });
    await keep(ctx, rollup);
    yield* rolled(ctx, rollup);
    if (rollup.tooLate > 0)
      ctx.log.warn(`${counted(rollup.tooLate, 'reading')} came too late for a window: left out of it`);
  },
});

async function* rolled(ctx: Ctx, rollup: Rollup): AsyncGenerator<VoltRecord> {
  const { emitEvery, pass } = ctx.opts;
  const timers = ctx.timers(ctx.input);
  let waits = false;
  for await (const { record } of timers) {
    if (!record) {
      waits = false;
      yield* rollup.flush();
      continue;
    }
    const { tooLate, ahead } = rollup;
    const out = rollup.take(record, ctx.clock.now());
    if (pass && !out.includes(record)) yield record;
    yield* out;
    if (rollup.tooLate > tooLate)
      ctx.log.lost('late', 'a reading came too late for its window and is left out', { time: record.time });
    if (rollup.ahead > ahead) ctx.log.lost('ahead', 'a reading is ahead of the clock', { time: record.time });
    if (emitEvery > 0 && !waits) {
      timers.wall('emit', emitEvery);
      waits = true;
    }
  }
  yield* rollup.flush();
}

/** Takes up what was saved and has it saved from now on. */
async function keep(ctx: Ctx, rollup: Rollup): Promise<void> {
  const { state: name } = ctx.opts;
  if (name === undefined) return;
  const zone = zoneOf(ctx);
  await ctx.lock(`rollup-${name}`);
  const state = ctx.state<Saved>(`rollup-${name}`);
  const saved = await state.read();
  if (saved && saved.zone !== zone) {
    throw fail(
      'config',
      `--state ${name}: its windows are those of ${saved.zone}, not of ${zone}`,
      'Choose another name.',
    );
  }
  if (saved) rollup.restore(saved.series);
  state.keep(() => ({ zone, series: rollup.snapshot() }), stretch);
}

const zoneOf = ({ opts }: Ctx): string => opts.tz ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

function calendarOf(ctx: Ctx): Calendar {
  try {
    return createCalendar(zoneOf(ctx));
  } catch {
    throw fail('usage', `--tz ${zoneOf(ctx)}: no such time zone`);
  }
}

function sizesOf(args: readonly string[]): WindowSize[] {
  const named = args.flatMap((arg) => arg.split(',')).filter((one) => one !== '');
  const wrong = named.find((one) => !windowSizes.includes(one as WindowSize));
  if (wrong !== undefined || named.length === 0) {
    throw fail('usage', `'${wrong ?? ''}': expected ${windowSizes.join(', ')}`);
  }
  return windowSizes.filter((size) => named.includes(size));
}
