import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  filterFault,
  templateFault,
  topicFault,
  topicLevel,
  topicMaker,
  topicRules,
} from '../../../src/protocols/mqtt/topics.ts';
import { vocabulary } from '../../../src/records/vocabulary.ts';

const settings = { prefix: 'voltpipe', instance: 'system' };
const topicOf = topicMaker(settings);

test('each type has the topic of the design, the rest goes by type and identity (HAWK-87 to HAWK-91)', () => {
  const mac = 'AA:BB:CC:DD:EE:FF';
  for (const [record, topic] of [
    [{ type: 'battery_reading', device_id: mac }, `voltpipe/device/${mac}/reading`],
    [{ type: 'device_status', device_id: mac }, `voltpipe/device/${mac}/status`],
    [{ type: 'vehicle_summary', vehicle_id: 'vehicle_1' }, 'voltpipe/vehicle/vehicle_1/summary'],
    [{ type: 'system_status' }, 'voltpipe/system/status'],
    [{ type: 'ble_device', device_id: mac }, 'voltpipe/discovery/found'],
    [{ type: 'wallbox_state', charge_point: 'DE*BMW*E1' }, 'voltpipe/wallbox/DE_BMW_E1/state'],
    [{ type: 'vehicle_telemetry', vin: 'WBY1' }, 'voltpipe/vehicle_telemetry/WBY1'],
    [{ type: 'alarm', device_id: 'bank', alarm: 'imbalance' }, 'voltpipe/alarm/bank/imbalance'],
    [{ type: 'alarm', alarm: 'imbalance' }, 'voltpipe/alarm/imbalance'],
    [{ type: 'gap', source: 'bank' }, 'voltpipe/gap/bank'],
    [{ type: 'something', source: 'x' }, 'voltpipe/something/x'],
    [{ type: 'something' }, 'voltpipe/something'],
    [{ type: 'constructor', source: 'x' }, 'voltpipe/constructor/x'],
  ] as const) {
    assert.deepEqual(topicOf({ ...record }), { topic });
  }
});

test('what is a state is retained for those who come later; a reading is not, since it would look fresh for ever', () => {
  const retained = Object.entries(topicRules).flatMap(([type, { retain }]) => (retain ? [type] : []));
  assert.deepEqual(retained.sort(), [
    'alarm',
    'battery_stats',
    'device_status',
    'engine_start',
    'system_status',
    'vehicle_summary',
    'vehicle_telemetry',
    'wallbox_state',
  ]);
});

test('every type with a topic of its own is in the vocabulary, and every template is sound', () => {
  const known = new Set(vocabulary.map(({ type }) => type));
  for (const [type, { template }] of Object.entries(topicRules)) {
    assert.ok(known.has(type), type);
    assert.equal(templateFault(template), undefined, type);
  }
});

test('a record that lacks a key of its template is told by the key', () => {
  const template = '{prefix}/device/{device_id}/reading';
  for (const device_id of [undefined, '', null, {}, []]) {
    assert.deepEqual(topicOf({ type: 'battery_reading', device_id }), { lacks: 'device_id', template });
  }
  const own = topicMaker({ ...settings, templates: { '*': '{identity}/{connector}' } });
  assert.deepEqual(own({ type: 'x' }), { lacks: 'identity', template: '{identity}/{connector}' });
  assert.deepEqual(own({ type: 'x', charge_point: 'c', connector: 2 }), { topic: 'c/2' });
});

test('alarms of one device have a topic each: operators become words, since two conditions may differ in nothing else', () => {
  const names = ['soc<20', 'soc<=20', 'soc>20', 'soc>=20', 'soc==20', 'soc!=20', 'voltage<-0.05/d', 'low battery'];
  const told: string[][] = [];
  const make = topicMaker(settings, (...all) => void told.push(all));
  assert.deepEqual(
    names.map((alarm) => make({ type: 'alarm', device_id: 'bank', alarm }).topic),
    [
      'soc_lt_20',
      'soc_le_20',
      'soc_gt_20',
      'soc_ge_20',
      'soc_eq_20',
      'soc_ne_20',
      'voltage_lt_-0.05_d',
      'low_battery',
    ].map((level) => `voltpipe/alarm/bank/${level}`),
  );
  assert.deepEqual(told, []);
  make({ type: 'alarm', device_id: 'bank', alarm: 'low+battery' });
  assert.deepEqual(told, [['low_battery', 'low battery', 'low+battery']]);
  assert.equal(make({ type: 'alarm', device_id: 'bank' }).lacks, 'alarm');
});

test('what has a meaning in topics, or none anywhere, becomes _ in a level', () => {
  assert.equal(topicLevel('a+b#c/d e*f\0g$'), 'a_b_c_d_e_f_g_');
  assert.equal(topicLevel('Zürich-2.1_x:y'), 'Zürich-2.1_x:y');
  assert.equal(topicLevel('🚗'), '_');
});

test('two identities that become one level are told, once one is changed or meets the other', () => {
  const told: string[][] = [];
  const make = topicMaker(settings, (...names) => void told.push(names));
  for (const charge_point of ['DE*1', 'DE*1', 'DE_1', 'other']) make({ type: 'wallbox_state', charge_point });
  assert.deepEqual(told, [['DE_1', 'DE*1', 'DE_1']]);
});

test('a topic to publish to has no wildcard, no NUL, some length and not too much', () => {
  for (const topic of ['', 'a/+', '#', 'a/b#', 'a\0', 'x'.repeat(65_536), 'ü'.repeat(32_768)]) {
    assert.equal(typeof topicFault(topic), 'string', topic.slice(0, 10));
  }
  for (const topic of ['a', '/', 'a//b', '$SYS', 'x'.repeat(65_535)]) assert.equal(topicFault(topic), undefined);
  assert.equal(typeof templateFault('a/{device id}'), 'string');
  assert.equal(typeof templateFault('a/{device_id'), 'string');
  assert.equal(typeof templateFault('{prefix}/+'), 'string');
});

test('a topic filter has its wildcards where MQTT has them', () => {
  for (const filter of ['a', '#', '+', 'a/#', '+/b/+', '$share/g/a/#', '/'])
    assert.equal(filterFault(filter), undefined, filter);
  for (const filter of ['', 'a#', '#/a', 'a/b+', '+a', '$share/g', '$share//a', '$share/g+/a', '$share/g/a+', 'a\0'])
    assert.equal(typeof filterFault(filter), 'string', filter);
});
