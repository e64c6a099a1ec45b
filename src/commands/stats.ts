import { type Statistics, type StatisticsSnapshot, statistics } from '../filters/statistics/statistics.ts';
import type { VoltRecord } from '../records/record.ts';
import { furthestAhead } from '../records/time.ts';
import { defineCommand, type Each } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';

const made = 'battery_stats';

const options = {
  only: { type: 'list', value: 'TYPE', summary: `put out records of this type alone: ${made}` },
  every: {
    type: 'duration',
    default: 60_000,
    summary: 'time between the records of a device, by the time of its readings; 0: one with each reading',
  },
  avg: { type: 'integer', min: 1, max: 100_000, default: 10, value: 'N', summary: 'readings in a moving average' },
  window: {
    type: 'duration',
    min: 1000,
    default: 600_000,
    summary: 'time that the rate of a temperature is taken over',
  },
  maxGap: {
    type: 'duration',
    default: 300_000,
    summary: 'count no charge and no energy over a longer gap between two readings',
  },
  swing: {
    type: 'number',
    min: 0.1,
    max: 100,
    default: 10,
    value: 'PERCENT',
    summary: 'how far the state of charge must turn to count as a cycle, in percentage points',
  },
  state: { type: 'string', value: 'NAME', summary: 'keep the statistics over restarts, under this name' },
  reset: { type: 'flag', summary: 'forget what is kept under --state and begin anew' },
} as const satisfies Options;

/** Keeps the statistics under `--state`. */
async function keep(ctx: Context<typeof options>, subject: Statistics): Promise<void> {
  if (ctx.opts.state === undefined) return;
  const state = ctx.state<StatisticsSnapshot>(`stats-${ctx.opts.state}`);
  if (ctx.opts.reset) await state.update(() => subject.save());
  const saved = await state.read();
  if (saved?.version === 1) subject.load(saved);
  state.keep(() => subject.save());
}

/** Statistics of battery readings. */
export const command = defineCommand({
  name: 'stats',
  kind: 'filter',
  input: 'required',
  reads: ['battery_reading'],
  writes: [made],
  format: 'record',
  longRunning: true,
  summary: 'peaks, moving averages, imbalance, temperature gradient, cycles and energy of battery readings',
  description: `Readings pass as they came. For each device a ${made} record is added once a minute of its readings' time, and one at the end of the input; --every 0 gives one with each reading. What a device does not measure is absent: a BM6 has no current, and so no peak of it.

Current and power are positive into the battery. A peak begins at 0 and has the time of its reading. Charge and energy are the area under the readings' current and power, by the trapezoidal rule; over a gap of more than five minutes nothing is counted, since nobody knows what was in it. A charge cycle is counted by the state of charge, when it went down and comes up again by ten percentage points; equivalent cycles are the charge that came out in units of the capacity that the device names.

The rate of a temperature is the slope of the least-squares line through its last ten minutes, for each sensor; a sensor that is not connected (-40 °C) counts for nothing. Only readings newer than the last one of their device count; one that comes twice counts once. One that is more than an hour ahead of the clock here is not counted, which is said.

Averages and rates begin anew with a restart. The rest is kept with --state, until --reset.`,
  options,
  examples: [
    { text: 'A pack with its statistics', command: 'stats --avg 10' },
    {
      text: 'What a recorded discharge came to',
      command: "stats --only battery_stats | jq -c '[.peak_power, .peak_discharge_current_at, .discharged_ah]'",
      stdin:
        '{"type":"battery_reading","time":"2026-03-01T12:00:00.000Z","device_id":"pack","voltage":52,"current":-30}\n{"type":"battery_reading","time":"2026-03-01T12:02:00.000Z","device_id":"pack","voltage":51,"current":-60}\n',
      stdout: '[3060,"2026-03-01T12:02:00.000Z",1.5]',
    },
    {
      text: 'Begin anew with the peaks of a pack',
      command: 'stats --state house --reset',
    },
  ],
  files: [{ path: '<data dir>/stats-NAME.json', text: 'what --state NAME remembers' }],
  seeAlso: ['voltpipe-records(5)'],

  check({ state, reset, only }) {
    const other = (only as readonly string[]).find((type) => type !== made);
    if (other !== undefined) throw fail('usage', `--only ${other}: expected ${made}`);
    if (reset && state === undefined) throw fail('usage', '--reset: nothing is kept without --state NAME');
    if (state === undefined || /^[\w-]+$/.test(state as string)) return;
    throw fail('usage', `--state ${state}: no name`, 'A name is made of letters, digits, _ and -.');
  },

  async each(ctx): Promise<Each> {
    const { avg, every, window, maxGap, swing, only } = ctx.opts;
    const subject = statistics({
      average: avg,
      every,
      window,
      maxGap,
      swing,
      latest: () => ctx.clock.now() + furthestAhead,
    });
    await keep(ctx, subject);
    const alone = only.length > 0;
    const map = (record: VoltRecord) => {
      const before = subject.ahead;
      const stats = subject.take(record);
      if (before === 0 && subject.ahead > 0) {
        ctx.log.warn(
          `a reading of ${record.device_id} is of ${record.time}, ahead of the clock here: it is not counted`,
        );
      }
      if (alone) return stats;
      return stats ? [record, stats] : record;
    };
    return Object.assign(map, {
      alone,
      end: () => {
        if (subject.ahead > 1)
          ctx.log.warn(`${subject.ahead} readings were ahead of the clock here and are not counted`);
        return subject.rest();
      },
    });
  },
});
