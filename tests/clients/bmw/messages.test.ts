import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isVin, recordOf } from '../../../src/clients/bmw/messages.ts';
import { type Seen, seenKeeper } from '../../../src/clients/bmw/seen.ts';
import { chargeTime, createStaleness } from '../../../src/clients/bmw/staleness.ts';
import type { BmwTelematics } from '../../../src/protocols/bmw/telematics.ts';
import { fakeClock } from '../../support/clock.ts';
import { clientContext, gcid, memoryStates } from './support.ts';

const vin = 'WBYVP000000000005';
const charge = 'vehicle.powertrain.electric.battery.stateOfCharge.displayed';
const message = (payload: string | Buffer, topic = `${gcid}/${vin}`) => ({
  topic,
  payload: Buffer.from(payload as string),
  qos: 0 as const,
  retain: false,
});
const data = { [charge]: { timestamp: '2026-06-16T14:05:33Z', value: 66, unit: '%' } };

test("a message becomes a record with BMW's values untouched; the topic names the vehicle where the message doesn't (BMW-12)", () => {
  const record = recordOf(message(JSON.stringify({ data })), 'stream', Date.parse('2026-06-16T14:05:35Z'));
  assert.deepEqual(record, {
    type: 'bmw_telematics',
    time: '2026-06-16T14:05:33.000Z',
    vin,
    via: 'stream',
    received_at: '2026-06-16T14:05:35.000Z',
    data,
  });
  const mirrored = recordOf(message(JSON.stringify({ data }), `bmw/raw/${vin}/soc`), 'mirror', 0) as BmwTelematics;
  assert.equal(mirrored.vin, vin);
});

test('what is no CarData is told by its fault: not JSON, not UTF-8, too long, another shape (BMW-27)', () => {
  const fault = (payload: string | Buffer): unknown => recordOf(message(payload), 'stream', 0);
  assert.equal(fault('{"vin":"WBY'), 'not JSON');
  assert.equal(fault(Buffer.from([0x7b, 0xff, 0x7d])), 'not UTF-8');
  assert.equal(fault(' '.repeat(2 << 20)), 'longer than 1 MiB');
  for (const other of ['{}', '[]', '3', 'null', '{"online":true}', ''])
    assert.equal(typeof fault(other), 'string', other);
});

test('a VIN has 17 characters and no I, O or Q', () => {
  assert.ok(isVin(vin));
  for (const no of ['WBYVP00000000000', 'wbyvp000000000005', 'WBYVP00000000000O', '']) assert.ok(!isVin(no), no);
});

test('descriptors are remembered with their last time, written once a minute, over all runs (BMW-13)', async () => {
  const clock = fakeClock();
  const context = { ...clientContext(clock).context, state: memoryStates() };
  const stored = (): Promise<Seen | undefined> => context.state<Seen>('bmw-seen').read();
  const record = (key: string, value: unknown): BmwTelematics => ({
    type: 'bmw_telematics',
    vin,
    data: { [key]: { value } },
  });

  const seen = seenKeeper(context);
  seen.note(record('vehicle.a', 1));
  seen.note(record('vehicle.never', null));
  assert.equal(await stored(), undefined);
  await clock.advance(60_000);
  assert.deepEqual(await stored(), { [vin]: { 'vehicle.a': '2026-03-01T12:00:00.000Z' } });

  const later = seenKeeper(context);
  later.note(record('vehicle.b', 2));
  await later.save();
  assert.deepEqual(await stored(), {
    [vin]: { 'vehicle.a': '2026-03-01T12:00:00.000Z', 'vehicle.b': '2026-03-01T12:01:00.000Z' },
  });
});

test("the time of the charge is that of a measured one; BMW's prediction is none (BMW-73)", () => {
  assert.equal(chargeTime(data), Date.parse('2026-06-16T14:05:33Z'));
  const level = 'vehicle.drivetrain.electricEngine.charging.level';
  assert.equal(chargeTime({ [level]: { timestamp: '2026-06-16T14:05:33Z', value: '66' } }), undefined);
  assert.equal(chargeTime({ [charge]: { timestamp: null, value: null } }), undefined);
});

test('a vehicle that has nothing new is asked less and less, up to six hours, until it speaks', () => {
  const minute = 60_000;
  const staleness = createStaleness(15 * minute);
  assert.equal(staleness.polled(1000), 15 * minute, 'it had news');
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map(() => staleness.polled(1000) / minute),
    [30, 60, 120, 240, 360, 360],
  );
  assert.equal(staleness.heard(2000), 15 * minute);
});
