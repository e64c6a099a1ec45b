import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hour, minute, second, world } from './world.ts';

const a = '50:54:7B:00:00:0A';
const b = '50:54:7B:00:00:0B';
const c = '50:54:7B:00:00:0C';
const ble = (mac_address: string) => ({ mac_address });

describe('pace', () => {
  test('each device is read at its own interval, an hour unless said, whatever the others do (HAWK-08, HAWK-09, HAWK-101)', async () => {
    const it = world();
    await it.add(ble(a));
    await it.add(ble(b), { polling_interval: 600 });
    await it.add({ port: '/dev/ttyUSB0', id: 'pack' }, { polling_interval: 10 });
    it.start();
    await it.clock.advance(2 * hour + minute + second);
    const count = (id: string): number => it.of('battery_reading').filter((record) => record.device_id === id).length;
    assert.deepEqual([count(a), count(b), count('pack')], [3, 13, 727]);
    it.stop();
  });

  test('at the start every device that is set up is read at once, one that was only discovered is not (HAWK-96)', async () => {
    const it = world();
    await it.add(ble(a));
    await it.registry.discoverAll([ble(b)]);
    await it.add(ble(c));
    it.start();
    await it.clock.advance(second);
    assert.deepEqual(
      it.of('battery_reading').map(({ device_id }) => device_id),
      [a, c],
    );
    it.stop();
  });

  test('a poll that takes long shifts none after it, and those that it covers are missed, and said once', async () => {
    const it = world();
    await it.add({ port: '/dev/ttyUSB0', id: 'pack' }, { polling_interval: 10 });
    it.start();
    await it.clock.advance(5 * second);
    it.answers.pack = { takes: 25 * second };
    await it.clock.advance(30 * second + 100);
    it.answers.pack = {};
    await it.clock.advance(60 * second);
    assert.deepEqual(
      it.tries.map((line) => line.split(' ')[1]),
      ['0', '10', '40', '50', '60', '70', '80', '90'],
    );
    assert.deepEqual(it.polls, { 'pack read': 8, 'pack failed': 0, 'pack missed': 2 });
    assert.equal(it.log.filter((line) => line.includes('polls are missed')).length, 1);
    assert.equal(it.log.filter((line) => line.includes('pack: is read in time again')).length, 1);
    it.stop();
  });

  test('polls that fall into an outage are missed, too, but nothing was slow', async () => {
    const it = world();
    await it.add({ port: '/dev/ttyUSB0', id: 'pack' }, { polling_interval: 10 });
    it.answers.pack = { fault: 'no answer' };
    it.start();
    await it.clock.advance(50 * second);
    it.answers.pack = {};
    await it.clock.advance(60 * second);
    assert.equal(it.polls['pack missed'], 6);
    const said = it.log.join('\n');
    assert.match(said, /pack: 6 polls were missed while it was not reached/);
    assert.doesNotMatch(said, /takes longer|read in time/);
    it.stop();
  });

  test('a reading carries the system time in UTC and the names of the registry (HAWK-102, HAWK-118)', async () => {
    const it = world();
    await it.add({ ...ble(a), friendly_name: 'Starter' });
    it.start();
    await it.clock.advance(second);
    assert.deepEqual(it.of('battery_reading'), [
      {
        type: 'battery_reading',
        time: '2026-03-01T12:00:00.100Z',
        device_id: a,
        device_name: 'Starter',
        device_type: 'bm6',
        vehicle_id: 'vehicle_1',
        vehicle_name: 'Vehicle 1',
        voltage: 12.5,
      },
    ]);
    assert.equal(it.content().devices[a]?.device_type, 'BM6', 'what it turned out to be is kept');
    it.stop();
  });

  test('a device that is moved carries its new vehicle from then on; what was put out stays as it was (HAWK-119, HAWK-120)', async () => {
    const it = world();
    await it.add(ble(a), { polling_interval: 60 });
    await it.add(ble(b));
    const fleet = it.start();
    await it.clock.advance(second);
    await it.registry.update((draft) => {
      draft.devices[a]!.vehicle_id = 'vehicle_2';
    });
    fleet.reload();
    await it.clock.advance(minute);
    const vehicles = it
      .of('battery_reading')
      .filter(({ device_id }) => device_id === a)
      .map(({ vehicle_name }) => vehicle_name);
    assert.deepEqual(vehicles, ['Vehicle 1', 'Vehicle 2']);
    it.stop();
  });
});

