import { defineCommand } from '../runtime/command.ts';
import { disk } from '../spool/disk.ts';
import { openInlet } from '../spool/inlet.ts';
import { showSpool, spoolMetrics, takeIn } from './spool-flow.ts';
import { logOptions, writing } from './spool-options.ts';

/** The writing side of a spool. */
export const command = defineCommand({
  name: 'spool put',
  kind: 'sink',
  input: 'required',
  format: 'record',
  untyped: true,
  longRunning: true,
  summary: 'writes records into a spool that spool get empties',
  description: `Takes records into the log of a spool and does nothing else; \`spool get\` delivers them, in a process of its own, perhaps later, perhaps in another unit. So a source never notices how its sink is.

A record is acknowledged to the command before (in voltpipe run, or behind a program that asks for it) when it is as durable as --sync promises. It leaves removing what is delivered to spool get; only when there is no room otherwise does it remove such records itself, before --when-full and --max-age say which others have to go. File format and caps are those of \`spool\`.`,
  arguments: [{ name: 'dir', summary: 'folder of the spool; made when it is not there', required: true }],
  options: writing,
  examples: [
    {
      text: 'One unit keeps what comes …',
      command: 'spool put ./kept --sync always',
      stdin: '{"type":"x","n":1}\n',
      stdout: '',
    },
    {
      text: '… and another one delivers',
      prepare: `echo '{"type":"x","n":1}' | spool put ./kept`,
      command: 'spool get ./kept',
      stdout: '{"type":"x","n":1}\n',
    },
  ],
  seeAlso: ['spool(1)', 'spool-get(1)'],
  check(opts) {
    logOptions(opts as Parameters<typeof logOptions>[0]);
  },
  // biome-ignore lint/correctness/useYield: it has nothing to say.
  async *run(ctx) {
    const metrics = spoolMetrics(ctx, ['in']);
    const { clock, log, args } = ctx;
    const spool = await openInlet(
      { folder: args[0]!, disk, clock, log, ...metrics.events, onAccepted: ctx.delivered },
      logOptions(ctx.opts),
    );
    ctx.atEnd(spool.close);
    ctx.atEnd(showSpool(ctx, metrics, spool, spool.writer));
    await takeIn(ctx, spool.writer, metrics);
    return undefined;
  },
});
