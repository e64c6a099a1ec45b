import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codec as bm6 } from '../../../src/protocols/bms/bm6.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { bmPeripheral } from '../../../src/simulators/ble/bm.ts';
import type { Peripheral, PeripheralFaults } from '../../../src/simulators/ble/peripheral.ts';
import { LinkError } from '../../../src/transports/link.ts';
import { drivers, impatient, limits, testAdapter, testAir } from '../../support/bluetooth.ts';

const gatt = bm6.gatt!;
const healthy = bmPeripheral({ family: 'bm6', clock: systemClock, address: '50:54:7B:00:00:20' });
const faulty = (faults: PeripheralFaults): Peripheral =>
  bmPeripheral({ family: 'bm6', clock: systemClock, address: '50:54:7B:00:00:21', faults });
const poll = Array.from(bm6.reading.requests({}))[0]!.bytes!;

const failure = (kind: string, reason: RegExp) => (error: unknown) => {
  assert.ok(error instanceof LinkError, String(error));
  assert.equal(error.failure.kind, kind);
  assert.match(error.failure.reason, reason);
  return true;
};

/** What goes wrong while connecting, and how it is said. */
const whileConnecting: readonly [string, PeripheralFaults, string, RegExp][] = [
  ['a device that never connects', { unreachable: true }, 'silent', /no answer in 0.7 s \(connect\)/],
  ['a device that a phone holds', { busy: true }, 'refused', /a phone or another host holds it/],
  ['a device that answers nothing', { mute: true }, 'silent', /no answer in 0.7 s \(discover services\)/],
  ['a device that hangs up while it is looked at', { disconnectOnDiscovery: true }, 'closed', /hung up/],
  ['a device that cannot be subscribed to', { noConfiguration: true }, 'silent', /subscribe to fff4/],
];

