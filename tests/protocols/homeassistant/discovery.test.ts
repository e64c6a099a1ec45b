import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnnouncer, type KnownDevices } from '../../../src/protocols/homeassistant/announcer.ts';
import type { ConfigSettings } from '../../../src/protocols/homeassistant/config.ts';
import { subjects } from '../../../src/protocols/homeassistant/device.ts';
import { entities } from '../../../src/protocols/homeassistant/entities.ts';
import { topicMaker } from '../../../src/protocols/mqtt/topics.ts';
import type { VoltRecord } from '../../../src/records/record.ts';
import { vocabulary } from '../../../src/records/vocabulary.ts';
import { discoveryFaults } from '../../support/homeassistant.ts';
import { rendered } from '../../support/jinja.ts';
import { vectorsIn } from '../../support/ndjson.ts';

const settings: ConfigSettings = {
  discoveryPrefix: 'homeassistant',
  statusTopic: 'battery_hawk/system/status',
  expireAfter: 3600,
  omit: new Set(),
  version: '1.2.3',
};
const topicOf = topicMaker({ prefix: 'battery_hawk', instance: 'system' });
const time = '2026-03-01T12:00:00.000Z';
const mac = 'AA:BB:CC:DD:EE:FF';
const hour = 3_600_000;

type Json = Record<string, unknown>;
interface Told {
  topic: string;
  payload: Json & { components: Record<string, Json>; device: Json };
}

function announcing(saved: KnownDevices = {}, more: Partial<ConfigSettings> = {}) {
  const collisions: string[][] = [];
  const announcer = createAnnouncer({ ...settings, ...more }, saved, (...ids) => void collisions.push(ids));
  let now = 0;
  const take = (record: VoltRecord): Told | undefined =>
    announcer.take(record, topicOf(record).topic, now) as Told | undefined;
  const pass = (ms: number): void => {
    now += ms;
  };
  return { take, announcer, collisions, pass };
}
const reading = (rest: object = { voltage: 12.7 }): VoltRecord => ({
  type: 'battery_reading',
  time,
  device_id: mac,
  device_type: 'bm6',
  ...rest,
});
const keys = (told: Told | undefined): string[] => Object.keys(told!.payload.components);

const vectors = vectorsIn<{ name: string; topic: string; payload: Json }>('homeassistant/devices.ndjson');

for (const { name, topic, payload } of vectors) {
  test(`the rules of Home Assistant take the recorded ${name}`, () => {
    assert.deepEqual(discoveryFaults(topic, payload), []);
  });
}

test('an engine start gives its monitor the lowest voltage of the last one, read from a topic of its own', () => {
  const { take } = announcing();
  take(reading());
  const start = {
    type: 'engine_start',
    time,
    device_id: mac,
    cranking_voltage: 9.4,
    voltage_before: 12.6,
    voltages: [12.6, 9.4],
  };
  const told = take(start)!;
  assert.deepEqual(discoveryFaults(told.topic, told.payload), []);
  assert.deepEqual(keys(told), ['voltage', 'cranking_voltage', 'voltage_before']);
  const { state_topic, unit_of_measurement } = told.payload.components['cranking_voltage']!;
  assert.deepEqual([state_topic, unit_of_measurement], [`battery_hawk/engine_start/${mac}`, 'V']);
});

const raised = (name: string, rest: object = {}): VoltRecord => ({
  type: 'alarm',
  time,
  device_id: mac,
  alarm: name,
  state: 'raised',
  value: 12.1,
  threshold: 12.2,
  since: time,
  ...rest,
});

