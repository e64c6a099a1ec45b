import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codec as bm6 } from '../../../src/protocols/bms/bm6.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { bmPeripheral } from '../../../src/simulators/ble/bm.ts';
import { drivers, limits, testAdapter, testAir } from '../../support/bluetooth.ts';

const values = () => ({ voltage: 12.61, charge: 85, temperature: -7, state: 'normal' });

for (const driver of drivers) {
  test(`${driver}: finds a device, connects, subscribes, writes, gets its notifications, and leaves nothing on`, async (t) => {
    const device = bmPeripheral({ family: 'bm6', clock: systemClock, values });
    const air = await testAir(t, [device]);
    if (!air) return;
    const adapter = await testAdapter(air, { driver });
    const link = await adapter.connect(device.address, bm6.gatt!, limits);
    assert.equal(air.controller.state.scanning, false, 'no scan goes on while connected');
    const parser = bm6.parser({});
    const [request] = Array.from(bm6.reading.requests({}));
    const fields = await new Promise((resolve) => {
      link.onData((bytes) => {
        const frames = parser.push(bytes).frames.filter((frame) => request!.accepts(frame));
        if (frames.length > 0) resolve(bm6.reading.decode(frames, {}));
      });
      void link.send(request!.bytes!);
    });
    assert.deepEqual(fields, { fields: { voltage: 12.61, state_of_charge: 85, temperature: -7, state: 'normal' } });
    assert.equal(link.mtu, 247);
    await link.close();
    assert.equal(await link.closed, undefined);
    await air.until(({ controller }) => controller.state.connections.length === 0);
    await adapter.close();
    assert.deepEqual(air.controller.state, { scanning: false, connecting: false, connections: [] });
  });
}