for (const driver of drivers) {
  for (const [what, faults, kind, reason] of whileConnecting) {
    test(`${driver}: ${what} is given up in time, and the next one is connected`, async (t) => {
      const air = await testAir(t, [healthy, faulty(faults)]);
      if (!air) return;
      const adapter = await testAdapter(air, { driver });
      await assert.rejects(adapter.connect('50:54:7B:00:00:21', gatt, impatient), failure(kind, reason));
      const link = await adapter.connect(healthy.address, gatt, limits);
      assert.deepEqual(air.controller.state.connections, [healthy.address]);
      await link.close();
      await adapter.close();
      assert.deepEqual(air.controller.state, { scanning: false, connecting: false, connections: [] });
    });
  }

  test(`${driver}: a device that a phone held is connected once it is free, by the same child`, async (t) => {
    const faults: PeripheralFaults = { busy: true };
    const device = faulty(faults);
    const air = await testAir(t, [device]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const { child } = adapter;
    await assert.rejects(adapter.connect(device.address, gatt, limits), failure('refused', /another host holds it/));
    faults.busy = false;
    await (await adapter.connect(device.address, gatt, limits)).close();
    assert.equal(adapter.child, child);
  });

  test(`${driver}: a device that is not there is said to be unseen, and no scan goes on`, async (t) => {
    const air = await testAir(t, [healthy]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const nobody = adapter.connect('50:54:7B:00:00:FF', gatt, { ...limits, find: 300 });
    await assert.rejects(nobody, failure('silent', /not seen in 0.3 s/));
    await air.until(({ controller }) => !controller.state.scanning);
    await (await adapter.connect(healthy.address, gatt, limits)).close();
  });

  test(`${driver}: a device with other services is refused with what it has`, async (t) => {
    const air = await testAir(t, [healthy]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const wanted = [{ service: 'ff00', notify: 'ff01', write: 'ff02', writeType: 'as-offered' as const }];
    await assert.rejects(adapter.connect(healthy.address, wanted, limits), failure('unsuited', /it has fff0/));
    await air.until(({ controller }) => controller.state.connections.length === 0);
  });

  test(`${driver}: a device that goes out of reach ends its link at once, and can be connected again`, async (t) => {
    const air = await testAir(t, [healthy]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const link = await adapter.connect(healthy.address, gatt, limits);
    air.controller.drop(healthy.address);
    assert.deepEqual(await link.closed, { kind: 'closed', reason: 'out of reach' });
    await assert.rejects(link.send(poll), failure('closed', /out of reach/));
    await link.close();
    await (await adapter.connect(healthy.address, gatt, limits)).close();
  });

  test(`${driver}: a device that hangs up in the middle of a write fails that write`, async (t) => {
    const device = faulty({});
    const air = await testAir(t, [{ ...device, onWrite: (_, __, link) => link.disconnect(), faults: {} }]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const link = await adapter.connect(device.address, gatt, limits);
    await link.send(poll).catch(failure('closed', /hung up/));
    assert.equal((await link.closed)?.kind, 'closed');
  });

  test(`${driver}: a write that the device answers with an error is a failure, not a wait for ever`, async (t) => {
    const device = faulty({ writeError: 0x0e });
    const air = await testAir(t, [device]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const link = await adapter.connect(device.address, gatt, { ...limits, step: 1500 });
    await assert.rejects(link.send(poll), (error: unknown) => error instanceof LinkError);
    assert.notEqual(await link.closed, undefined);
  });

  test(`${driver}: a child that is killed is replaced by one that cleans up`, async (t) => {
    const air = await testAir(t, [healthy]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const link = await adapter.connect(healthy.address, gatt, limits);
    const first = adapter.child;
    process.kill(first!, 'SIGKILL');
    assert.equal((await link.closed)?.kind, 'failed');
    await air.until(({ controller }) => controller.state.connections.length === 0);
    const again = await adapter.connect(healthy.address, gatt, limits);
    assert.notEqual(adapter.child, first);
    assert.match(adapter.ctx.said.join('\n'), /helper ended \(SIGKILL\); starting another/);
    await again.close();
  });

  test(`${driver}: a scan survives the death of the child, and ends with the adapter`, async (t) => {
    const air = await testAir(t, [healthy]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    let seen = 0;
    let wake = (): void => {};
    await adapter.scan(() => {
      seen++;
      wake();
    });
    const next = (): Promise<void> => new Promise((resolve) => (wake = resolve));
    while (seen === 0) await next();
    process.kill(adapter.child!, 'SIGKILL');
    await air.until(({ events }) => events.filter(({ event }) => event === 'scan_stopped').length > 0);
    const before = seen;
    while (seen === before) await next();
    await adapter.close();
    assert.equal(air.controller.state.scanning, false);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${driver}: a child that gets ${signal} leaves neither a scan nor a connection behind`, async (t) => {
      const air = await testAir(t, [healthy]);
      if (!air) return;
      const adapter = await testAdapter(air, { driver });
      await adapter.connect(healthy.address, gatt, limits);
      adapter.ctx.stop();
      process.kill(adapter.child!, signal);
      await air.until(({ events }) => events.some(({ event }) => event === 'disconnected'));
      await adapter.close();
      assert.deepEqual(air.controller.state, { scanning: false, connecting: false, connections: [] });
    });
  }

  test(`${driver}: told to stop, it gives up what it waits for and leaves nothing on`, async (t) => {
    const air = await testAir(t, [healthy, faulty({ unreachable: true })]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const connecting = adapter.connect('50:54:7B:00:00:21', gatt, limits);
    await air.until(({ events }) => events.some(({ event }) => event === 'scan_stopped'));
    adapter.ctx.stop();
    await assert.rejects(connecting, { name: 'AbortError' });
    await adapter.close();
    assert.deepEqual(air.controller.state, { scanning: false, connecting: false, connections: [] });
  });

  test(`${driver}: a host that dies lets its child clean up`, async (t) => {
    const air = await testAir(t, [healthy]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    await adapter.connect(healthy.address, gatt, limits);
    adapter.ctx.stop();
    adapter.ctx.children.at(-1)!.disconnect();
    await air.until(({ controller }) => controller.state.connections.length === 0);
  });

  test(`${driver}: a device with a large MTU works as any other`, async (t) => {
    const device = faulty({ mtu: 517 });
    const air = await testAir(t, [device]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const link = await adapter.connect(device.address, gatt, limits);
    const answered = new Promise<void>((resolve) => link.onData((bytes) => bytes.some(Boolean) && resolve()));
    await link.send(poll);
    await answered;
    await link.close();
  });
}
