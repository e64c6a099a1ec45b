import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { identityOf } from '../../src/registry/content.ts';
import { deviceStatuses } from '../../src/registry/device.ts';
import { migrate } from '../../src/registry/document.ts';
import { RegistryError, type RegistryFault } from '../../src/registry/error.ts';
import { bluetoothAddress, packId } from '../../src/registry/identity.ts';
import { openRegistry, type Registry } from '../../src/registry/store.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { CommandError } from '../../src/runtime/exit.ts';
import { fakeClock } from '../support/clock.ts';
import { temporaryFolder } from '../support/shell.ts';

const mac = '50:54:7B:00:00:01';
const now = '2026-03-01T12:00:00.000Z';

function fresh(): { dir: string; registry: Registry; file(name: string): unknown } {
  const dir = temporaryFolder('registry');
  return {
    dir,
    registry: openRegistry({ dataDir: dir, clock: fakeClock(now) }),
    file: (name) => JSON.parse(readFileSync(join(dir, `${name}.json`), 'utf8')),
  };
}

const refused = (fault: RegistryFault) => (error: unknown) => error instanceof RegistryError && error.fault === fault;
const ends = (status: number, text: RegExp) => (error: unknown) =>
  error instanceof CommandError && error.status === status && text.test(`${error.message} ${error.next}`);

describe('the files of the registry', () => {
  test('a discovered device is stored with every key of the requirement and its defaults (HAWK-40 to HAWK-50, HAWK-95)', async () => {
    const { registry, file } = fresh();
    await registry.discover({ mac_address: mac.toLowerCase(), device_type: 'bm6' });
    assert.deepEqual(file('devices'), {
      version: '1.0',
      devices: {
        [mac]: {
          mac_address: mac,
          device_type: 'BM6',
          friendly_name: 'BM6 0001',
          vehicle_id: 'vehicle_1',
          status: 'discovered',
          discovered_at: now,
          polling_interval: 3600,
          connection_config: { retry_attempts: 3, retry_interval: 60, reconnection_delay: 300 },
        },
      },
    });
  });

  test('each discovered device gets a vehicle "Vehicle N", with its date and its count of devices (HAWK-51, HAWK-52, HAWK-116, HAWK-117, C-13)', async () => {
    const { registry, file } = fresh();
    await registry.discover({ mac_address: mac });
    await registry.discover({ mac_address: '50:54:7B:00:00:02' });
    assert.deepEqual(file('vehicles'), {
      version: '1.0',
      vehicles: {
        vehicle_1: { name: 'Vehicle 1', created_at: now, device_count: 1 },
        vehicle_2: { name: 'Vehicle 2', created_at: now, device_count: 1 },
      },
    });
  });

  test('setting a device up says when, and changes no other device (HAWK-46, HAWK-101)', async () => {
    const { registry } = fresh();
    await registry.discoverAll([{ mac_address: mac }, { mac_address: '50:54:7B:00:00:02' }]);
    await registry.configureDevice(mac, { polling_interval: 600, retry_attempts: 5 });
    const { devices } = registry.read();
    assert.equal(devices[mac]?.status, 'configured');
    assert.equal(devices[mac]?.configured_at, now);
    assert.equal(devices[mac]?.polling_interval, 600);
    assert.equal(devices[mac]?.connection_config.retry_attempts, 5);
    assert.equal(devices['50:54:7B:00:00:02']?.status, 'discovered');
    assert.equal(devices['50:54:7B:00:00:02']?.polling_interval, 3600);
  });

  test('a device seen again stays as it was set up', async () => {
    const { registry } = fresh();
    await registry.discover({ mac_address: mac });
    await registry.configureDevice(mac, { friendly_name: 'Starter' });
    const again = await registry.discover({ mac_address: mac, device_type: 'bm6' });
    assert.deepEqual(again, { id: mac, isNew: false });
    assert.equal(registry.read().devices[mac]?.friendly_name, 'Starter');
    assert.equal(registry.read().devices[mac]?.device_type, 'BM6');
  });

  test('a serial pack stands beside a Bluetooth one, with its port and board', async () => {
    const { registry } = fresh();
    await registry.discover({ mac_address: mac });
    const id = await registry.addDevice({ port: '/dev/serial/by-id/usb-FTDI_A1-if00', board: 2, device_type: 'daly' });
    assert.equal(id, 'serial-usb-FTDI_A1-if00-2');
    const { port, board, mac_address } = registry.read().devices[id]!;
    assert.deepEqual(
      { port, board, mac_address },
      { port: '/dev/serial/by-id/usb-FTDI_A1-if00', board: 2, mac_address: undefined },
    );
  });

  test('keys that this release does not know are kept', async () => {
    const { dir, registry, file } = fresh();
    writeFileSync(
      join(dir, 'devices.json'),
      JSON.stringify({ version: '1.1', note: 'x', devices: { [mac]: { mac_address: mac, colour: 'red' } } }),
    );
    await registry.configureDevice(mac, { friendly_name: 'A' });
    const written = file('devices') as { version: string; note: string; devices: Record<string, { colour: string }> };
    assert.equal(written.version, '1.1');
    assert.equal(written.note, 'x');
    assert.equal(written.devices[mac]?.colour, 'red');
  });
});

