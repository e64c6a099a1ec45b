import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { test } from 'node:test';
import type { ToChild } from '../../../src/transports/ble/messages.ts';
import { LinkError } from '../../../src/transports/link.ts';
import { type TestBle, testBle } from '../../support/bluetooth.ts';
import { assertEnded, one, opened, other, patient, scanning, setUp } from '../../support/fake-ble.ts';

/** Resolves when a child is asked to do this. */
const askedTo = (child: ChildProcess, what: ToChild['do']): Promise<void> =>
  new Promise((resolve) => {
    const send = child.send.bind(child) as (message: ToChild, ...more: unknown[]) => boolean;
    child.send = (message: ToChild, ...more: unknown[]) => {
      if (message.do === what) resolve();
      return send(message, ...more);
    };
  });

/** A context in which time passes twice as fast; `waited` tells how much of it was waited for in vain. */
function hastened(ctx: TestBle): { ctx: TestBle; waited(): number } {
  let passed = 0;
  const after: TestBle['clock']['after'] = (ms, fn, options) =>
    ctx.clock.after(
      ms / 2,
      () => {
        passed += ms;
        fn();
      },
      options,
    );
  return { ctx: { ...ctx, clock: { ...ctx.clock, monotonic: () => passed, after } }, waited: () => passed };
}

test('an adapter that is stuck keeps nobody from ending within the usual grace time', async (t) => {
  const { options, become } = setUp();
  become('stuck');
  const { ctx, waited } = hastened(testBle());
  const adapter = await opened(t, { ...options, powerOn: 60_000 }, ctx);
  const link = await adapter.connect(one, [], { find: 60_000, connect: 60_000, step: 60_000 });
  become('dead');
  ctx.stop();
  await link.close();
  await adapter.close();
  assert.ok(waited() < 5000, `${waited()} ms`);
  // One more was tried, to clean up.
  assert.equal(ctx.children.length, 2);
  assertEnded(ctx);
});

test('a child that is closed while it should begin to scan is not waited for', async (t) => {
  const { options, become } = setUp();
  const { ctx, waited } = hastened(testBle());
  const adapter = await opened(t, { ...options, powerOn: 60_000 }, ctx);
  await scanning(adapter);
  become('idles');
  process.kill(adapter.child!, 'SIGKILL');
  while (ctx.children.length < 2) await new Promise((resolve) => setImmediate(resolve));
  await askedTo(ctx.children[1]!, 'scan');
  await adapter.close();
  assert.equal(waited(), 0);
  assertEnded(ctx);
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
  const asked = askedTo(ctx.children[0]!, 'connect');
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

test('a child that has seen twice as many is replaced though a connection stands, which has ten seconds to end', async (t) => {
  const { options, become } = setUp();
  become('thronged');
  const ctx = testBle();
  const clock = { ...ctx.clock, after: (ms: number, fn: () => void) => ctx.clock.after(ms === 10_000 ? 0 : ms, fn) };
  const adapter = await opened(t, { ...options, mostAddresses: 20 }, { ...ctx, clock });
  const crowded = adapter.child;
  const link = await adapter.connect(one, [], patient);
  await link.send(Buffer.from('00', 'hex'));
  await link.send(Buffer.from('00', 'hex')).catch(() => {});
  assert.deepEqual(await link.closed, {
    kind: 'failed',
    reason: 'the Bluetooth helper had to be replaced: it has seen many devices',
  });
  become('works');
  await (await adapter.connect(other, [], patient)).close();
  assert.notEqual(adapter.child, crowded);
});

test('a child that has seen many addresses serves the connection that stands', async (t) => {
  const { options, become } = setUp();
  become('thronged');
  const adapter = await opened(t, { ...options, mostAddresses: 20 });
  const crowded = adapter.child;
  const link = await adapter.connect(one, [], patient);
  await link.send(Buffer.from('00', 'hex'));
  // Its answer comes after the number of addresses.
  assert.equal(adapter.child, crowded);
  const next = adapter.connect(other, [], patient);
  await link.close();
  await (await next).close();
  assert.equal(await link.closed, undefined);
});
