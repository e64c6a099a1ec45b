import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAdvertisedReading } from '../../../src/protocols/bms/bm-advertisement.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { bmPeripheral } from '../../../src/simulators/ble/bm.ts';
import { crowd } from '../../../src/simulators/ble/crowd.ts';
import type { Adapter } from '../../../src/transports/ble/adapter.ts';
import type { Sighting } from '../../../src/transports/ble/messages.ts';
import { drivers, testAdapter, testAir } from '../../support/bluetooth.ts';

/** Scans until what was seen satisfies `enough`. */
async function scanUntil(adapter: Adapter, enough: (seen: ReadonlyMap<string, Sighting>) => boolean) {
  const seen = new Map<string, Sighting>();
  let told = 0;
  let wake = (): void => {};
  const complete = new Promise<void>((resolve) => {
    wake = resolve;
  });
  // The first devices may be told before it is known that the scan has begun.
  const stop = await adapter.scan((sighting) => {
    told++;
    seen.set(sighting.id, sighting);
    if (enough(seen)) wake();
  });
  await complete;
  await stop();
  return { seen, told };
}

for (const driver of drivers) {
  test(`${driver}: what a device says in several advertisements is told as one device`, async (t) => {
    const device = bmPeripheral({ family: 'bm6', clock: systemClock });
    const air = await testAir(t, [device]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const { seen } = await scanUntil(adapter, (found) => found.get(device.address)?.manufacturerData.length === 2);
    const sighting = seen.get(device.address)!;
    assert.equal(sighting.name, 'BM6');
    assert.equal(sighting.rssi, -60);
    assert.deepEqual(sighting.services, ['fff0']);
    assert.equal(sighting.connectable, true);
    assert.equal(seen.size, 1);
    await air.until(({ controller }) => !controller.state.scanning);
  });

  test(`${driver}: a new reading takes the place of the old one, whatever identifier it pretends to have`, async (t) => {
    let voltage = 12.5;
    const values = () => ({ voltage, charge: 80, temperature: 20, state: 'normal' });
    const device = bmPeripheral({ family: 'bm6', clock: systemClock, values });
    const air = await testAir(t, [device]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const read = ({ manufacturerData }: Sighting) =>
      manufacturerData.flatMap((one) => decodeAdvertisedReading(Buffer.from(one, 'hex'), device.address)?.fields ?? []);
    const wanted = [12.5, 12.6, 12.7];
    const got: number[] = [];
    await scanUntil(adapter, (found) => {
      const readings = read(found.get(device.address)!);
      assert.ok(readings.length <= 1, 'never two readings at once');
      const [reading] = readings;
      if (reading && reading.voltage !== got.at(-1)) {
        got.push(reading.voltage!);
        voltage = wanted[got.length] ?? voltage;
      }
      return got.length === wanted.length;
    });
    assert.deepEqual(got, wanted);
  });

  test(`${driver}: a device that answers no scan request is found too`, async (t) => {
    const device = bmPeripheral({ family: 'bm2', clock: systemClock, faults: { noScanResponse: true } });
    const air = await testAir(t, [device]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const { seen } = await scanUntil(adapter, (found) => found.has(device.address));
    assert.equal(seen.get(device.address)!.name, 'Battery Monitor');
  });

  test(`${driver}: two hundred neighbours are seen, each told now and then, not ten times a second`, async (t) => {
    const device = bmPeripheral({ family: 'bm6', clock: systemClock });
    const air = await testAir(t, [...crowd(200), device], { interval: 100 });
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const begin = systemClock.monotonic();
    const complete = (found: ReadonlyMap<string, Sighting>): boolean =>
      found.size === 201 && [...found.values()].every(({ name }) => name !== undefined);
    const { seen, told } = await scanUntil(adapter, complete);
    const halfSeconds = 1 + (systemClock.monotonic() - begin) / 500;
    assert.ok(told <= 201 * (2 + halfSeconds), `${told} tellings of ${seen.size} devices`);
  });

  test(`${driver}: a child that has seen many addresses is replaced, and the scan goes on`, async (t) => {
    const air = await testAir(t, crowd(30));
    if (!air) return;
    const adapter = await testAdapter(air, { driver, mostAddresses: 20 });
    const first = adapter.child;
    let replaced = false;
    await scanUntil(adapter, (found) => {
      replaced ||= adapter.child !== undefined && adapter.child !== first;
      return replaced && found.size === 30;
    });
    assert.match(adapter.ctx.said.join('\n'), /replaced: it has seen many devices/);
  });
}