describe('vehicles', () => {
  test('several monitors can be in one vehicle, whose count follows (HAWK-06, HAWK-115)', async () => {
    const { registry } = fresh();
    await registry.discoverAll([{ mac_address: mac }, { mac_address: '50:54:7B:00:00:02' }]);
    await registry.assignDevice('50:54:7B:00:00:02', 'Vehicle 1');
    const { vehicles } = registry.read();
    assert.equal(vehicles.vehicle_1?.device_count, 2);
    assert.equal(vehicles.vehicle_2?.device_count, 0);
  });

  test('the number of a removed vehicle is not given away again (HAWK-117)', async () => {
    const { registry } = fresh();
    await registry.addVehicle();
    await registry.removeVehicle(await registry.addVehicle());
    assert.equal(await registry.addVehicle(), 'vehicle_3');
    assert.deepEqual(Object.keys(registry.read().vehicles), ['vehicle_1', 'vehicle_3']);
  });

  test('a vehicle is its name and nothing else, and is found by it (HAWK-114)', async () => {
    const { registry } = fresh();
    await registry.discover({ mac_address: mac });
    await registry.renameVehicle('Vehicle 1', 'Boat');
    const content = registry.read();
    assert.deepEqual(Object.keys(content.vehicles.vehicle_1!).sort(), ['created_at', 'device_count', 'name']);
    assert.equal(identityOf(content, mac).vehicle_name, 'Boat');
  });

  test('a vehicle with monitors in it is not removed', async () => {
    const { registry } = fresh();
    await registry.discover({ mac_address: mac });
    await assert.rejects(registry.removeVehicle('vehicle_1'), refused('in-use'));
    await registry.removeDevice(mac);
    assert.equal(await registry.removeVehicle('vehicle_1'), 'vehicle_1');
  });

  test('a vehicle_id of no vehicle is no fault: the device is in none', () => {
    const { dir, registry } = fresh();
    writeFileSync(
      join(dir, 'devices.json'),
      JSON.stringify({ devices: { [mac]: { mac_address: mac, vehicle_id: 'vehicle_9' } } }),
    );
    assert.deepEqual(identityOf(registry.read(), mac), { device_id: mac, device_name: mac });
  });
});

describe('the status of a device', () => {
  const allowed: Record<string, readonly string[]> = {
    discovered: ['configured'],
    configured: ['connected', 'disconnected', 'error'],
    connected: ['configured', 'disconnected', 'error'],
    disconnected: ['configured', 'connected', 'error'],
    error: ['configured', 'connected', 'disconnected'],
  };
  for (const from of deviceStatuses) {
    test(`from ${from} it becomes ${allowed[from]!.join(' or ')}, and nothing else (HAWK-94)`, async () => {
      for (const to of deviceStatuses.filter((status) => status !== from)) {
        const { dir, registry } = fresh();
        writeFileSync(
          join(dir, 'devices.json'),
          JSON.stringify({ devices: { [mac]: { mac_address: mac, status: from } } }),
        );
        if (allowed[from]!.includes(to)) assert.equal(await registry.setStatus(mac, to), true, `${from} → ${to}`);
        else await assert.rejects(registry.setStatus(mac, to), refused('transition'), `${from} → ${to}`);
      }
    });
  }

  test('the same status again writes nothing', async () => {
    const { dir, registry } = fresh();
    await registry.addDevice({ mac_address: mac });
    await registry.setStatus(mac, 'connected');
    const path = join(dir, 'devices.json');
    const text = readFileSync(path, 'utf8').replace('"connected"', '"connected" ');
    writeFileSync(path, text);
    assert.equal(await registry.setStatus(mac, 'connected'), false);
    assert.equal(readFileSync(path, 'utf8'), text);
  });
});

