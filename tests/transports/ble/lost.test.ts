import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createBluetooth } from '../../../src/clients/bms/bluetooth.ts';
import { CommandError } from '../../../src/runtime/exit.ts';
import { type Adapter, type BleOptions, openAdapter } from '../../../src/transports/ble/adapter.ts';
import type { FromChild, ToChild } from '../../../src/transports/ble/messages.ts';
import { LinkError } from '../../../src/transports/link.ts';
import { type TestBle, testBle } from '../../support/bluetooth.ts';
import { temporaryFolder } from '../../support/shell.ts';

/**
 * Children that stand for noble: one that works, one that ends before it does, one whose controller refuses to scan, one that ends the
 * first time that it shall scan, one whose adapter goes down then, one whose controller never answers, one that fails each write and
 * takes its time to connect to the second device, one in doubt of itself, and one in a crowd that sees all but what it looks for.
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
} as const;

const one = '50:54:7B:00:00:02';
const other = '50:54:7B:00:00:03';
const patient = { find: 20_000, connect: 20_000, step: 20_000 };

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

function assertEnded({ children: all }: TestBle): void {
  assert.ok(all.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null));
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

test('an adapter that goes down while a child begins to scan is given one other child, and none is left running', async (t) => {
  const { options, become } = setUp();
  const ctx = testBle();
  const adapter = await opened(t, options, ctx);
  const { lost, stop } = await scanning(adapter);
  become('sinks');
  const gone = new Promise((resolve) => ctx.children[0]!.once('exit', resolve));
  process.kill(adapter.child!, 'SIGKILL');
  await gone;
  await (await adapter.connect(one, [], patient)).close();
  assert.match(ctx.said.join('\n'), /the adapter is poweredOff; starting another/);
  await stop();
  await adapter.close();
  assert.equal(ctx.children.length, 3);
  assertEnded(ctx);
  assert.equal(await Promise.race([lost, 'not lost']), 'not lost');
});

test('a child in doubt by one device finishes the connection that it is making to another', async (t) => {
  const { options, become } = setUp();
  become('doubtful');
  const ctx = testBle();
  const adapter = await opened(t, options, ctx);
  const doubtful = adapter.child;
  const link = await adapter.connect(one, [], patient);
  const asked = new Promise<void>((resolve) => {
    const child = ctx.children[0]!;
    const send = child.send.bind(child) as (message: ToChild, ...more: unknown[]) => boolean;
    child.send = (message: ToChild, ...more: unknown[]) => {
      if (message.do === 'connect') resolve();
      return send(message, ...more);
    };
  });
  const connecting = adapter.connect(other, [], patient);
  await asked;
  await assert.rejects(link.send(Buffer.from('00', 'hex')), LinkError);
  const second = await connecting;
  assert.equal(adapter.child, doubtful);
  become('works');
  await second.close();
  await (await adapter.connect(one, [], patient)).close();
  assert.notEqual(adapter.child, doubtful);
});

test('the end of an adapter waits no longer than two seconds for a child that only cleans up', async (t) => {
  const { options, become } = setUp();
  const waits: number[] = [];
  const ctx = testBle();
  const clock = {
    ...ctx.clock,
    after(ms: number, fn: () => void) {
      waits.push(ms);
      return ctx.clock.after(ms, fn);
    },
  };
  const adapter = await opened(t, options, { ...ctx, clock });
  await scanning(adapter);
  become('deaf');
  const gone = new Promise((resolve) => ctx.children[0]!.once('exit', resolve));
  process.kill(adapter.child!, 'SIGKILL');
  await gone;
  const before = waits.length;
  await adapter.close();
  assert.ok(waits.slice(before).includes(2000));
  assert.deepEqual(
    waits.slice(before).filter((ms) => ms > 2500),
    [],
  );
  assertEnded(ctx);
});

test('a child in doubt of itself is replaced when the connection by it has ended', async (t) => {
  const { options, become } = setUp();
  become('doubts');
  const adapter = await opened(t, options);
  const doubtful = adapter.child;
  const link = await adapter.connect(one, [], patient);
  // Its answer comes after the doubt.
  await link.send(Buffer.from('00', 'hex'));
  assert.equal(adapter.child, doubtful);
  become('works');
  await link.close();
  await (await adapter.connect(one, [], patient)).close();
  assert.notEqual(adapter.child, doubtful);
});

test('a child that has seen many addresses is replaced between two connections, though nobody scans', async (t) => {
  const { options, become } = setUp();
  become('crowded');
  const ctx = testBle();
  const adapter = await opened(t, { ...options, mostAddresses: 20 }, ctx);
  become('works');
  const unseen = assert.rejects(adapter.connect(one, [], patient), /not seen/);
  const link = await adapter.connect(other, [], patient);
  await unseen;
  assert.match(ctx.said.join('\n'), /replaced: it has seen many devices/);
  assert.equal(ctx.children.length, 2);
  await link.close();
});
