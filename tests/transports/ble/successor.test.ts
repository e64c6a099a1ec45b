import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToChild } from '../../../src/transports/ble/messages.ts';
import { LinkError } from '../../../src/transports/link.ts';
import { testBle } from '../../support/bluetooth.ts';
import { assertEnded, one, opened, other, patient, scanning, setUp } from '../../support/fake-ble.ts';

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