describe('connections', () => {
  test('Bluetooth devices are read one after the other, in the order in which they came (HAWK-25, HAWK-57, HAWK-99, HAWK-146)', async () => {
    const it = world();
    for (const id of [c, a, b]) await it.add(ble(id));
    it.start();
    await it.clock.advance(second);
    assert.deepEqual(it.tries, [`${c} 0`, `${a} 0.1`, `${b} 0.2`]);
    assert.equal(it.crowd(), 1);
    it.stop();
  });

  test('so many at a time as are allowed', async () => {
    const it = world();
    for (let n = 10; n < 20; n++) await it.add(ble(`50:54:7B:00:00:${n}`));
    it.start({ maxConnections: 3 });
    await it.clock.advance(second);
    assert.equal(it.crowd(), 3);
    assert.equal(it.of('battery_reading').length, 10);
    it.stop();
  });

  test('packs on several ports are read at the same time, those on one port are not', async () => {
    const it = world();
    await it.add({ port: '/dev/ttyUSB0', board: 1 });
    await it.add({ port: '/dev/ttyUSB0', board: 2 });
    await it.add({ port: '/dev/ttyUSB1' });
    it.start();
    await it.clock.advance(second);
    assert.deepEqual(it.tries, ['serial-ttyUSB0-1 0', 'serial-ttyUSB1 0', 'serial-ttyUSB0-2 0.1']);
    it.stop();
  });
});

test('two spellings of one port are one port', async () => {
  const it = world();
  await it.add({ port: 'tcp://127.0.0.1:4001', id: 'one' });
  await it.add({ port: 'tcp://127.0.0.1:4001/', id: 'two' });
  it.start();
  await it.clock.advance(second);
  assert.deepEqual(it.tries, ['one 0', 'two 0.1']);
  it.stop();
});