test('each alarm of a device is an entity of its own, raised or cleared, in the device of its battery, vehicle or wallbox', () => {
  const { take, announcer } = announcing();
  take(reading());
  const first = take(raised('voltage<12.2'))!;
  assert.deepEqual(discoveryFaults(first.topic, first.payload), []);
  assert.equal(first.topic, 'homeassistant/device/voltpipe_AABBCCDDEEFF/config');
  const {
    value_template: _,
    json_attributes_template: __,
    ...component
  } = first.payload.components['alarm_voltage-3c-12-2e-2']!;
  assert.deepEqual(component, {
    platform: 'binary_sensor',
    name: 'Alarm voltage<12.2',
    device_class: 'battery',
    state_topic: `battery_hawk/alarm/${mac}/voltage_lt_12.2`,
    json_attributes_topic: `battery_hawk/alarm/${mac}/voltage_lt_12.2`,
    unique_id: 'voltpipe_AABBCCDDEEFF_alarm_voltage-3c-12-2e-2',
  });
  assert.equal((first.payload['availability'] as Json[]).length, 1);
  assert.equal(take(raised('voltage<12.2', { state: 'cleared' })), undefined, 'nothing about it is new');
  const second = take(raised('cell_imbalance', { state: 'cleared' }))!;
  assert.deepEqual(keys(second), ['voltage', 'alarm_voltage-3c-12-2e-2', 'alarm_cell_imbalance']);
  assert.equal(second.payload.components['alarm_cell_imbalance']!['name'], 'Alarm cell imbalance');

  const saved = JSON.parse(JSON.stringify(announcer.devices)) as KnownDevices;
  assert.deepEqual(announcing(saved).take(reading())!.payload, second.payload, 'a restart takes none away');

  const car = take(raised('soc<20', { device_id: undefined, vin: 'WBY1', vehicle_id: 'i3' }))!;
  assert.deepEqual([car.topic, keys(car)], ['homeassistant/device/voltpipe_WBY1/config', ['alarm_soc-3c-20']]);
  assert.deepEqual(discoveryFaults(car.topic, car.payload), []);
  const box = take(raised('power>11000', { device_id: undefined, charge_point: 'DE*1' }))!;
  assert.equal(box.topic, 'homeassistant/device/voltpipe_DE_1/config');
  assert.equal(take(raised('x', { device_id: undefined })), undefined);
});

test('an alarm of a battery that is low is shown as that, by the name that its condition gives it; every other one as a problem', () => {
  const { take } = announcing();
  const classOf = (name: string): unknown =>
    Object.values(take(raised(name))!.payload.components).at(-1)!['device_class'];
  for (const low of [
    'voltage<12.2',
    'voltage<=12',
    'state_of_charge<20',
    'soc<15',
    'aux_battery_voltage<12',
    'soc_low_1',
  ])
    assert.equal(classOf(low), 'battery', low);
  for (const other of ['voltage>15', 'voltage<-0.05/d', 'cell_delta>0.05', 'winter', 'temperature<5', 'soc==20'])
    assert.equal(classOf(other), 'problem', other);
});

test('names that differ in signs alone are different alarms; of two that share a topic the second is left out and told', () => {
  const { take, announcer } = announcing();
  const names = ['soc<20', 'soc<=20', 'soc>20', 'a b', 'ä', 'ö', '🚗<1'];
  for (const name of names) assert.ok(take(raised(name)), name);
  const told = announcing(announcer.devices).take(reading())!;
  assert.deepEqual(discoveryFaults(told.topic, told.payload), []);
  assert.equal(keys(told).length, names.length + 1);
  assert.ok(keys(told).every((key) => /^[\w-]+$/.test(key)));

  for (const saved of [{}, announcer.devices]) {
    const { take: next, collisions } = announcing(saved);
    next(raised('a b'));
    const both = next(raised('a_b'));
    assert.ok(both === undefined || !('alarm_a_b' in both.payload.components));
    assert.deepEqual(collisions, [[`alarm a b of ${mac}`, `alarm a_b of ${mac}`]]);
  }
});

test('alarms that are not wanted are taken out', () => {
  const before = announcing();
  before.take(reading());
  before.take(raised('voltage<12.2'));
  const after = announcing(before.announcer.devices, { omit: new Set(['alarm']) });
  const { components } = after.take(reading())!.payload;
  assert.deepEqual(components['alarm_voltage-3c-12-2e-2'], { platform: 'binary_sensor' });
});

