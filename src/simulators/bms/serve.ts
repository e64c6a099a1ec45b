import { existsSync, rmSync } from 'node:fs';
import type { VoltRecord } from '../../records/record.ts';
import { timestamp } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';
import { fail } from '../../runtime/exit.ts';
import { parseListen } from '../../runtime/http.ts';
import type { Options } from '../../runtime/options.ts';
import { inWords } from '../../runtime/system-error.ts';
import { cannotListen, listenOption, readFault, reported } from '../serving.ts';
import { writeConfig } from '../write-config.ts';
import type { SerialDevice } from './device.ts';
import { type LineFault, parseLineFault } from './faults.ts';
import { type SimulatedLine, startLine } from './line.ts';
import { createPack, type Pack } from './pack.ts';

/** Options of every simulated board on a serial line. */
export const lineOptions = {
  listen: { ...listenOption, summary: 'where to listen, as a serial server does; port 0 takes a free one' },
  pty: { type: 'file', value: 'PATH', summary: 'also make a serial port of this name, a pseudo-terminal; needs socat' },
  cells: { type: 'integer', min: 1, max: 32, default: 16, summary: 'cells in series' },
  current: {
    type: 'number',
    default: -12.3,
    summary: 'current in A, + charging; one that is too large reads as the end of the scale',
  },
  soc: { type: 'number', min: 0, max: 100, default: 81, summary: 'state of charge in % at the start' },
  capacity: { type: 'number', min: 1, default: 280, summary: 'capacity in Ah' },
  temperature: { type: 'list', default: ['21.4', '22.1'], summary: 'sensors in °C; −40 is one that is missing' },
  latency: { type: 'duration', default: 20, summary: 'time until an answer' },
  fault: {
    type: 'string',
    repeatable: true,
    value: 'KIND[,times=N]',
    summary: 'what goes wrong on the line; see FAULTS',
  },
  writeConfig: { type: 'file', summary: 'write bms.port into this configuration file, beside what is in it' },
} as const satisfies Options;

/** The manual's section about {@link lineOptions}' `fault`. */
export const faultSection = {
  title: 'FAULTS',
  text: `times=N hits the next N answers, without it all; after=N lets N good ones pass first.

- lost: four bytes are lost out of the middle of an answer
- checksum: one bit of an answer is wrong
- silence: no answer
- disconnect: the line breaks in the middle of an answer
- echo: the adapter hears what is sent to the board
- noise: other bytes come before the answer
- master: another master asks in between, and its answers come too
- split: answers come byte by byte`,
};

type LineContext = Context<typeof lineOptions>;

/** Checks what the option types can't. */
export function checkLine(opts: Record<string, unknown>): void {
  if (!opts['bluetooth']) for (const text of opts['fault'] as readonly string[]) faultOf(text);
  for (const text of opts['temperature'] as readonly string[]) {
    if (!Number.isFinite(Number(text))) throw fail('usage', `--temperature '${text}': no number`);
  }
}

const faultOf = (text: string): LineFault => readFault(text, parseLineFault);

/** The battery that the options describe. */
export function packOf({ opts, clock }: Pick<LineContext, 'opts' | 'clock'>): Pack {
  const { cells, current, soc, capacity, temperature } = opts;
  return createPack({ cells, current, soc, capacity, temperatures: temperature.map(Number) }, clock);
}

/**
 * Runs a board on a line until it is told to stop: an `endpoint` record first, then an event for each change of its switches.
 *
 * @param strangerAsks a request of the board's protocol, for the fault `master`
 */
export async function* serveLine(
  ctx: LineContext,
  protocol: string,
  make: (pack: Pack) => SerialDevice,
  strangerAsks: Uint8Array,
): AsyncGenerator<VoltRecord, void, void> {
  const { opts, clock } = ctx;
  const { host, port } = parseListen(opts.listen, '--listen');
  const pack = packOf(ctx);
  const events = ctx.queue({ max: 1000, policy: 'drop-oldest' });
  let switches = '';
  const line = await startLine(make(pack), {
    host,
    port,
    faults: opts.fault.map(faultOf),
    clock,
    latency: opts.latency,
    strangerAsks,
    onRequest() {
      const now = `charge ${pack.charge ? 'on' : 'off'}, discharge ${pack.discharge ? 'on' : 'off'}`;
      if (switches !== '' && now !== switches) events.push(event(clock.now(), protocol, now));
      switches = now;
    },
  }).catch(cannotListen(opts.listen));
  switches = 'charge on, discharge on';
  try {
    const pty = opts.pty === undefined ? undefined : await makePty(ctx, opts.pty, line);
    if (opts.writeConfig !== undefined) await writeConfig(opts.writeConfig, { bms: { port: pty ?? line.url } });
    const where = { protocol, url: line.url, ...(pty && { port: pty }) };
    yield* reported(ctx, { type: 'endpoint', time: timestamp(clock.now()), ...where }, events);
  } finally {
    await line.close();
  }
}

const event = (now: number, protocol: string, reason: string): VoltRecord => ({
  type: 'simulator_event',
  time: timestamp(now),
  source: `simulate ${protocol}`,
  event: 'switched',
  reason,
});

const ptyWithin = 5000;

/** Node can't make a pseudo-terminal; socat can, and joins it to the TCP side. */
async function makePty(ctx: LineContext, path: string, line: SimulatedLine): Promise<string> {
  rmSync(path, { force: true });
  const child = ctx.spawn(['socat', '-t0', `pty,rawer,link=${path}`, `tcp:127.0.0.1:${line.port}`], {
    stdio: 'ignore',
  });
  let ended: string | undefined;
  child.once('error', (error: NodeJS.ErrnoException) => {
    ended = error.code === 'ENOENT' ? 'socat is not installed' : `socat: ${inWords(error)}`;
  });
  child.once('exit', (status) => {
    ended ??= `socat ended with status ${status}`;
  });
  const late = ctx.clock.monotonic() + ptyWithin;
  while (!existsSync(path)) {
    if (ended !== undefined)
      throw fail('unavailable', `--pty ${path}: ${ended}`, 'apt install socat, or use the TCP address.');
    if (ctx.clock.monotonic() > late) throw fail('unavailable', `--pty ${path}: socat made none in 5 s`);
    await ctx.clock.sleep(10, ctx.signal);
  }
  return path;
}
