import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { abortWithin } from '../runtime/abort-within.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import type { Options } from '../runtime/options.ts';
import { batteriesDemo } from './demo-batteries.ts';
import { bmwDemo } from './demo-bmw.ts';
import { type Demo, type Scene, type Stage, startChild } from './demo-stage.ts';
import { rows } from './rows.ts';

/** The demos by name; the first is played unless another is asked for. */
const demos = { bmw: bmwDemo, batteries: batteriesDemo } as const satisfies Record<string, Demo>;

const names = Object.keys(demos) as (keyof typeof demos)[];

const options = {
  duration: { type: 'duration', summary: 'end by itself after this time' },
  updates: {
    type: 'integer',
    short: 'n',
    min: 1,
    value: 'N',
    summary: 'end by itself when so many updates have gone through the whole pipeline',
  },
} as const satisfies Options;

type DemoContext = Context<typeof options>;

/** The demo's own end (`--duration`) or that of the command, whichever is first. */
function endOf({ clock, opts, signal }: DemoContext): AbortSignal {
  if (opts.duration === undefined) return signal;
  const over = abortWithin(signal);
  const cancel = clock.after(opts.duration, () => over.abort(), { idle: true });
  over.signal.addEventListener('abort', cancel, { once: true });
  return over.signal;
}

/** On a terminal: lines stay above, the view below them is drawn anew. A command line stays whole, so that it can be copied. */
function show({ screen }: DemoContext, scene: Scene): void {
  if ('view' in scene) screen.draw(scene.view);
  else screen.print(scene.line.startsWith('$') ? scene.line : rows(scene.line, screen.columns, '      '));
}

/** Shows what the toolkit does, with nothing set up. */
export const command = defineCommand({
  name: 'voltpipe demo',
  kind: 'tool',
  input: 'none',
  format: 'text',
  longRunning: true,
  summary: 'shows a pipeline at work, with no account, no device and no set-up',
  description: `Plays the far sides (as the simulate commands do) on free ports of this machine and lets the real commands work with them.
Nothing leaves the machine; what the commands store goes to a folder that is removed at the end. Your configuration file is not
read.

On a terminal the values are drawn live. Elsewhere there is a line for each update.

${names.map((name) => `- ${name}: ${demos[name].summary}`).join('\n')}`,
  arguments: [{ name: 'demo', summary: `which demo (default ${names[0]})`, choices: names }],
  options,
  examples: [
    { text: 'A BMW in A Better Routeplanner, until Ctrl-C', command: 'voltpipe demo', interruptAfter: 6 },
    { text: 'The same for a script: three updates', command: 'voltpipe demo bmw -n 3' },
    { text: 'Batteries of a camper van and a boat', command: 'voltpipe demo batteries -n 5' },
  ],
  seeAlso: ['voltpipe(7)', 'voltpipe-run(1)', 'simulate-bmw(1)', 'simulate-abrp(1)'],

  async *run(ctx) {
    const demo = demos[(ctx.args[0] ?? names[0]) as keyof typeof demos];
    const folder = mkdtempSync(join(tmpdir(), 'voltpipe-demo-'));
    const stage: Stage = {
      clock: ctx.clock,
      signal: endOf(ctx),
      screen: ctx.screen,
      folder,
      start: (words, env, onLine) => startChild(ctx, words, env, onLine),
    };
    try {
      for await (const scene of demo.play(stage, { updates: ctx.opts.updates })) {
        ctx.alive();
        if (ctx.screen.interactive) show(ctx, scene);
        else if ('line' in scene) yield scene.line;
      }
      return undefined;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});
