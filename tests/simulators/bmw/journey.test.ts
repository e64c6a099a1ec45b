import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JourneyOptions, startJourney } from '../../../src/simulators/bmw/journey.ts';
import type { DataPoint } from '../../../src/simulators/bmw/messages.ts';
import { models } from '../../../src/simulators/bmw/models.ts';
import { drivingLife } from '../../../src/simulators/bmw/vehicle.ts';
import { seededRandom } from '../../../src/simulators/random.ts';
import { fakeClock } from '../../support/clock.ts';

const vin = 'WBYVP000000000001';
const location = 'vehicle.cabin.infotainment.navigation.currentLocation';
const status = 'vehicle.drivetrain.electricEngine.charging.status';
const power = 'vehicle.powertrain.electric.battery.charging.power';

interface Sent {
  at: number;
  vin: string;
  data: Record<string, DataPoint>;
}

/** What the cars publish within `ms` of the clock. */
async function travel(
  options: JourneyOptions,
  ms: number,
  model: keyof typeof models = 'i4',
  vins = [vin],
): Promise<Sent[]> {
  const clock = fakeClock();
  const sent: Sent[] = [];
  const cars = vins.map((one) => ({ vin: one, model }));
  const stop = startJourney(cars, options, clock, (one, data) => sent.push({ at: clock.now(), vin: one, data }));
  await clock.advance(ms);
  stop();
  return sent;
}

const hour = 3_600_000;
const keysOf = (sent: readonly Sent[]) => sent.flatMap(({ data }) => Object.keys(data));

test('a car drives, parks and charges to its target within four hours', async () => {
  const sent = await travel({}, 4.5 * hour);
  const values = (key: string) => sent.flatMap(({ data }) => (key in data ? [data[key]?.value] : []));
  assert.deepEqual([...new Set(values('vehicle.isMoving'))], ['ASN_isFalse', 'ASN_isTrue']);
  assert.deepEqual([...new Set(values(status))], ['NOCHARGING', 'INITIALIZATION', 'CHARGINGACTIVE', 'CHARGINGENDED']);
  const soc = values('vehicle.powertrain.electric.battery.stateOfCharge.displayed').map(Number);
  assert.ok(Math.min(...soc) < (soc[0] as number));
  assert.equal(Math.max(...soc), 80);
  assert.ok(values('vehicle.chassis.axle.row2.wheel.right.tire.pressure').includes('-NA-'));
});

test('most messages carry one value, and the first carries several', async () => {
  const sent = await travel({}, 4 * hour);
  const single = sent.filter(({ data }) => Object.keys(data).length === 1);
  assert.ok(single.length / sent.length > 0.9);
  assert.ok(Object.keys(sent[0]?.data ?? {}).length > 5);
});

test('latitude and longitude come in two messages a second apart with one time stamp', async () => {
  const sent = await travel({ duplicates: 0, disorder: 0 }, hour);
  let pairs = 0;
  for (const [index, { at, data }] of sent.entries()) {
    const latitude = data[`${location}.latitude`];
    if (!latitude) continue;
    const next = sent[index + 1];
    const longitude = next?.data[`${location}.longitude`];
    assert.ok(longitude);
    assert.equal((next as Sent).at - at, 1000);
    assert.equal(Date.parse(longitude.timestamp ?? ''), Date.parse(latitude.timestamp ?? ''));
    pairs++;
  }
  assert.ok(pairs >= 14);
});

test('some messages come twice and some after a later one', async () => {
  const sent = await travel({}, 20 * hour);
  const texts = sent.map(({ data }) => JSON.stringify(data));
  const twice = texts.filter((text, index) => text === texts[index - 1]).length;
  assert.ok(twice / texts.length > 0.03);
  const newest = (one: Sent | undefined) =>
    Math.max(...Object.values(one?.data ?? {}).map((p) => Date.parse(p.timestamp ?? '')));
  assert.ok(sent.some((one, index) => index > 0 && newest(one) < newest(sent[index - 1])));
});

test('numbers are quoted, powers in kW and percents spelt out now and then', async () => {
  const sent = await travel({}, 40 * hour);
  const points = sent.flatMap(({ data }) => Object.entries(data));
  const powers = points.filter(([key]) => key === power).map(([, point]) => point);
  assert.deepEqual([...new Set(powers.map(({ unit }) => unit))].sort(), ['W', 'kW']);
  for (const { value, unit } of powers) assert.ok(Number(value) <= (unit === 'kW' ? 11 : 11_000));
  assert.ok(points.some(([, { unit }]) => unit === 'percent'));
  assert.ok(points.some(([key, { value }]) => key.endsWith('itude') && typeof value === 'string'));
  assert.ok(points.some(([, { timestamp }]) => /:\d\dZ$/.test(timestamp ?? '')));
});

test('a fast day goes by in minutes, with time stamps of the clock', async () => {
  const sent = await travel({ speedUp: 60 }, 4.5 * 60_000);
  assert.ok(keysOf(sent).includes(status));
  for (const { at, data } of sent) {
    for (const { timestamp } of Object.values(data)) {
      const age = at - Date.parse(timestamp ?? '');
      assert.ok(age >= 0 && age < 60_000);
    }
  }
});

test('load sends so many messages a second, whatever the day says', async () => {
  const vins = [vin, 'WBYVP000000000002'];
  const sent = await travel({ rate: 500 }, 4000, 'i4', vins);
  assert.equal(sent.length, 2000);
  for (const one of vins) assert.equal(sent.filter(({ vin: of }) => of === one).length, 1000);
});

test('the same seed makes the same journey', async () => {
  const [first, again, other] = [
    await travel({ seed: 7 }, hour),
    await travel({ seed: 7 }, hour),
    await travel({ seed: 8 }, hour),
  ];
  assert.deepEqual(again, first);
  assert.notDeepEqual(other, first);
});

for (const [model, has, hasNot] of [
  ['i3', 'vehicle.drivetrain.batteryManagement.header', 'vehicle.powertrain.electric.battery.stateOfCharge.displayed'],
  ['ix3', 'vehicle.powertrain.electric.battery.stateOfCharge.displayed', 'vehicle.drivetrain.batteryManagement.header'],
  ['x1', `${location}.latitude`, status],
] as const) {
  test(`the ${model} reports what its kind reports`, async () => {
    const keys = new Set(keysOf(await travel({}, 4 * hour, model)));
    assert.ok(keys.has(has));
    assert.ok(!keys.has(hasNot));
  });
}

test('a car goes on for a week without running empty or standing still', () => {
  const life = drivingLife(models.i3, seededRandom(3));
  let time = 0;
  let distance = 0;
  while (time < 7 * 24 * hour) {
    const { wait, points } = life.next().value;
    time += wait;
    for (const [key, value] of points) {
      if (key.endsWith('batteryManagement.header')) assert.ok((value as number) >= 5 && (value as number) <= 80);
      if (key === 'vehicle.vehicle.travelledDistance') {
        assert.ok((value as number) >= distance);
        distance = value as number;
      }
    }
  }
});