describe('a device that can not be reached', () => {
  test('is tried three times a minute apart, then left alone for five minutes (HAWK-97, HAWK-98, HAWK-104, C-11)', async () => {
    const it = world();
    await it.add(ble(a));
    it.answers[a] = { fault: 'no answer', takes: 0 };
    it.start();
    await it.clock.advance(10 * minute);
    assert.deepEqual(
      it.tries.map((line) => Number(line.split(' ')[1])),
      [0, 60, 120, 420, 480, 540],
    );
    it.stop();
  });

  test('the waits grow with --backoff, and each device has its own numbers (HAWK-147, C-11)', async () => {
    const it = world();
    await it.add(ble(a), { retry_attempts: 4, retry_interval: 10, reconnection_delay: 100 });
    it.answers[a] = { fault: 'no answer', takes: 0 };
    it.start({ backoff: 2 });
    await it.clock.advance(180 * second);
    assert.deepEqual(
      it.tries.map((line) => Number(line.split(' ')[1])),
      [0, 10, 30, 70, 170, 180],
    );
    it.stop();
  });

  test('its status is told with each change and kept in the registry (HAWK-88, HAWK-94, HAWK-100)', async () => {
    const it = world();
    await it.add(ble(a), { polling_interval: 600 });
    it.start();
    await it.clock.advance(second);
    it.answers[a] = { fault: 'held by a phone' };
    await it.clock.advance(10 * minute);
    assert.equal(it.content().devices[a]?.status, 'disconnected');
    await it.clock.advance(3 * minute);
    assert.equal(it.content().devices[a]?.status, 'error');
    it.answers[a] = {};
    await it.clock.advance(10 * minute);
    assert.equal(it.content().devices[a]?.status, 'connected');
    assert.deepEqual(
      it.of('device_status').map(({ status, reason }) => [status, reason]),
      [
        ['configured', undefined],
        ['connected', undefined],
        ['disconnected', 'held by a phone'],
        ['error', 'held by a phone'],
        ['connected', undefined],
      ],
    );
    it.stop();
  });

  test('the registry says configured from the start of a run, and again at its end: nobody reads it then (HAWK-94, HAWK-100)', async () => {
    const it = world();
    await it.add(ble(a), { polling_interval: 600 });
    await it.add(ble(b), { polling_interval: 600 });
    await it.registry.update((draft) => {
      draft.devices[a]!.status = 'connected';
      draft.devices[b]!.status = 'error';
    });
    it.answers[a] = { takes: 10 * second };
    const fleet = it.start({ maxConnections: 2 });
    await it.clock.advance(second);
    assert.equal(it.content().devices[a]?.status, 'configured');
    assert.equal(it.content().devices[b]?.status, 'connected');
    await it.clock.advance(10 * second);
    assert.equal(it.content().devices[a]?.status, 'connected');
    it.stop();
    await fleet.done;
    assert.deepEqual([it.content().devices[a]?.status, it.content().devices[b]?.status], ['configured', 'configured']);
  });

  test('one round leaves in the registry what came of it', async () => {
    const it = world();
    await it.add(ble(a));
    const fleet = it.start({ once: true });
    await it.clock.advance(second);
    assert.equal(await fleet.done, true);
    assert.equal(it.content().devices[a]?.status, 'connected');
  });

  test('a status has the device_type that its readings have, whatever dialect the registry names', async () => {
    const it = world();
    await it.add({ port: '/dev/ttyUSB0', id: 'pack', device_type: 'daly-d2' });
    it.start();
    await it.clock.advance(second);
    assert.deepEqual([...new Set(it.of('device_status').map(({ device_type }) => device_type))], ['daly']);
    assert.equal(it.content().devices.pack?.device_type, 'DALY-D2', 'which is how it is asked');
    it.stop();
  });

  test('a device that was connected in an earlier run is told as configured until it is read in this one', async () => {
    const it = world();
    await it.add(ble(a), { polling_interval: 600 });
    await it.registry.update((draft) => {
      draft.devices[a]!.status = 'connected';
    });
    it.answers[a] = { fault: 'not seen in 20 s' };
    it.start();
    await it.clock.advance(second);
    assert.deepEqual(
      it.of('device_status').map(({ status, reason }) => [status, reason]),
      [
        ['configured', undefined],
        ['disconnected', 'not seen in 20 s'],
      ],
    );
    it.stop();
  });

  test('does not hold up the others, and what is expected is said at INFO, once (HAWK-138, HAWK-141)', async () => {
    const it = world();
    await it.add(ble(a), { polling_interval: 60 });
    await it.add(ble(b), { polling_interval: 60 });
    it.answers[a] = { fault: 'no answer', takes: 0 };
    it.start();
    await it.clock.advance(30 * minute + second);
    assert.equal(it.of('battery_reading').filter(({ device_id }) => device_id === b).length, 31);
    const warnings = it.log.filter((line) => line.includes('warning'));
    assert.equal(warnings.length, 1, warnings.join('\n'));
    assert.match(warnings[0]!, /suspended: no answer/);
    assert.ok(it.log.some((line) => /try 1 of 3: no answer/.test(line) && !line.includes('warning')));
    // Three tries a minute apart, five minutes of rest.
    assert.equal(it.polls[`${a} failed`], 15);
    assert.deepEqual([it.polls[`${a} read`], it.polls[`${a} missed`]], [0, 0], 'they are there before they count');
    assert.deepEqual([it.polls[`${b} read`], it.polls[`${b} failed`], it.polls[`${b} missed`]], [31, 0, 0]);
    it.stop();
  });

  test('is read again as soon as a search sees it (HAWK-104)', async () => {
    const it = world();
    await it.add(ble(a), { reconnection_delay: 3600 });
    it.answers[a] = { fault: 'no answer', takes: 0 };
    it.scan.found = [ble(a)];
    it.start({ scanInterval: 10 * minute });
    await it.clock.advance(5 * minute);
    it.answers[a] = {};
    await it.clock.advance(4 * minute);
    assert.equal(it.of('battery_reading').length, 0);
    await it.clock.advance(2 * minute);
    assert.equal(it.of('battery_reading').length, 1);
    it.stop();
  });
});