describe('what can not be', () => {
  test('a file that is not JSON is refused and stays as it is, whatever is to be changed', async () => {
    for (const name of ['devices.json', 'vehicles.json']) {
      for (const text of [
        '{"version": "1.0", "devices": {',
        '[]',
        '',
        '{"devices": [], "vehicles": []}',
        '{"devices": {"a": 1}, "vehicles": {"a": 1}}',
      ]) {
        const { dir, registry } = fresh();
        const path = join(dir, name);
        writeFileSync(path, text);
        assert.throws(() => registry.read(), ends(78, /was not touched/), text);
        await assert.rejects(registry.discover({ mac_address: mac }), ends(78, new RegExp(name)), text);
        assert.equal(readFileSync(path, 'utf8'), text);
        assert.equal(existsSync(join(dir, 'registry.lock')), false);
      }
    }
  });

  test('every key of a device that will not do is named at once', () => {
    const { dir, registry } = fresh();
    const device = { polling_interval: 'often', status: 'asleep', connection_config: { retry_attempts: 0 } };
    writeFileSync(join(dir, 'devices.json'), JSON.stringify({ devices: { [mac]: device } }));
    for (const key of ['polling_interval', 'status', 'retry_attempts', 'mac_address or port']) {
      assert.throws(() => registry.read(), ends(78, new RegExp(`${mac}\\.${key}`)));
    }
  });

  test('a registry of a newer version is refused with 78 and stays as it is (HAWK-111, HAWK-125)', async () => {
    for (const name of ['devices', 'vehicles']) {
      const { dir, registry, file } = fresh();
      writeFileSync(join(dir, `${name}.json`), `{"version":"2.0","${name}":{}}`);
      assert.throws(() => registry.read(), ends(78, /version 2\.0 is not known/));
      await assert.rejects(registry.discover({ mac_address: mac }), ends(78, /version 2\.0/));
      assert.deepEqual(file(name), { version: '2.0', [name]: {} });
    }
  });

  test('an older document is brought up step by step, and a step that is missing is said (HAWK-111)', () => {
    const steps = [
      { from: 1, apply: ({ devices, ...rest }: Record<string, unknown>) => ({ ...rest, monitors: devices }) },
      { from: 2, apply: (document: Record<string, unknown>) => ({ ...document, third: true }) },
    ];
    assert.deepEqual(migrate('x', { version: '1.0', devices: {} }, steps, '3.0'), {
      version: '3.0',
      monitors: {},
      third: true,
    });
    assert.throws(() => migrate('x', { version: '0.9' }, steps, '3.0'), ends(78, /too old/));
    assert.throws(() => migrate('x', { version: 'soon' }, steps, '3.0'), ends(78, /not known/));
  });

  test('unknown devices, unknown vehicles, fields that will not do and doubles are told apart', async () => {
    const { registry } = fresh();
    await registry.addDevice({ mac_address: mac });
    await assert.rejects(registry.configureDevice('x', {}), refused('unknown-device'));
    await assert.rejects(registry.assignDevice(mac, 'x'), refused('unknown-vehicle'));
    await assert.rejects(registry.configureDevice(mac, { polling_interval: 0 }), refused('invalid'));
    await assert.rejects(registry.addDevice({ mac_address: mac }), refused('exists'));
    await assert.rejects(registry.addDevice({ mac_address: 'nonsense' }), refused('invalid'));
    await assert.rejects(registry.addDevice({ port: '/dev/ttyS0', id: 'a/../b' }), refused('invalid'));
  });
});

test('a change of the files is told to who watches, and one by another is read', { timeout: 60_000 }, async () => {
  const dir = temporaryFolder('registry');
  const registry = openRegistry({ dataDir: dir, clock: systemClock });
  const told = new Promise<void>((resolve) => {
    const stop = registry.watch(() => {
      stop();
      resolve();
    });
  });
  // Watching alone keeps nothing alive; a test waits.
  const alive = setInterval(() => {}, 1000);
  await openRegistry({ dataDir: dir, clock: systemClock }).discover({ mac_address: mac });
  await told;
  clearInterval(alive);
  assert.deepEqual(Object.keys(registry.read().devices), [mac]);
});

test('addresses are taken in every spelling, ids of packs are safe in a topic and a path', () => {
  for (const text of ['aa:bb:cc:dd:ee:0f', 'AA-BB-CC-DD-EE-0F', 'aabbccddee0f']) {
    assert.equal(bluetoothAddress(text), 'AA:BB:CC:DD:EE:0F');
  }
  for (const text of ['', 'aa:bb', '/dev/ttyUSB0', 'Starter']) assert.equal(bluetoothAddress(text), undefined);
  assert.equal(packId('/dev/ttyUSB0'), 'serial-ttyUSB0');
  assert.equal(packId('tcp://[fe80::1]:4001', 0), 'tcp-fe80__1-4001-0');
  assert.equal(packId('tcp://pack.example:4001'), 'tcp-pack_example-4001');
});
