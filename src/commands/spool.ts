import { defineCommand } from '../runtime/command.ts';
import { disk } from '../spool/disk.ts';
import { openSpool } from '../spool/spool.ts';
import { handOn, handTo, keepTheRest, showSpool, spoolMetrics, takeIn } from './spool-flow.ts';
import { logOptions, reading, readOptions, writing } from './spool-options.ts';

/** Store-and-forward between two stages, or around a sink. */
export const command = defineCommand({
  name: 'spool',
  kind: 'filter',
  input: 'required',
  writes: ['gap'],
  format: 'record',
  untyped: true,
  longRunning: true,
  takesOver: true,
  summary: 'keeps records on disk until they are delivered',
  description: `Puts itself between two commands. Records go to a log on disk first, and from there on to the next command; they leave the disk when they are delivered. What comes while nobody can deliver waits, also over a restart, a crash or a power cut.

  … | spool DIR -- SINK       the sink acknowledges; it is started again when it ends
  … | spool DIR | COMMAND     a record counts as delivered when it has been written
  voltpipe run '… | spool DIR | SINK'    in one process; the sink acknowledges

A record is never held back: it goes on at once, whether it is on the disk itself or not yet. Records go on as the lines that they came in as.

\`spool put\` and \`spool get\` are its two halves, for two units that shall not wait for each other. A folder that is named like one of the commands is written \`./put\`.`,
  arguments: [
    { name: 'dir', summary: 'folder of the spool; made when it is not there', required: true },
    { name: 'sink', summary: 'command that delivers, and its words, after --', variadic: true },
  ],
  options: { ...writing, ...reading },
  sections: [
    {
      title: 'DELIVERY',
      text: `Every record is delivered at least once, and in order. Sent again is, after a crash or when the sink had to be started again, only what was not acknowledged.

A sink of the toolkit acknowledges by itself: spool opens a descriptor for it and names it in VOLTPIPE_ACK_FD. The sink writes a line with 0 there when it starts and, after each delivery, a line with the count of its input lines, in order, that are safe. Another program may do the same. One that has not begun to within 10 s does not acknowledge: this is said once, and from then on a record counts as delivered when it has been written to it. A filter cannot acknowledge, since it would break the count; spool ends with status 64 then. Filter and sink together are one sink:

  spool DIR -- voltpipe run 'ha-discovery | mqtt-pub'

No other program may stand before the sink there: one that swallows or multiplies lines makes its counts wrong, and nobody can notice. It belongs before spool.

What the sink prints is the output of spool, but for lines of more than 1 MiB. It has the environment of spool, and in it, as variables, what --config, --no-config, --data-dir and --env-file of spool or of voltpipe run say; options of its own win.

A sink that ends is started again, after 1 s, then 2 s and so on up to a minute. One that ends with 64, 77 or 78 (usage, not logged in, configuration) before anything was delivered ends spool with the same status, the records kept. Later, when it had worked before, spool goes on taking records, is not ready (--http, systemd) and tries it again every 5 minutes: a token that ran out shall not cost records.

At the end of input what is in the log is delivered. If the sink ends before that, spool ends with its status and keeps the rest. After a signal what comes is still handed out for a second; then the sink has the grace time to finish. What the commands before put out until their end is kept as long as the grace time lasts, whatever the sink does.`,
    },
    {
      title: 'ON DISK',
      text: `--sync says when a record is safe from a power cut. Until then it is safe from everything that ends the process alone. always makes each group of records durable before it is acknowledged to the command before, with one fsync for all that came meanwhile; a duration lets at most that much time be lost; never leaves it to the system. On an SD card an fsync takes 5 to 50 ms and wears: the default, 1s, is right for it.

The segments are text. A line is a checksum, a number and the record:

  d0fc3272 1 {"type":"battery_reading", …}
  cut -d' ' -f3- DIR/*.log

The checksum is the CRC-32 of all behind its space. The segment that is being written has up to 256 KiB of newlines ahead of its lines, over which it goes on: a sync is quicker when the file does not grow. Blank lines are no records. A line that was cut by a power cut is cut off at the next start; a damaged one is left out and put into quarantine/; in its place goes a gap record. No damage keeps spool from starting. cursor.json says what is delivered; it is durable before a segment is removed. It has a checksum too: one that is damaged counts for nothing, so that records are rather sent again than lost.`,
    },
    {
      title: 'WHEN THERE IS NO ROOM',
      text: `The spool takes at most --max-bytes, and leaves --min-free of the file system to others. When that is reached, or when the disk is full, what is delivered and still there goes first, oldest first, also what --keep-sent would keep. Then --when-full decides:

- drop-oldest: the oldest segment goes, an eighth of what there is room for at most
- drop-newest: what comes is dropped until there is room
- block: the commands before it wait
- exit: exit status 74

Dropped records are counted (spool_dropped_total), said once a minute, and shown downstream: a gap record in their place says how many there were, of which time and why.`,
    },
    {
      title: 'ORDER',
      text: `fifo hands out the oldest first: after an outage the newest state comes last. With live-first the records that come now, and the ten newest after an interruption, go out at once, and the backlog follows behind them, at most --drain-rate records a second. Each record is still delivered once, and acknowledged by itself. What has been handed to the sink, or lies in the pipe to the next command, goes before what comes now: without --drain-rate that can be much. It is for far sides that sort by the time of measurement.`,
    },
    {
      title: 'METRICS',
      text: `voltpipe_spool_records_in_total, _records_out_total, _acked_total, _dropped_total by reason, _corrupt_total, _fsync_total and _fsync_seconds_total; _backlog, _bytes, _segments and _oldest_age_seconds. spool put and spool get have those of their side. spool stat tells the same of a spool at rest.`,
    },
  ],
  files: [
    { path: 'DIR/0000000000000001.log', text: 'a segment; its name is the number of its first record' },
    {
      path: 'DIR/0000000000000001-0000000000000500.gap',
      text: 'the gap record that stands for records that were dropped',
    },
    {
      path: 'DIR/0000000000000501-0000000000000520.withdrawn',
      text: 'numbers that are not given out again: spool get may have seen their lines before a full disk took them back',
    },
    { path: 'DIR/cursor.json', text: 'what is delivered: all records up to upTo, and ranges above it' },
    { path: 'DIR/cursor.now', text: 'the same as of this moment, never synced, for a crash of the process alone' },
    { path: 'DIR/quarantine/', text: 'damaged pieces, each as it was found; a thousand at most' },
    { path: 'DIR/reserve', text: 'room for cursor.json on a full disk' },
    { path: 'DIR/writer.lock, DIR/reader.lock', text: 'who writes and who reads; empty while nobody does' },
  ],
  examples: [
    {
      text: 'A BMW live in A Better Routeplanner, with nothing lost while ABRP or the network is away',
      command: 'bmw-stream | normalize | spool ./abrp -- abrp-push',
      needs: ['bmw', 'abrp', 'login'],
      interruptAfter: 3,
    },
    {
      text: 'The same in one process',
      command: "voltpipe run 'bmw-stream | normalize | spool ./abrp | abrp-push'",
      needs: ['bmw', 'abrp', 'login'],
      interruptAfter: 3,
    },
    {
      text: 'Between any two commands',
      command: 'spool ./kept | jq -c .n',
      stdin: '{"type":"x","n":1}\n{"type":"x","n":2}\n',
      stdout: '1\n2\n',
    },
    {
      text: 'Get the records of a spool with nothing but standard tools',
      command: "spool ./kept > /dev/null && cut -d' ' -f3- ./kept/*.log",
      stdin: '{"type":"x","n":1}\n',
      stdout: '{"type":"x","n":1}\n',
    },
  ],
  seeAlso: ['voltpipe-run(1)'],
  check(opts) {
    logOptions(opts as Parameters<typeof logOptions>[0]);
    readOptions(opts as Parameters<typeof readOptions>[0]);
  },
  async *run(ctx) {
    const [folder, ...sink] = ctx.args as [string, ...string[]];
    const metrics = spoolMetrics(ctx, ['in', 'out']);
    const { clock, log } = ctx;
    const spool = await openSpool(
      { folder, disk, clock, log, ...metrics.events, onAccepted: ctx.delivered },
      { ...logOptions(ctx.opts), ...readOptions(ctx.opts) },
    );
    ctx.atEnd(spool.close);
    ctx.atEnd(showSpool(ctx, metrics, spool, spool.writer));
    let ended = false;
    let failure: { error: unknown } | undefined;
    const finished = takeIn(ctx, spool.writer, metrics)
      .catch((error) => {
        failure = { error };
        ctx.breakOff(error);
        throw error;
      })
      .finally(() => {
        ended = true;
        spool.bell.ring();
      });
    finished.catch(() => {});
    try {
      if (sink.length > 0) return yield* handTo(ctx, sink, spool, finished, metrics);
      yield* handOn(ctx, spool, () => ended, metrics);
    } finally {
      if (ctx.signal.aborted) await keepTheRest(ctx, finished);
    }
    if (failure) throw failure.error;
    return undefined;
  },
});
