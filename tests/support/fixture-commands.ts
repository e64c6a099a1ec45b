import { writeFileSync } from 'node:fs';
import { start } from '../../src/main.ts';
import { type AnyDefinition, type Definition, defineCommand, type Kind } from '../../src/runtime/command.ts';
import type { Context } from '../../src/runtime/context.ts';
import { fail } from '../../src/runtime/exit.ts';
import type { Options } from '../../src/runtime/options.ts';
import { splitPipeline } from '../../src/runtime/shell-words.ts';

/** Made-up commands, for tests that run the runtime as what it is: a process. */

function fixture<const O extends Options>(
  name: string,
  kind: Kind,
  options: O,
  rest: Partial<Definition<O>>,
): AnyDefinition {
  return defineCommand({
    name,
    kind,
    input: kind === 'source' ? 'none' : 'required',
    format: 'record',
    longRunning: true,
    countable: kind === 'source',
    receipts: kind === 'sink',
    summary: `${name} of the tests`,
    description: 'For tests.',
    options,
    examples: [{ text: 'An example', command: `${name} < /dev/null` }],
    ...rest,
  } as Definition<O>);
}

const never = (): Promise<never> => new Promise(() => setInterval(() => {}, 1000));
const record = (n: number) => ({ type: 'x', time: new Date(1.7e12 + n).toISOString(), n });

