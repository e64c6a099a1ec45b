import { whenAborted } from '../runtime/abort-within.ts';
import { defineCommand } from '../runtime/command.ts';
import { fail } from '../runtime/exit.ts';
import { disk } from '../spool/disk.ts';
import { openOutlet } from '../spool/outlet.ts';
import { handOn, handTo, showSpool, spoolMetrics } from './spool-flow.ts';
import { reading, readOptions } from './spool-options.ts';
import { spoolFolder } from './spool-status.ts';

/** The reading side of a spool. */
export const command = defineCommand({
  name: 'spool get',
  kind: 'source',
  input: 'none',
  writes: ['gap'],
  format: 'record',
  longRunning: true,
  countable: true,
  takesOver: true,
  summary: 'takes records out of a spool and delivers them',
  description: `Delivers what \`spool put\`, or another command that writes a spool, has taken in: to a sink, which acknowledges, or to standard output, where a record counts as delivered when it has been written. It removes what is delivered.

It ends at the end of the log, so that a timer can run it; with --follow it waits there for more, and for a spool that is not there yet. Sinks are started, acknowledge and end as for \`spool\`.`,
  arguments: [
    { name: 'dir', summary: 'folder of the spool', required: true },
    { name: 'sink', summary: 'command that delivers, and its words, after --', variadic: true },
  ],
  options: { follow: { type: 'flag', short: 'f', summary: 'go on at the end of the log' }, ...reading },
  examples: [
    {
      text: 'Deliver what is there, then end',
      prepare: `echo '{"type":"vehicle_telemetry","time":"2026-03-01T12:00:00.000Z","utc":1772366400,"soc":63,"is_charging":false}' | spool put ./kept`,
      command: 'spool get ./kept -- abrp-push',
      needs: ['abrp'],
    },
    {
      text: 'Deliver for good, what is new first and the backlog at 20 records a second',
      command: 'spool get ./kept --follow --order live-first --drain-rate 20 -- abrp-push',
      needs: ['abrp'],
      interruptAfter: 2,
    },
    {
      text: 'Take the oldest record out',
      prepare: `for n in 1 2; do echo '{"type":"x","n":'$n'}'; done | spool put ./kept`,
      command: 'spool get ./kept --once',
      stdout: '{"type":"x","n":1}\n',
    },
  ],
  seeAlso: ['spool(1)', 'spool-put(1)'],
  check(opts, args) {
    readOptions(opts as Parameters<typeof readOptions>[0]);
    if (args.length > 1 && (opts.count !== undefined || opts.once)) {
      throw fail('usage', '--count is for records on stdout, not for a sink');
    }
  },
  async *run(ctx) {
    const [folder, ...sink] = ctx.args as [string, ...string[]];
    if (!ctx.opts.follow) spoolFolder(ctx.args);
    const metrics = spoolMetrics(ctx, ['out']);
    const { clock, log, signal, opts } = ctx;
    const spool = await openOutlet({ folder, disk, clock, log, ...metrics.events }, readOptions(opts));
    ctx.atEnd(spool.close);
    ctx.atEnd(showSpool(ctx, metrics, spool));
    ctx.alive();
    const stopped = new Promise<void>((resolve) => whenAborted(signal, resolve));
    if (sink.length > 0) return yield* handTo(ctx, sink, spool, opts.follow ? stopped : Promise.resolve(), metrics);
    yield* handOn(ctx, spool, () => !opts.follow || signal.aborted, metrics);
    return undefined;
  },
});