describe('readiness', () => {
  test('a fleet none of whose devices is reached is not ready, and ready with the next reading', async () => {
    const it = world();
    await it.add(ble(a), { polling_interval: 60, friendly_name: 'Starter' });
    await it.add(ble(b), { polling_interval: 600 });
    for (const id of [a, b]) it.answers[id] = { fault: 'no answer' };
    it.start();
    await it.clock.advance(second);
    assert.deepEqual(it.health, ['none of 2 devices is reached']);
    it.answers[a] = {};
    await it.clock.advance(minute);
    assert.equal(it.health.at(-1), 'alive for 1080 s', 'three of its intervals and a quarter of an hour');
    it.answers[a] = { fault: 'held by a phone' };
    await it.clock.advance(5 * minute);
    assert.equal(it.health.at(-1), 'none of 2 devices is reached');
    it.stop();
  });

  test('one device that is reached is enough; a single one says why it is not', async () => {
    const it = world();
    await it.add(ble(a), { polling_interval: 60 });
    await it.add(ble(b), { polling_interval: 60 });
    it.answers[b] = { fault: 'no answer' };
    const fleet = it.start();
    await it.clock.advance(10 * minute);
    assert.ok(it.health.length > 5 && it.health.every((said) => said.startsWith('alive')), it.health.join());
    await it.registry.update((draft) => {
      delete draft.devices[a];
    });
    fleet.reload();
    await it.clock.advance(5 * minute);
    assert.equal(it.health.at(-1), 'no answer');
    await it.registry.update((draft) => {
      delete draft.devices[b];
    });
    fleet.reload();
    assert.equal(it.health.at(-1), 'alive', 'without a device there is nothing to prove');
    it.stop();
  });
});

describe('discovery', () => {
  test('there is a search at the start and one every twelve hours; what is new is stored and told, and not polled (HAWK-92, HAWK-93, HAWK-95)', async () => {
    const it = world();
    it.scan.found = [{ ...ble(a), device_type: 'bm6' }];
    it.start({ initialScan: true, scanInterval: 12 * hour });
    await it.clock.advance(25 * hour);
    assert.deepEqual(it.scan.times, [0, 43_200, 86_400]);
    assert.equal(it.content().devices[a]?.status, 'discovered');
    assert.equal(it.content().devices[a]?.vehicle_id, 'vehicle_1');
    assert.deepEqual(
      it.of('device_status').map(({ device_id, status }) => [device_id, status]),
      [[a, 'discovered']],
    );
    assert.deepEqual(it.tries, []);
    it.stop();
  });

  test('a search waits until nobody is being read over the same radio', async () => {
    const it = world();
    await it.add(ble(a));
    it.answers[a] = { takes: 3 * second };
    it.start({ initialScan: true });
    await it.clock.advance(minute);
    assert.deepEqual(it.scan.times, [3]);
    it.stop();
  });
});

