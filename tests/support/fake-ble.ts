import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Adapter, type BleOptions, openAdapter } from '../../src/transports/ble/adapter.ts';
import { type TestBle, testBle } from './bluetooth.ts';
import { temporaryFolder } from './shell.ts';

/**
 * Children that stand for noble: one that works, one that ends before it does, one whose controller refuses to scan, one that ends the
 * first time that it shall scan, one whose adapter goes down then, one whose controller never answers, one that fails each write and
 * takes its time to connect to the second device, one in doubt of itself, one in a crowd that sees all but what it looks for, one that
 * finds its device in a crowd that grows with each write, one that is stuck once it has connected, one that never begins to scan, and one that does nothing at all.
 */
const children = {
  works: `
    process.send({ say: 'state', state: 'poweredOn' });
    process.on('message', ({ do: what, request }) => {
      if (what === 'end') process.exit(0);
      process.send({ say: 'answer', request });
    });`,
  ends: 'process.exit(3);',
  refuses: `
    process.send({ say: 'state', state: 'poweredOn' });
    process.on('message', ({ do: what, request }) => {
      if (what === 'end') process.exit(0);
      process.send({ say: 'trouble', request, trouble: { kind: 'failed', reason: 'start to scan: no', tainted: false } });
    });`,
  falters: `
    const { existsSync, writeFileSync } = require('node:fs');
    process.send({ say: 'state', state: 'poweredOn' });
    process.on('message', ({ do: what, request }) => {
      if (what === 'end') process.exit(0);
      if (what === 'scan' && !existsSync(__filename + '.faltered')) {
        writeFileSync(__filename + '.faltered', '');
        process.exit(4);
      }
      process.send({ say: 'answer', request });
    });`,
  sinks: `
    const { existsSync, writeFileSync } = require('node:fs');
    process.send({ say: 'state', state: 'poweredOn' });
    process.on('message', ({ do: what, request }) => {
      if (what === 'end') process.exit(0);
      if (what === 'scan' && !existsSync(__filename + '.sunk')) {
        writeFileSync(__filename + '.sunk', '');
        return process.send({ say: 'state', state: 'poweredOff' });
      }
      process.send({ say: 'answer', request });
    });`,
  deaf: `process.on('message', ({ do: what }) => what === 'end' && process.exit(0));`,
  doubtful: `
    let connected = 0;
    let connect = () => {};
    process.send({ say: 'state', state: 'poweredOn' });
    process.on('message', ({ do: what, request }) => {
      if (what === 'end') process.exit(0);
      const answer = () => process.send({ say: 'answer', request });
      if (what === 'connect' && ++connected === 2) return (connect = answer);
      if (what !== 'write') return answer();
      process.send({ say: 'trouble', request, trouble: { kind: 'silent', reason: 'no answer', tainted: true } });
      setTimeout(connect, 300);
    });`,
  doubts: `
    process.send({ say: 'state', state: 'poweredOn' });
    process.on('message', ({ do: what, request }) => {
      if (what === 'end') process.exit(0);
      process.send({ say: 'answer', request });
      if (what === 'connect') process.send({ say: 'doubt', reason: 'start to scan: no' });
    });`,
  crowded: `
    process.send({ say: 'state', state: 'poweredOn' });
    process.on('message', ({ do: what, request }) => {
      if (what === 'end') process.exit(0);
      if (what !== 'connect') return process.send({ say: 'answer', request });
      process.send({ say: 'known', addresses: 21 });
      process.send({ say: 'trouble', request, trouble: { kind: 'silent', reason: 'not seen', tainted: false } });
    });`,
  thronged: `
    let addresses = 0;
    process.send({ say: 'state', state: 'poweredOn' });
    process.on('message', ({ do: what, request }) => {
      if (what === 'end') process.exit(0);
      if (what === 'write') process.send({ say: 'known', addresses: (addresses += 21) });
      process.send({ say: 'answer', request });
    });`,
  stuck: `
    process.send({ say: 'state', state: 'poweredOn' });
    process.on('message', ({ do: what, request }) => what === 'connect' && process.send({ say: 'answer', request }));`,
  idles: `
    process.send({ say: 'state', state: 'poweredOn' });
    process.on('message', ({ do: what, request }) => {
      if (what === 'end') process.exit(0);
      if (what !== 'scan') process.send({ say: 'answer', request });
    });`,
  dead: `process.on('message', () => {});`,
} as const;

/** Two addresses. */
export const one = '50:54:7B:00:00:02';
export const other = '50:54:7B:00:00:03';
/** Limits of a connection, on a slow machine. */
export const patient = { find: 20_000, connect: 20_000, step: 20_000 };

/** Options for an adapter whose next child is of another kind when `become` says so. */
export function setUp(): { options: BleOptions; become(kind: keyof typeof children): void } {
  const child = join(temporaryFolder('child'), 'child.cjs');
  const become = (kind: keyof typeof children): void => writeFileSync(child, children[kind]);
  become('works');
  // Any character device will do: these children don't open it.
  return { options: { adapter: '/dev/null', lockWait: 0, powerOn: 20_000, child }, become };
}

/** An adapter, closed after the test. */
export async function opened(t: TestContext, options: BleOptions, ctx: TestBle = testBle()): Promise<Adapter> {
  const adapter = await openAdapter(ctx, options);
  t.after(() => adapter.close());
  return adapter;
}

/** A scan; `lost` resolves to why it is over. */
export async function scanning(adapter: Adapter): Promise<{ lost: Promise<Error>; stop(): Promise<void> }> {
  let tell = (_: Error): void => {};
  const lost = new Promise<Error>((resolve) => {
    tell = resolve;
  });
  return { lost, stop: await adapter.scan(() => {}, tell) };
}

/** No child is left running. */
export function assertEnded({ children: all }: TestBle): void {
  assert.ok(all.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null));
}
