import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AbrpSimulator, startAbrp } from '../simulators/abrp.ts';
import type { BmwEvent } from '../simulators/bmw/account.ts';
import { type Bmw, startBmw } from '../simulators/bmw/index.ts';
import type { Child, Demo, Limits, Scene, Stage } from './demo-stage.ts';
import { type DemoState, liveView, pointLine } from './demo-view.ts';

const pipeline = 'bmw-stream | normalize | abrp-push';
/** A minute is four hours: a drive takes eleven seconds, a charge about half a minute. */
const speedUp = 240;
const tick = 200;

/** The last value that the broker sent, short: `charging.power 10911 W`. */
function lastValueOf(bmw: Bmw): string {
  const payload = bmw.broker.sent.at(-1)?.payload;
  if (payload === undefined) return '';
  const { data } = JSON.parse(payload) as { data: Record<string, { value: unknown; unit?: string }> };
  const [descriptor = '', point] = Object.entries(data)[0] ?? [];
  return `${descriptor.split('.').slice(-2).join('.')} ${point?.value} ${point?.unit ?? ''}`.trimEnd();
}

/** Says in a line what the login does, as the far side sees it. */
const loginLines: Record<string, (event: BmwEvent) => string> = {
  login_started: ({ link }) => `  shows you the link ${link}`,
  login_approved: () => '  you approve it in a browser (the demo does that by itself)',
  login_done: () => '  the tokens are stored, for you alone',
};

/** Points the commands at the simulators. The environment wins over the user's own configuration file. */
function environment(bmw: Bmw, abrp: AbrpSimulator, folder: string): Record<string, string> {
  const ca = join(folder, 'ca.pem');
  writeFileSync(ca, bmw.ca);
  return {
    VOLTPIPE_DATA_DIR: folder,
    RUNTIME_DIRECTORY: folder,
    VOLTPIPE_BMW_CLIENT_ID: bmw.clientId,
    VOLTPIPE_BMW_VIN: bmw.vins[0] as string,
    VOLTPIPE_BMW_AUTH_URL: bmw.authUrl,
    VOLTPIPE_BMW_API_URL: bmw.apiUrl,
    VOLTPIPE_BMW_BROKER_URL: bmw.brokerUrl,
    VOLTPIPE_BMW_CA: ca,
    VOLTPIPE_ABRP_URL: abrp.url,
    VOLTPIPE_ABRP_API_KEY: abrp.apiKey,
    VOLTPIPE_ABRP_USER_TOKEN: abrp.tokens[0] as string,
    VOLTPIPE_ABRP_MIN_INTERVAL: '1s',
  };
}

/** Waits a moment, at most until the demo shall end or `child` has ended. */
async function moment({ clock, signal }: Stage, child: Child): Promise<void> {
  await Promise.race([clock.sleep(tick, signal).catch(() => {}), child.done]);
}

async function* logIn(stage: Stage, child: Child, lines: string[]): AsyncGenerator<Scene, void, void> {
  while (!child.over && !stage.signal.aborted) {
    await moment(stage, child);
    for (const line of lines.splice(0)) yield { line };
  }
}

async function* watch(stage: Stage, child: Child, state: () => DemoState, limits: Limits) {
  const { screen, signal } = stage;
  const { Chalk } = await import('chalk');
  const paint = new Chalk({ level: screen.color ? 1 : 0 });
  const { updates = Number.POSITIVE_INFINITY } = limits;
  const view = (last: string): Scene => ({ view: `${liveView(state(), screen.columns, paint)}\n\n  ${last}` });
  for (let shown = 0; shown < updates && !child.over && !signal.aborted; ) {
    await moment(stage, child);
    for (const said of child.said()) yield { line: `  ${said}` };
    if (screen.interactive) yield view(paint.dim("A minute here is four hours of the car's day. Ctrl-C ends."));
    else if (state().points > shown) yield { line: pointLine(state()) };
    shown = state().points;
  }
  const end = `${state().points} points reached ABRP. With a car of your own: bmw-login --help.`;
  yield screen.interactive ? view(end) : { line: end };
}

/** Login, stream, normalisation and push with the real commands, against simulators of BMW and ABRP. */
export const bmwDemo: Demo = {
  summary: 'a BMW live in A Better Routeplanner: bmw-login, then bmw-stream | normalize | abrp-push',
  async *play(stage, limits) {
    const lines: string[] = [];
    let tlm: DemoState['tlm'] = {};
    const bmw = await startBmw({
      clock: stage.clock,
      gcid: randomUUID(),
      oauth: { interval: 1, approveAfter: 1500 },
      broker: { keepSent: 1 },
      journey: { speedUp, waits: true },
      onEvent(event) {
        const line = loginLines[event.event]?.(event);
        if (line !== undefined) lines.push(line);
      },
    });
    const abrp = await startAbrp({
      clock: stage.clock,
      onPoint: (point) => {
        tlm = point.tlm;
      },
    });
    let child: Child | undefined;
    try {
      const env = environment(bmw, abrp, stage.folder);
      yield { line: 'A BMW, live in A Better Routeplanner. Both are played on this machine,' };
      yield { line: 'the commands are the real ones.' };
      yield { line: '' };
      yield { line: '$ bmw-login' };
      child = stage.start(['bmw-login', '--no-config', '--no-qr'], env);
      yield* logIn(stage, child, lines);
      if (stage.signal.aborted) return;
      yield { line: `$ ${pipeline}` };
      child = stage.start(['run', '--no-config', pipeline], env);
      const state = () => ({
        messages: bmw.broker.count,
        lastValue: lastValueOf(bmw),
        points: abrp.points().length,
        tlm,
      });
      yield* watch(stage, child, state, limits);
    } finally {
      await child?.stop();
      await Promise.all([bmw.close(), abrp.close()]);
    }
  },
};