describe('a registry that changes', () => {
  test('new devices are polled, removed ones no longer, changed ones at their new pace, without a restart (HAWK-11, HAWK-112)', async () => {
    const it = world();
    await it.add(ble(a), { polling_interval: 60 });
    await it.add(ble(b), { polling_interval: 60 });
    const fleet = it.start();
    await it.clock.advance(90 * second);
    await it.add(ble(c), { polling_interval: 60 });
    await it.registry.update((draft) => {
      delete draft.devices[a];
      draft.devices[b]!.polling_interval = 10;
    });
    fleet.reload();
    assert.equal(fleet.size, 2);
    it.tries.length = 0;
    await it.clock.advance(25 * second);
    assert.deepEqual(
      it.tries.map((line) => line.split(' ')[0]),
      [c, b, b, b],
    );
    it.stop();
  });

  test('a discovered device is polled from when it is set up', async () => {
    const it = world();
    await it.registry.discoverAll([ble(a)]);
    const fleet = it.start();
    await it.clock.advance(minute);
    await it.registry.update((draft) => {
      draft.devices[a]!.status = 'configured';
    });
    fleet.reload();
    await it.clock.advance(minute);
    assert.deepEqual(
      it.of('device_status').map(({ status }) => status),
      ['discovered', 'configured', 'connected'],
    );
    assert.equal(it.of('battery_reading').length, 1);
    it.stop();
  });

  test('other options are taken up, too: intervals count from when a thing was done last (HAWK-112)', async () => {
    const it = world();
    await it.add(ble(a));
    await it.add(ble(b));
    const usual = { once: false, maxConnections: 1, backoff: 1, initialScan: false };
    const fleet = it.start({ ...usual, scanInterval: 12 * hour, statusInterval: 0 });
    await it.clock.advance(30 * minute);
    fleet.configure({ ...usual, maxConnections: 2, scanInterval: hour, statusInterval: 10 * minute });
    await it.clock.advance(31 * minute);
    assert.deepEqual(it.scan.times.map(Math.floor), [3600]);
    assert.deepEqual(
      it.of('system_status').map((record) => it.at(record)),
      [1800, 2400, 3000, 3600],
    );
    assert.equal(it.crowd(), 2);
    fleet.configure({ ...usual, scanInterval: 0, statusInterval: 0 });
    await it.clock.advance(5 * hour);
    assert.equal(it.scan.times.length, 1);
    it.stop();
    assert.equal(await fleet.done, true);
  });

  test('another type is tried at once, not when a pause or an interval of an hour is over', async () => {
    const it = world();
    await it.add({ ...ble(a), device_type: 'bm2' });
    it.answers[a] = { fault: 'no answer', takes: 0 };
    const fleet = it.start();
    await it.clock.advance(3 * minute);
    await it.registry.update((draft) => {
      draft.devices[a]!.device_type = 'BM6';
    });
    it.answers[a] = {};
    fleet.reload();
    await it.clock.advance(second);
    assert.equal(it.of('battery_reading').length, 1);
    it.stop();
  });

  test('a device that is changed in the middle of a reading is read anew once that has let go of it', async () => {
    const it = world();
    await it.add(ble(a), { polling_interval: 60 });
    it.answers[a] = { takes: 5 * second, lingers: 3 * second };
    const fleet = it.start({ maxConnections: 2 });
    for (const interval of [30, 20]) {
      await it.clock.advance(second);
      await it.registry.update((draft) => {
        draft.devices[a]!.polling_interval = interval;
      });
      fleet.reload();
    }
    await it.clock.advance(30 * second);
    assert.equal(it.crowd(), 1, 'one connection at a time');
    assert.deepEqual(it.tries, [`${a} 0`, `${a} 4`, `${a} 24`]);
    it.stop();
  });

  test('what the fleet itself writes down changes nothing', async () => {
    const it = world();
    await it.add(ble(a), { polling_interval: 60 });
    const fleet = it.start();
    await it.clock.advance(second);
    fleet.reload();
    fleet.reload();
    await it.clock.advance(minute);
    assert.deepEqual(it.tries, [`${a} 0`, `${a} 60`]);
    assert.deepEqual(
      it.of('device_status').map(({ status }) => status),
      ['configured', 'connected'],
    );
    it.stop();
  });
});