test('statistics give their battery energies that grow, and cycles', () => {
  const { take } = announcing();
  take(reading());
  const told = take({
    type: 'battery_stats',
    time,
    device_id: mac,
    count: 1,
    since: time,
    charged_wh: 10,
    discharged_wh: 9,
    charge_cycles: 1,
    equivalent_cycles: 0.4,
    cell_delta_max: 0.02,
    voltage_avg: 12,
  })!;
  assert.deepEqual(discoveryFaults(told.topic, told.payload), []);
  const [, ...added] = keys(told);
  assert.deepEqual(added, ['charged_wh', 'discharged_wh', 'charge_cycles', 'equivalent_cycles', 'cell_delta_max']);
  const { state_topic, device_class, state_class, unit_of_measurement } = told.payload.components['charged_wh']!;
  assert.deepEqual(
    [state_topic, device_class, state_class, unit_of_measurement],
    [`battery_hawk/battery_stats/${mac}`, 'energy', 'total_increasing', 'Wh'],
  );
});

test('the rules of Home Assistant refuse what it would refuse or drop', () => {
  const good = announcing().take(reading())!;
  const broken = (change: (payload: Told['payload']) => void): string[] => {
    const payload = structuredClone(good.payload);
    change(payload);
    return discoveryFaults(good.topic, payload);
  };
  assert.deepEqual(
    broken(() => {}),
    [],
  );
  for (const change of [
    (p) => delete (p as Json)['origin'],
    (p) => delete p.device['identifiers'] && delete p.device['connections'],
    (p) => delete p.components['voltage']!['unique_id'],
    (p) => delete p.components['voltage']!['state_topic'],
    (p) => (p.components['voltage']!['unit_of_measurement'] = 'W'),
    (p) => (p.components['voltage']!['device_class'] = 'energy'),
    (p) => (p.components['voltage']!['entity_category'] = 'config'),
    (p) => (p.components['voltage']!['expires_after'] = 1),
  ] as ((payload: Told['payload']) => void)[]) {
    assert.notDeepEqual(broken(change), [], String(change));
  }
  assert.notDeepEqual(discoveryFaults('homeassistant/device/DE*1/config', good.payload), []);
});

test('a battery monitor is a device with the values of the recorded one: same classes, units and templates (HAWK-149, HAWK-151 to HAWK-154)', () => {
  const { payload } = vectors.find(({ name }) => name.endsWith('battery'))!;
  const wanted = (payload as unknown as Told['payload']).components;
  const values = { voltage: 12.7, current: -1.5, power: -19, temperature: 21, state_of_charge: 80, rssi: -60 };
  const { topic, payload: ours } = announcing().take(reading(values))!;
  assert.deepEqual(discoveryFaults(topic, ours), []);
  assert.equal(topic, 'homeassistant/device/voltpipe_AABBCCDDEEFF/config');
  assert.deepEqual(ours.device, {
    identifiers: ['voltpipe_AABBCCDDEEFF'],
    connections: [['bluetooth', mac]],
    name: 'Battery monitor EE:FF',
    manufacturer: 'Leagend',
    model: 'BM6',
  });
  for (const [key, component] of Object.entries(wanted)) {
    const mine = ours.components[key.slice(2)]!;
    for (const part of [
      'platform',
      'name',
      'device_class',
      'state_class',
      'unit_of_measurement',
      'value_template',
      'expire_after',
      'entity_category',
      'enabled_by_default',
    ]) {
      assert.deepEqual(mine[part], component[part], `${key}: ${part}`);
    }
    assert.equal(mine['state_topic'], payload['state_topic']);
    assert.equal(mine['unique_id'], `voltpipe_AABBCCDDEEFF_${key.slice(2)}`);
  }
  assert.equal(ours.components['power']?.['device_class'], 'power');
});

