import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codec as bm6 } from '../../../src/protocols/bms/bm6.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { bmPeripheral } from '../../../src/simulators/ble/bm.ts';
import type { Peripheral, PeripheralFaults } from '../../../src/simulators/ble/peripheral.ts';
import type { Adapter } from '../../../src/transports/ble/adapter.ts';
import type { FromChild } from '../../../src/transports/ble/messages.ts';
import { LinkError } from '../../../src/transports/link.ts';
import { drivers, impatient, limits, testAdapter, testAir } from '../../support/bluetooth.ts';

const gatt = bm6.gatt!;
const poll = Array.from(bm6.reading.requests({}))[0]!.bytes!;
const one = '50:54:7B:00:00:31';
const other = '50:54:7B:00:00:32';
const device = (address: string, faults: PeripheralFaults = {}): Peripheral =>
  bmPeripheral({ family: 'bm6', clock: systemClock, address, faults });
const idle = { scanning: false, connecting: false, connections: [] };

/** A search; `next` resolves with the next sighting of `address`. */
async function search(adapter: Adapter, address: string) {
  let wake = (): void => {};
  const stop = await adapter.scan(({ id }) => id === address && wake());
  return { stop, next: () => new Promise<void>((resolve) => (wake = resolve)) };
}

for (const driver of drivers) {
  test(`${driver}: two searches at a time see the same air, and one that has enough ends it for no other (HAWK-57, HAWK-99)`, async (t) => {
    const air = await testAir(t, [device(one), device(other)]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const first = await search(adapter, one);
    const second = await search(adapter, other);
    await Promise.all([first.next(), second.next()]);
    await second.stop();
    await first.next();
    assert.equal(air.controller.state.scanning, true);
    await first.stop();
    await air.until(({ controller }) => !controller.state.scanning);
  });

  test(`${driver}: a search that ends leaves another's device to be found and connected (HAWK-25, HAWK-146)`, async (t) => {
    const around = [device(other)];
    const air = await testAir(t, around);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const { stop, next } = await search(adapter, other);
    const connecting = adapter.connect(one, gatt, limits);
    await next();
    await stop();
    around.push(device(one));
    await (await connecting).close();
    await air.until(({ controller }) => !controller.state.scanning);
  });

  test(`${driver}: a search goes on after another device was connected, and its time stands still meanwhile (HAWK-57)`, async (t) => {
    const air = await testAir(t, [device(one), device(other, { unreachable: true })]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const { stop, next } = await search(adapter, one);
    await next();
    const order: string[] = [];
    const deaf = new Promise<void>((resolve) =>
      adapter.ctx.children.at(-1)!.on('message', (told: FromChild) => {
        if (told.say === 'scanning' && !told.on) resolve();
      }),
    );
    const connecting = adapter.connect(other, gatt, { ...limits, connect: 2000 });
    const givenUp = connecting.then(
      () => assert.fail('it was connected'),
      () => void order.push('given up'),
    );
    await deaf;
    const listened = adapter.listened(300, new AbortController().signal).then(() => void order.push('listened'));
    await Promise.all([givenUp, listened]);
    assert.deepEqual(order, ['given up', 'listened']);
    await next();
    await stop();
  });

  test(`${driver}: a device that can not be connected ends no link to another; then a fresh child is taken (HAWK-57)`, async (t) => {
    const air = await testAir(t, [device(one), device(other, { unreachable: true })]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const link = await adapter.connect(one, gatt, limits);
    const { child } = adapter;
    await assert.rejects(adapter.connect(other, gatt, impatient), LinkError);
    const answered = new Promise<void>((resolve) => link.onData((bytes) => bytes.some(Boolean) && resolve()));
    await link.send(poll);
    await answered;
    await link.close();
    assert.equal(await link.closed, undefined);
    const again = await adapter.connect(one, gatt, limits);
    assert.notEqual(adapter.child, child);
    await again.close();
    await adapter.close();
    assert.deepEqual(air.controller.state, idle);
  });

  test(`${driver}: two links at a time each get their own notifications (HAWK-57)`, async (t) => {
    const air = await testAir(t, [device(one), device(other)]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const links = await Promise.all([one, other].map((id) => adapter.connect(id, gatt, limits)));
    assert.deepEqual([...air.controller.state.connections].sort(), [one, other]);
    await Promise.all(
      links.map(async (link) => {
        const answered = new Promise<void>((resolve) => link.onData((bytes) => bytes.some(Boolean) && resolve()));
        await link.send(poll);
        await answered;
        await link.close();
      }),
    );
    await adapter.close();
    assert.deepEqual(air.controller.state, idle);
  });
}