describe('summaries', () => {
  test('after each round there is one of each vehicle: devices, lowest voltage and charge, oldest reading (HAWK-89)', async () => {
    const it = world();
    await it.add(ble(a), { polling_interval: 600 });
    await it.add({ ...ble(b), vehicle: 'vehicle_1' }, { polling_interval: 600 });
    await it.add(ble(c), { polling_interval: 600 });
    it.answers[a] = { fields: { voltage: 12.1, state_of_charge: 40 } };
    it.answers[b] = { fields: { voltage: 13.2 } };
    it.answers[c] = { fault: 'no answer', takes: 0 };
    it.start();
    await it.clock.advance(minute / 2);
    assert.deepEqual(it.of('vehicle_summary'), [
      {
        type: 'vehicle_summary',
        time: '2026-03-01T12:00:00.200Z',
        vehicle_id: 'vehicle_1',
        vehicle_name: 'Vehicle 1',
        device_count: 2,
        lowest_voltage: 12.1,
        lowest_state_of_charge: 40,
        oldest_reading: '2026-03-01T12:00:00.100Z',
      },
    ]);
    await it.clock.advance(10 * minute);
    const count = (id: string): number => it.of('vehicle_summary').filter(({ vehicle_id }) => vehicle_id === id).length;
    assert.equal(count('vehicle_1'), 2);
    const [other] = it.of('vehicle_summary').filter(({ vehicle_id }) => vehicle_id === 'vehicle_2');
    assert.deepEqual(
      { ...other, time: '' },
      { type: 'vehicle_summary', time: '', vehicle_id: 'vehicle_2', vehicle_name: 'Vehicle 2', device_count: 1 },
    );
    it.stop();
  });

  test('the system says at intervals how many devices are in which state, its uptime and its version (HAWK-90)', async () => {
    const it = world();
    await it.add(ble(a));
    await it.add(ble(b));
    await it.registry.discoverAll([ble(c)]);
    it.answers[b] = { fault: 'no answer', takes: 0 };
    it.start({ statusInterval: minute });
    await it.clock.advance(3 * minute);
    const [first, , third] = it.of('system_status');
    assert.deepEqual(first?.devices, { discovered: 1, connected: 1, disconnected: 1 });
    assert.deepEqual(third?.devices, { discovered: 1, connected: 1, error: 1 });
    assert.equal(first?.uptime, 60);
    assert.equal(third?.version, '0.0.0-test');
    it.stop();
  });
});

describe('one round', () => {
  test('ends when each device has been read or given up, with a summary and the status of all', async () => {
    const it = world();
    await it.add(ble(a));
    await it.add(ble(b));
    it.answers[b] = { fault: 'no answer', takes: 0 };
    const fleet = it.start({ once: true });
    await it.clock.advance(2 * minute + second);
    assert.equal(await fleet.done, false);
    assert.deepEqual(it.tries.length, 4);
    assert.deepEqual(it.records.at(-1)?.devices, { connected: 1, error: 1 });
    const clean = world();
    await clean.add(ble(a));
    const one = clean.start({ once: true });
    await clean.clock.advance(second);
    assert.equal(await one.done, true);
    assert.deepEqual(
      clean.records.map(({ type }) => type),
      ['device_status', 'battery_reading', 'device_status', 'vehicle_summary', 'system_status'],
    );
  });
});

test('a registry that can not be written is said once, and the batteries are read all the same', async () => {
  const it = world();
  await it.add(ble(a), { polling_interval: 60 });
  it.registry.update = () => Promise.reject(new Error('disk full'));
  it.start();
  await it.clock.advance(5 * minute + second);
  assert.equal(it.of('battery_reading').length, 6);
  assert.equal(it.log.filter((line) => line.includes('warning') && line.includes('disk full')).length, 1);
  it.stop();
});