test('the wallbox has the sensors of the recorded one, by class and unit', () => {
  const { payload } = vectors.find(({ name }) => name.endsWith('wallbox'))!;
  const wanted = Object.entries((payload as unknown as Told['payload']).components).filter(([key]) =>
    key.startsWith('s_'),
  );
  const state: VoltRecord = { type: 'wallbox_state', time, charge_point: 'DE*BMW*E1', online: true };
  for (const [key] of wanted) state[key.slice(2)] = 1;
  const { topic, payload: ours } = announcing().take(state)!;
  assert.deepEqual(discoveryFaults(topic, ours), []);
  assert.equal(topic, 'homeassistant/device/voltpipe_DE_BMW_E1/config');
  assert.equal(wanted.length, 15);
  for (const [key, component] of wanted) {
    const mine = ours.components[key.slice(2)];
    assert.ok(mine, key);
    for (const part of ['state_class', 'unit_of_measurement']) assert.deepEqual(mine[part], component[part], key);
  }
  const online = ours.components['online']!;
  assert.deepEqual(online['availability'], [
    { topic: 'battery_hawk/system/status', value_template: '{{ value_json.status }}' },
  ]);
});

test('every entity of the table passes the rules, with the units of the vocabulary', () => {
  const families = new Map(vocabulary.map((family) => [family.type, family]));
  for (const [type, list] of Object.entries(entities)) {
    const subject = subjects[type]!;
    const record: VoltRecord = { type, time, [subject.at(-1)!]: 'x', lon: 8 };
    for (const { key, list: isList } of list) record[key] = isList ? [1, 2, 3] : 1;
    const told = announcing().take(record)!;
    assert.deepEqual(discoveryFaults(told.topic, told.payload), [], type);
    for (const { key, unit } of list) {
      const described = families.get(type)!.keys.find(({ name }) => name === key);
      assert.ok(described || key === 'rssi', `${type} has no key ${key}`);
      if (unit !== undefined && key !== 'rssi') assert.equal(unit, described?.unit, `${type}.${key}`);
    }
  }
});

test('only what a device has becomes an entity; a value that comes later adds one and takes none away (HAWK-152)', () => {
  const { take } = announcing();
  assert.deepEqual(keys(take(reading({ voltage: 12.7 }))), ['voltage']);
  assert.equal(take(reading({ voltage: 12.8 })), undefined);
  assert.deepEqual(keys(take(reading({ temperature: 20 }))), ['voltage', 'temperature']);
  assert.deepEqual(keys(take(reading({ cells: [3.1, 3.2] }))), ['voltage', 'temperature', 'cell_1', 'cell_2']);
  assert.equal(take(reading({ cells: [3.3, 3.2], voltage: 1 })), undefined);
  assert.equal(take(reading({ unheard_of: 1 })), undefined);
});

test('a template shows the value that is in the record, and None where there is none (HAWK-152)', () => {
  const shown = (record: VoltRecord): ((key: string, of?: object) => string) => {
    const { components } = announcing().take(record)!.payload;
    return (key, of = record) => rendered(components[key]!['value_template'] as string, of);
  };
  const battery = shown(
    reading({
      voltage: 12.7,
      current: 0,
      cells: [3.1, 3.2],
      charge_enabled: false,
      alarms: ['x'],
      temperatures: [20, 21],
    }),
  );
  const keysShown = ['voltage', 'current', 'cell_1', 'cell_2', 'charge_enabled', 'alarms', 'temperature_2'];
  assert.deepEqual(
    keysShown.map((key) => battery(key)),
    ['12.7', '0', '3.1', '3.2', 'OFF', 'ON', '21'],
  );
  assert.deepEqual(
    keysShown.map((key) => battery(key, {})),
    keysShown.map(() => 'None'),
  );
  assert.equal(battery('cell_2', { cells: [3.1] }), 'None');
  assert.equal(battery('charge_enabled', { charge_enabled: true }), 'ON');
  assert.equal(battery('alarms', { alarms: [] }), 'OFF');

  const status = (text: string): VoltRecord => ({ type: 'device_status', time, device_id: mac, status: text });
  const connected = shown(status('connected'));
  for (const [text, state] of [
    ['connected', 'ON'],
    ['configured', 'ON'],
    ['disconnected', 'OFF'],
    ['error', 'OFF'],
  ] as const) {
    assert.equal(connected('connected', status(text)), state, text);
  }
});

