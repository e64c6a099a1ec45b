import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openEnvelope, toRecord } from '../../../src/protocols/bmw/telematics.ts';
import { validate } from '../../../src/records/common.ts';

const receivedAt = Date.parse('2026-03-01T12:00:10.000Z');
const soc = 'vehicle.drivetrain.batteryManagement.header';
const point = (timestamp: string | null, value: unknown = 66) => ({ [soc]: { timestamp, value, unit: '%' } });

test("BMW's values stay untouched in data; gcid and topic are left out (BMW-12)", () => {
  const data = {
    'vehicle.x': { timestamp: '2026-03-01T12:00:00Z', value: '-NA-', unit: 'PERCENT', more: [1] },
    'vehicle.y': { timestamp: null, value: null, unit: null },
  };
  const message = {
    vin: 'WBYVP000000000005',
    entityId: '00000000-0000-4000-8000-000000000002',
    topic: 'WBYVP000000000005',
    timestamp: '2026-03-01T12:00:01.518Z',
    data: structuredClone(data),
  };
  assert.deepEqual(toRecord(message, { via: 'stream', receivedAt }), {
    type: 'bmw_telematics',
    time: '2026-03-01T12:00:00.000Z',
    vin: 'WBYVP000000000005',
    via: 'stream',
    received_at: '2026-03-01T12:00:10.000Z',
    sent_at: '2026-03-01T12:00:01.518Z',
    data,
  });
});

test('time is the newest data point, else the message, else our clock (BMW-29)', () => {
  const timeOf = (message: object) => toRecord(message, { via: 'stream', receivedAt })?.time;
  const sent = { timestamp: '2026-03-01T12:00:05Z' };
  assert.equal(
    timeOf({
      ...sent,
      data: { ...point('2026-03-01T11:00:00Z'), 'vehicle.x': { timestamp: '2026-03-01T11:30:00.250Z' } },
    }),
    '2026-03-01T11:30:00.250Z',
  );
  assert.equal(timeOf({ ...sent, data: point(null) }), '2026-03-01T12:00:05.000Z');
  assert.equal(timeOf({ data: point(null) }), '2026-03-01T12:00:10.000Z');
  assert.equal(timeOf({ timestamp: 'soon', data: point('later') }), '2026-03-01T12:00:10.000Z');
});

test('an answer of the REST interface names no vehicle: the caller does', () => {
  const record = toRecord(
    { telematicData: point('2026-03-01T12:00:00.000Z', '66') },
    { via: 'rest', receivedAt, vin: 'X1' },
  );
  assert.equal(record?.vin, 'X1');
  assert.equal(record?.via, 'rest');
  assert.equal(record?.sent_at, undefined);
  assert.deepEqual(record?.data, point('2026-03-01T12:00:00.000Z', '66'));
});

test('anything but data may be missing; a capture with topic and payload is opened', () => {
  assert.deepEqual(openEnvelope({ data: {} }), { vin: undefined, sentAt: undefined, data: {} });
  assert.equal(openEnvelope({ topic: 'gcid/WBA1', payload: { data: {} } })?.vin, 'WBA1');
  assert.equal(openEnvelope({ topic: 'gcid/WBA1', payload: { vin: 'WBA2', data: {} } })?.vin, 'WBA2');
  assert.equal(openEnvelope({ topic: 'WBA3', data: {} })?.vin, 'WBA3');
  assert.deepEqual(openEnvelope(point('2026-03-01T12:00:00Z'))?.data, point('2026-03-01T12:00:00Z'));
});

test('a capture may hold its payload as text, and gives its time to values without one', () => {
  const values = point(null);
  const payload = JSON.stringify({ vin: 'WBA1', data: values });
  const received_at = '2026-03-01T12:00:05.000Z';
  assert.deepEqual(openEnvelope({ topic: 'gcid/WBA1', payload }), { vin: 'WBA1', sentAt: undefined, data: values });
  assert.equal(openEnvelope({ topic: 'gcid/WBA1', payload, received_at })?.sentAt, received_at);
  assert.equal(openEnvelope({ topic: 'gcid/WBA1', payload: '{"vin"' }), undefined);
  assert.equal(openEnvelope({ topic: 'gcid/WBA1', payload: 'online' }), undefined);
});

test('a record that comes back from a mirror keeps the time at which BMW sent it', () => {
  const first = toRecord({ timestamp: '2026-03-01T12:00:05Z', data: point(null) }, { via: 'stream', receivedAt: 0 });
  const second = toRecord(first, { via: 'mirror', receivedAt });
  assert.equal(second?.sent_at, '2026-03-01T12:00:05.000Z');
  assert.equal(second?.time, first?.time);
});

test('what has none of these shapes is no message', () => {
  for (const message of [
    null,
    1,
    'x',
    [],
    {},
    { vin: 'X' },
    { data: [] },
    { data: 'x' },
    { 'vehicle.x': 1 },
    { payload: {} },
  ]) {
    assert.equal(toRecord(message, { via: 'stream', receivedAt }), undefined, JSON.stringify(message));
  }
});

test('whatever JSON comes, the answer is a valid record or none (BMW-27)', () => {
  const messages = fc.oneof(
    fc.jsonValue(),
    fc.record({ vin: fc.jsonValue(), timestamp: fc.jsonValue(), data: fc.dictionary(fc.string(), fc.jsonValue()) }),
    fc.record({ topic: fc.jsonValue(), payload: fc.record({ telematicData: fc.jsonValue() }) }),
  );
  fc.assert(
    fc.property(messages, (message) => {
      const record = toRecord(message, { via: 'mirror', receivedAt });
      assert.equal(record === undefined ? undefined : validate(record), undefined);
    }),
  );
});