const commands: AnyDefinition[] = [
  fixture(
    'count',
    'source',
    {
      interval: { type: 'duration', summary: 'x' },
      pad: { type: 'integer', default: 0, summary: 'x' },
      until: { type: 'integer', summary: 'x' },
    },
    {
      async *run(ctx) {
        const { interval, pad, until } = ctx.opts;
        const fill = 'x'.repeat(pad);
        for (let n = 1; !ctx.signal.aborted && (until === undefined || n <= until); n++) {
          yield { ...record(n), ...(fill ? { fill } : {}) };
          if (interval !== undefined) await ctx.clock.sleep(interval, ctx.signal).catch(() => {});
        }
        return undefined;
      },
    },
  ),
  /** Says on stderr when each record is safe. */
  fixture(
    'careful',
    'source',
    { records: { type: 'integer', default: 3, summary: 'x' } },
    {
      async *run(ctx) {
        const all: Promise<void>[] = [];
        for (let n = 1; n <= ctx.opts.records; n++) {
          const made = record(n);
          all.push(
            ctx.written(made).then(
              () => ctx.log.info(`safe ${n}`),
              (error: Error) => ctx.log.info(`lost ${n}: ${error.message}`),
            ),
          );
          yield made;
        }
        await Promise.all(all);
        return undefined;
      },
    },
  ),
  fixture('pass', 'filter', {}, { each: () => (one) => one }),
  fixture(
    'pass-run',
    'filter',
    {},
    {
      async *run(ctx) {
        for await (const one of ctx.input) yield one;
        return undefined;
      },
    },
  ),
  fixture(
    'sum',
    'filter',
    {},
    {
      reads: ['x'],
      async *run(ctx) {
        const state = ctx.state<{ sum: number }>('sum');
        let sum = (await state.read())?.sum ?? 0;
        state.keep(() => ({ sum }));
        for await (const one of ctx.input) {
          sum += one.n as number;
          yield { ...one, sum };
        }
        return undefined;
      },
    },
  ),
  fixture(
    'collect',
    'sink',
    {
      each: { type: 'duration', default: 0, summary: 'x' },
      acks: { type: 'flag', default: true, summary: 'x' },
      fatal: { type: 'integer', summary: 'x' },
    },
    {
      reads: ['x'],
      async *run(ctx) {
        let n = 0;
        for await (const one of ctx.input) {
          if (++n === ctx.opts.fatal) throw fail('noPermission', 'far side: refused', 'Log in.');
          if (ctx.opts.each > 0) await ctx.clock.sleep(ctx.opts.each);
          if (ctx.opts.acks) ctx.delivered(1);
          yield { type: 'receipt', ok: true, n: one.n };
        }
        ctx.log.info(`collected ${n}`);
        return undefined;
      },
    },
  ),
  fixture(
    'crash',
    'filter',
    {},
    {
      async *run(ctx) {
        for await (const one of ctx.input) yield { ...one, n: (one as unknown as { a: { b: number } }).a.b };
        return undefined;
      },
    },
  ),
  /** An error in a callback that nobody catches. */
  fixture(
    'crash-later',
    'source',
    {},
    {
      async *run() {
        yield record(1);
        setTimeout(() => {
          throw new TypeError('in a callback');
        }, 10);
        await never();
        return undefined;
      },
    },
  ),
  /** Waits for what will never come, with nothing that keeps the process alive. */
  fixture(
    'forgotten',
    'source',
    {},
    {
      async *run() {
        yield record(1);
        await new Promise(() => {});
        return undefined;
      },
    },
  ),
  fixture(
    'stuck',
    'source',
    {},
    {
      async *run() {
        yield record(1);
        await never();
        return undefined;
      },
    },
  ),
  fixture(
    'secretive',
    'source',
    { apiKey: { type: 'secret', key: 'fixture.apiKey', summary: 'x' } },
    {
      async *run(ctx) {
        const secret = await ctx.secret('apiKey');
        ctx.log.info(`key ${secret}`, { secret, url: `https://h/?token=${secret}` });
        yield { type: 'x', length: secret?.length };
        return undefined;
      },
    },
  ),
  fixture(
    'secret-sink',
    'sink',
    { apiKey: { type: 'secret', summary: 'x' } },
    {
      async *run(ctx) {
        await ctx.secret('apiKey');
        yield { type: 'receipt' };
        return undefined;
      },
    },
  ),
  /** Starts a child that prints its environment and descriptors, or one that does not listen to SIGTERM. */
  fixture(
    'parent',
    'source',
    { deaf: { type: 'file', summary: 'x' } },
    {
      async *run(ctx) {
        if (ctx.opts.deaf) {
          const child = ctx.spawn(['bash', '-c', `trap '' TERM; echo up; for i in $(seq 100); do sleep 0.1; done`]);
          await new Promise((resolve) => child.stdout?.once('data', resolve));
          writeFileSync(ctx.opts.deaf, String(child.pid));
          yield record(1);
          return undefined;
        }
        const child = ctx.spawn(['bash', '-c', 'env; ls /proc/self/fd | tr "\\n" " "']);
        let text = '';
        for await (const chunk of child.stdout!) text += chunk;
        yield { type: 'x', text };
        return undefined;
      },
    },
  ),
  /** Ready when its flag file says so; shows what it was told on a reload. */
  fixture(
    'service',
    'source',
    {
      delay: { type: 'duration', default: 0, summary: 'x' },
      hello: { type: 'flag', summary: 'x' },
      rate: { type: 'integer', key: 'fixture.rate', default: 1, summary: 'x' },
    },
    {
      async *run(ctx) {
        ctx.metric('pushes_total', 'pushes').add(2, { result: 'ok' });
        ctx.metric('last_record_timestamp_seconds').set(1234);
        ctx.onReload(({ rate }) => ctx.log.info(`rate ${rate}`));
        if (ctx.opts.hello) ctx.listen('/hello', (_request, response) => response.end('hello\n'));
        ctx.unready('connecting');
        await ctx.clock.sleep(ctx.opts.delay, ctx.signal).catch(() => {});
        ctx.alive(60_000);
        ctx.log.info('connected');
        yield record(1);
        await new Promise((resolve) => {
          const held = setInterval(() => {}, 1000);
          ctx.signal.addEventListener('abort', () => resolve(clearInterval(held)));
        });
        yield record(2);
        return undefined;
      },
    },
  ),
  fixture(
    'tool',
    'tool',
    { out: { type: 'string', default: 'text', summary: 'x' } },
    {
      input: 'none',
      format: 'text',
      arguments: [{ name: 'word', summary: 'x', required: true }],
      async *run(ctx: Context) {
        yield `${ctx.args[0]}`;
        return 76;
      },
    },
  ),
  fixture(
    'group one',
    'tool',
    {},
    {
      input: 'none',
      format: 'text',
      async *run() {
        yield 'one';
        return undefined;
      },
    },
  ),
  fixture(
    'voltpipe run',
    'tool',
    {},
    {
      input: 'optional',
      arguments: [{ name: 'pipeline', summary: 'x', required: true, variadic: true }],
      expand: (args) => splitPipeline(args.join(' ')),
    },
  ),
];

const text = { summary: 'a group of the tests', description: 'For tests.', examples: [] };
void start(
  'voltpipe',
  commands.map((command) => ({ name: command.name, load: async () => ({ command }) })),
  [
    { name: 'group', ...text },
    { name: 'voltpipe', ...text },
  ],
);