test('a template of availability says online or offline, whatever the record says', () => {
  const available = (record: VoltRecord, of: object): string[] => {
    const { take } = announcing();
    take(reading());
    const availability = take(record)!.payload['availability'] as { value_template: string }[];
    return availability.map(({ value_template: template }) => rendered(template, of));
  };
  const status = { type: 'device_status', time, device_id: mac, status: 'connected' };
  for (const [text, state] of [
    ['connected', 'online'],
    ['configured', 'online'],
    ['disconnected', 'offline'],
    ['error', 'offline'],
  ] as const) {
    assert.equal(available(status, { status: text })[1], state, text);
  }
  assert.equal(available(status, { status: 'offline' })[0], 'offline');
  const box = { type: 'wallbox_state', time, charge_point: 'x', online: true, power: 1 };
  assert.equal(available(box, { online: true })[1], 'online');
  assert.equal(available(box, { online: false })[1], 'offline');
});

test('one sensor of temperature is the temperature; two are two entities more', () => {
  const { take } = announcing();
  assert.deepEqual(keys(take(reading({ temperature: 20, temperatures: [20] }))), ['temperature']);
  assert.deepEqual(keys(take(reading({ temperatures: [20, 21] }))), ['temperature', 'temperature_1', 'temperature_2']);
});

test('the location is one entity, when both halves are known, and never takes the record for a place', () => {
  const { take } = announcing();
  const car = (rest: object): VoltRecord => ({ type: 'vehicle_telemetry', time, vin: 'WBY00000000000001', ...rest });
  assert.deepEqual(keys(take(car({ soc: 60, lat: 48 }))), ['soc']);
  const told = take(car({ lon: 11 }))!;
  assert.deepEqual(keys(told), ['soc', 'location']);
  const location = told.payload.components['location']!;
  assert.equal(location['json_attributes_topic'], 'battery_hawk/vehicle_telemetry/WBY00000000000001/location');
  assert.deepEqual(discoveryFaults(told.topic, told.payload), []);
  assert.deepEqual(told.payload.device, {
    identifiers: ['voltpipe_WBY00000000000001'],
    name: 'BMW 000001',
    manufacturer: 'BMW',
    serial_number: 'WBY00000000000001',
  });
});

test('once its status is known a device is unavailable when it is not connected; what tells so stays', () => {
  const { take } = announcing();
  assert.equal((take(reading())!.payload['availability'] as Json[]).length, 1);
  const status = { type: 'device_status', time, device_id: mac, status: 'connected' };
  const told = take(status)!;
  assert.deepEqual(discoveryFaults(told.topic, told.payload), []);
  assert.deepEqual(
    (told.payload['availability'] as Json[]).map(({ topic }) => topic),
    ['battery_hawk/system/status', `battery_hawk/device/${mac}/status`],
  );
  assert.equal(told.payload['availability_mode'], 'all');
  assert.equal((told.payload.components['connected']!['availability'] as Json[]).length, 1);
  assert.equal(take({ ...status, status: 'error' }), undefined);
});

test('a name from the registry or a new firmware is told; ids never change with them', () => {
  const { take } = announcing();
  const before = take(reading())!;
  const named = take(reading({ device_name: 'House bank', vehicle_name: 'Camper' }))!;
  assert.equal(named.payload.device['name'], 'House bank');
  const info = take({ type: 'device_info', time, device_id: mac, firmware: '1.4' })!;
  assert.equal(info.payload.device['sw_version'], '1.4');
  assert.deepEqual(info.payload.device['identifiers'], before.payload.device['identifiers']);
  assert.deepEqual(info.payload.components['voltage'], before.payload.components['voltage']);
});

test('a job of cron says nothing again for an hour, and what a device had been seen to have is not forgotten', () => {
  const cron = { statusTopic: undefined };
  const first = announcing({}, cron);
  first.take(reading({ voltage: 12, temperature: 20 }));
  const saved = JSON.parse(JSON.stringify(first.announcer.devices)) as KnownDevices;
  const second = announcing(saved, cron);
  second.pass(hour);
  assert.equal(second.take(reading({ voltage: 12 })), undefined);
  assert.deepEqual(keys(second.take(reading({ current: 1 }))), ['voltage', 'current', 'temperature']);

  const third = announcing(JSON.parse(JSON.stringify(first.announcer.devices)) as KnownDevices, cron);
  third.pass(hour + 1);
  assert.deepEqual(keys(third.take(reading({ voltage: 12 }))), ['voltage', 'temperature']);
  third.pass(48 * hour);
  assert.equal(
    third.take(reading({ voltage: 12 })),
    undefined,
    'never twice in one run: who deletes it there has peace',
  );
});

