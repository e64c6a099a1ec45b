import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../src/runtime/clock.ts';
import { CommandError } from '../../../src/runtime/exit.ts';
import { bmPeripheral } from '../../../src/simulators/ble/bm.ts';
import { openAdapter } from '../../../src/transports/ble/adapter.ts';
import { notPowered } from '../../../src/transports/ble/adapter-power.ts';
import { drivers, testAdapter, testAir, testBle } from '../../support/bluetooth.ts';
import { temporaryFolder } from '../../support/shell.ts';

const fails = (status: number, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CommandError, String(error));
  assert.match(error.message, message);
  assert.equal(error.status, status);
  return true;
};

for (const driver of drivers) {
  test(`${driver}: a controller that answers nothing is given up, and its lock is free again`, async (t) => {
    const air = await testAir(t, [], { mute: true });
    if (!air) return;
    const folder = temporaryFolder('locks');
    const ctx = testBle(folder);
    const opening = openAdapter(ctx, { adapter: air.port, driver, lockWait: 0, powerOn: 1500 });
    await assert.rejects(opening, fails(69, /does not answer in 1.5 s/));
    await (await ctx.lock(`ble-${air.port.split('/').pop()}`))();
    assert.ok(ctx.children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null));
  });
}

test('two tools take turns on one adapter', async (t) => {
  const air = await testAir(t, [bmPeripheral({ family: 'bm6', clock: systemClock })]);
  if (!air) return;
  const folder = temporaryFolder('locks');
  const first = await testAdapter(air, {}, testBle(folder));
  const hasty = openAdapter(testBle(folder), { adapter: air.port, lockWait: 0, powerOn: 20_000 });
  await assert.rejects(hasty, fails(75, /in use by process \d+/));
  const patient = testBle(folder);
  const second = openAdapter(patient, { adapter: air.port, lockWait: 60_000, powerOn: 20_000 });
  await first.close();
  await (await second).close();
});

test('one that waits for the adapter gives up when it is told to stop', async (t) => {
  const air = await testAir(t, []);
  if (!air) return;
  const folder = temporaryFolder('locks');
  await testAdapter(air, {}, testBle(folder));
  const waiting = testBle(folder);
  const second = openAdapter(waiting, { adapter: air.port, lockWait: 60_000, powerOn: 20_000 });
  waiting.stop();
  await assert.rejects(second, { name: 'AbortError' });
});

test('what is last heard of an adapter says why it is not powered on', () => {
  assert.ok(fails(75, /hci0: is down/)(notPowered('hci0', 'poweredOff', 1000)));
  assert.ok(fails(77, /hci0: not permitted/)(notPowered('hci0', 'unauthorized', 1000)));
  assert.ok(fails(69, /cannot do Bluetooth Low Energy/)(notPowered('hci0', 'unsupported', 1000)));
  assert.ok(fails(69, /does not answer/)(notPowered('hci0', undefined, 1000)));
});

/** A machine whose adapter nobody has switched on, and what stands for noble there; `then` is what it does next. */
function switchedOff(then = ''): { root: string; child: string } {
  const root = temporaryFolder('machine');
  mkdirSync(join(root, 'sys/class/bluetooth/hci0'), { recursive: true });
  const child = join(root, 'child.cjs');
  writeFileSync(
    child,
    `process.send({ say: 'state', state: 'poweredOff' });
    ${then}
    process.on('message', ({ do: what }) => what === 'end' && process.exit(0));`,
  );
  return { root, child };
}

test('an adapter that is down is waited for, then said to be, with what to do (75), and left alone', async () => {
  const { root, child } = switchedOff();
  const ctx = testBle(root);
  await assert.rejects(openAdapter(ctx, { root, child, lockWait: 0, powerOn: 500 }), (error: CommandError) => {
    assert.equal(error.status, 75);
    assert.equal(error.message, 'Bluetooth adapter hci0: is down');
    assert.match(error.next ?? '', /hciconfig hci0 up/);
    return true;
  });
  assert.ok(ctx.children.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null));
  await (await ctx.lock('ble-hci0'))();
});

test('an adapter that is switched on meanwhile is used', async () => {
  const { root, child } = switchedOff("setTimeout(() => process.send({ say: 'state', state: 'poweredOn' }), 50);");
  const adapter = await openAdapter(testBle(root), { root, child, lockWait: 0, powerOn: 20_000 });
  assert.equal(adapter.name, 'hci0');
  await adapter.close();
});

test('a child that cannot be started is a failure with its reason', async (t) => {
  const air = await testAir(t, []);
  if (!air) return;
  const ctx = testBle();
  const opening = openAdapter(ctx, {
    adapter: air.port,
    lockWait: 0,
    powerOn: 20_000,
    child: '/nowhere/ble-child.cjs',
  });
  await assert.rejects(opening, fails(69, /the Bluetooth helper ended \(exit status 1\)/));
});
