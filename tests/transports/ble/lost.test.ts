import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createBluetooth } from '../../../src/clients/bms/bluetooth.ts';
import { CommandError } from '../../../src/runtime/exit.ts';
import { type Adapter, type BleOptions, openAdapter } from '../../../src/transports/ble/adapter.ts';
import type { FromChild } from '../../../src/transports/ble/messages.ts';
import { type TestBle, testBle } from '../../support/bluetooth.ts';
import { temporaryFolder } from '../../support/shell.ts';

/**
 * Children that stand for noble: one that works, one that ends before it does, one whose controller refuses to scan, one that ends the
 * first time that it shall scan.
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
} as const;

/** Options for an adapter whose next child is of another kind when `become` says so. */
function setUp(): { options: BleOptions; become(kind: keyof typeof children): void } {
  const child = join(temporaryFolder('child'), 'child.cjs');
  const become = (kind: keyof typeof children): void => writeFileSync(child, children[kind]);
  become('works');
  // Any character device will do: these children don't open it.
  return { options: { adapter: '/dev/null', lockWait: 0, powerOn: 20_000, child }, become };
}

async function opened(t: TestContext, options: BleOptions, ctx: TestBle = testBle()): Promise<Adapter> {
  const adapter = await openAdapter(ctx, options);
  t.after(() => adapter.close());
  return adapter;
}

/** A scan; `lost` resolves to why it is over. */
async function scanning(adapter: Adapter): Promise<{ lost: Promise<Error>; stop(): Promise<void> }> {
  let tell = (_: Error): void => {};
  const lost = new Promise<Error>((resolve) => {
    tell = resolve;
  });
  return { lost, stop: await adapter.scan(() => {}, tell) };
}

function assertUnavailable(error: unknown, message: RegExp): void {
  assert.ok(error instanceof CommandError, String(error));
  assert.equal(error.status, 69);
  assert.match(error.message, message);
}

test('a scan whose child is lost for good is told so, and the adapter can be used again when it works', async (t) => {
  const { options, become } = setUp();
  const adapter = await opened(t, options);
  const { lost, stop } = await scanning(adapter);
  become('ends');
  process.kill(adapter.child!, 'SIGKILL');
  assertUnavailable(await lost, /Bluetooth adapter \/dev\/null: the Bluetooth helper ended \(exit status 3\)/);
  await stop();
  become('works');
  await (await scanning(adapter)).stop();
});

test('a scan whose children die one after the other is told so', async (t) => {
  const { options } = setUp();
  const ctx = testBle();
  const spawned = ctx.spawn;
  const adapter = await opened(t, options, {
    ...ctx,
    spawn(command, more) {
      const child = spawned(command, more);
      // Each but the first dies when it has begun to scan.
      if (ctx.children.length > 1)
        child.on('message', ({ say }: FromChild) => say === 'answer' && child.kill('SIGKILL'));
      return child;
    },
  });
  const { lost } = await scanning(adapter);
  process.kill(adapter.child!, 'SIGKILL');
  assertUnavailable(await lost, /the Bluetooth helper ended \(SIGKILL\)/);
  assert.equal(ctx.children.length, 4);
});

test('a child that dies while it begins the scan of another anew has a successor, like any that dies', async (t) => {
  const { options, become } = setUp();
  const ctx = testBle();
  const adapter = await opened(t, options, ctx);
  const { lost, stop } = await scanning(adapter);
  const first = adapter.child!;
  become('falters');
  process.kill(first, 'SIGKILL');
  const limits = { find: 5000, connect: 5000, step: 5000 };
  const gone = new Promise((resolve) => ctx.children[0]!.once('exit', resolve));
  await gone;
  const link = await adapter.connect('50:54:7B:00:00:02', [], limits);
  assert.equal(ctx.children.length, 3);
  assert.match(ctx.said.join('\n'), /helper ended \(exit status 4\); starting another/);
  await link.close();
  await stop();
  assert.equal(await Promise.race([lost, 'not lost']), 'not lost');
});

test('a child that takes the place of another and cannot scan is a failure of the adapter, and is not left running', async (t) => {
  const { options, become } = setUp();
  const ctx = testBle();
  const adapter = await opened(t, options, ctx);
  const { lost, stop } = await scanning(adapter);
  become('refuses');
  process.kill(adapter.child!, 'SIGKILL');
  assertUnavailable(await lost, /Bluetooth adapter \/dev\/null: start to scan: no/);
  const limits = { find: 100, connect: 100, step: 100 };
  const refused = await adapter.connect('50:54:7B:00:00:02', [], limits).then(String, (error: unknown) => error);
  assertUnavailable(refused, /start to scan: no/);
  assert.ok(ctx.children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null));
  await stop();
});

test('a scan for a time ends at once when the adapter is lost, as a failure', async (t) => {
  const { options, become } = setUp();
  const ctx = testBle();
  const bluetooth = createBluetooth(ctx, options, 0);
  t.after(() => bluetooth.close());
  const { adapter, release } = await bluetooth.hold();
  const begun = new Promise((resolve) => ctx.children[0]!.once('message', resolve));
  const outcome = bluetooth
    .scan(24 * 3_600_000, () => {})
    .then(
      () => 'over',
      (error: unknown) => error,
    );
  await begun;
  become('ends');
  process.kill(adapter.child!, 'SIGKILL');
  assertUnavailable(await outcome, /the Bluetooth helper ended \(exit status 3\)/);
  await release();
});