test('a run that stays announces each device once: the message of the last one may never have arrived', () => {
  const first = announcing();
  const told = first.take(reading({ voltage: 12 }));
  const second = announcing(JSON.parse(JSON.stringify(first.announcer.devices)) as KnownDevices);
  assert.deepEqual(second.take(reading({ voltage: 12 })), told);
  second.pass(48 * hour);
  assert.equal(second.take(reading({ voltage: 13 })), undefined);
});

test('two devices that Home Assistant could not tell apart are told, the second is left out', () => {
  const { take, collisions } = announcing();
  const box = (charge_point: string): VoltRecord => ({
    type: 'wallbox_state',
    time,
    charge_point,
    online: true,
    power: 1,
  });
  assert.ok(take(box('DE*1')));
  assert.equal(take(box('DE_1')), undefined);
  assert.deepEqual(collisions, [['wallbox DE*1', 'wallbox DE_1']]);
});

test('a battery, a vehicle and a wallbox of one name do not become one device: the first is announced, the others are told', () => {
  const { take, collisions } = announcing();
  const garage = [
    reading({ device_id: 'garage', voltage: 12.7, power: 5 }),
    { type: 'wallbox_state', time, charge_point: 'garage', online: true, voltage: 230, power: 7000 },
    { type: 'vehicle_summary', time, vehicle_id: 'garage', device_count: 1 },
  ];
  const [battery, ...others] = garage.map(take);
  assert.equal(battery!.payload.components['voltage']!['state_topic'], 'battery_hawk/device/garage/reading');
  assert.deepEqual(others, [undefined, undefined]);
  assert.deepEqual(collisions, [
    ['battery garage', 'wallbox garage'],
    ['battery garage', 'vehicle garage'],
  ]);
  assert.equal(take(garage[0]!), undefined, 'nothing of the others got into it');
});

test('an entity that is no longer wanted is taken out: Home Assistant keeps one that is only missing', () => {
  const before = announcing();
  before.take(reading({ voltage: 12, cells: [3, 4] }));
  const after = announcing(before.announcer.devices, { omit: new Set(['cells']) });
  const { components } = after.take(reading({ voltage: 12 }))!.payload;
  assert.deepEqual([components['cell_1'], components['cell_2']], [{ platform: 'sensor' }, { platform: 'sensor' }]);
  assert.equal(components['voltage']!['platform'], 'sensor');
  assert.ok(components['voltage']!['unique_id']);
});

test('a device with nothing left that is wanted is taken out, once a run; one that was never announced asks for nothing', () => {
  const before = announcing();
  before.take(reading({ voltage: 12 }));
  const after = announcing(before.announcer.devices, { omit: new Set(['voltage']) });
  const told = after.take(reading({ voltage: 12 }))!;
  assert.deepEqual([told.topic, told.payload], ['homeassistant/device/voltpipe_AABBCCDDEEFF/config', '']);
  assert.equal(after.take(reading({ voltage: 12 })), undefined);
  const again = announcing(after.announcer.devices);
  assert.ok(again.take(reading({ voltage: 12 }))!.payload.components['voltage']);
  const never = announcing({}, { omit: new Set(['voltage']) });
  assert.equal(never.take(reading({ voltage: 12 })), undefined);
});

test('keys that are not wanted get no entity, and without a status nothing is made unavailable by it', () => {
  const { take } = announcing({}, { omit: new Set(['cells']), statusTopic: undefined, expireAfter: 0 });
  const told = take(reading({ voltage: 12, cells: [3] }))!;
  assert.deepEqual(told.payload.components['cell_1'], { platform: 'sensor' });
  assert.deepEqual(discoveryFaults(told.topic, told.payload), []);
  assert.ok(!('availability' in told.payload) && !('expire_after' in told.payload.components['voltage']!));
});
