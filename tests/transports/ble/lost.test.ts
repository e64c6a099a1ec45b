import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBluetooth } from '../../../src/clients/bms/bluetooth.ts';
import { CommandError } from '../../../src/runtime/exit.ts';
import type { FromChild } from '../../../src/transports/ble/messages.ts';
import { testBle } from '../../support/bluetooth.ts';
import { assertEnded, opened, scanning, setUp } from '../../support/fake-ble.ts';

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
  assertEnded(ctx);
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
