// Writes CarData lines as bmw-stream puts them out: `node generate.mjs 200000 > lines.ndjson`. The same lines every time.
//
// Shape after recorded messages: one to six keys a line, the keys of a message bear one time stamp, some values are quoted, units
// are spelt in several ways and sometimes missing, enumerations and sentinels among them, a few keys that no mapping knows.

/** A small deterministic generator of random numbers (mulberry32). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(20260301);
const among = (list) => list[Math.floor(random() * list.length)];
const between = (low, high, digits = 0) => Number((low + random() * (high - low)).toFixed(digits));
const maybeQuoted = (value) => (random() < 0.2 ? String(value) : value);

const location = 'vehicle.cabin.infotainment.navigation.currentLocation';
const wheel = (row, side) => [
  `vehicle.chassis.axle.row${row}.wheel.${side}.tire.pressure`,
  () => (random() < 0.05 ? '-NA-' : maybeQuoted(between(220, 290))),
  () => among(['kPa', 'kpa']),
];

/** [descriptors that come together, value of each, unit] */
const keys = [
  [
    'vehicle.drivetrain.batteryManagement.header',
    () => maybeQuoted(between(5, 100)),
    () => among(['%', 'percent', undefined]),
  ],
  ['vehicle.powertrain.electric.battery.stateOfCharge.displayed', () => between(5, 100), () => '%'],
  ['vehicle.drivetrain.electricEngine.charging.level', () => String(between(5, 100)), () => '%'],
  ['vehicle.powertrain.electric.battery.stateOfCharge.target', () => among([80, 90, 100]), () => '%'],
  [
    'vehicle.drivetrain.electricEngine.charging.status',
    () => among(['NOCHARGING', 'INITIALIZATION', 'CHARGINGACTIVE', 'CHARGINGPAUSED', 'CHARGINGENDED']),
    () => undefined,
  ],
  ['vehicle.body.chargingPort.status', () => among(['CONNECTED', 'DISCONNECTED', 'INVALID']), () => undefined],
  ['vehicle.powertrain.electric.battery.charging.power', () => between(0, 11000), () => among(['W', undefined])],
  ['vehicle.drivetrain.electricEngine.charging.timeRemaining', () => maybeQuoted(between(0, 600)), () => 'min'],
  [`${location}.latitude`, () => between(47, 54, 6), () => 'degrees'],
  [`${location}.longitude`, () => between(6, 15, 6), () => 'degrees'],
  [`${location}.heading`, () => between(0, 359), () => 'degrees'],
  ['vehicle.isMoving', () => among([true, false, 'ASN_isTrue', 'ASN_isFalse']), () => undefined],
  [
    'vehicle.drivetrain.electricEngine.kombiRemainingElectricRange',
    () => maybeQuoted(between(20, 500)),
    () => among(['km', 'KM', 'kilometers', undefined]),
  ],
  ['vehicle.drivetrain.batteryManagement.maxEnergy', () => between(60, 110, 1), () => 'kWh'],
  wheel(1, 'left'),
  wheel(1, 'right'),
  wheel(2, 'left'),
  wheel(2, 'right'),
  ['vehicle.electricalSystem.battery.voltage', () => maybeQuoted(between(11, 15, 2)), () => 'V'],
  // What a car sends beside: in recorded messages about every second key is of no use to a route planner.
  ['vehicle.vehicle.avgAuxPower', () => between(0, 4, 1), () => 'kW'],
  ['vehicle.vehicle.averageWeeklyDistanceLongTerm', () => maybeQuoted(between(0, 900)), () => undefined],
  ['vehicle.body.chargingPort.plugEventId', () => maybeQuoted(between(0, 4000)), () => undefined],
  ['vehicle.body.chargingPort.lockedStatus', () => among(['CHARGING_CABLE_NOT_LOCKED', 'LOCKED']), () => undefined],
  ['vehicle.powertrain.electric.battery.charging.acLimit.selected', () => maybeQuoted(between(6, 32)), () => 'A'],
  ['vehicle.drivetrain.electricEngine.charging.lastChargingReason', () => among(['INVALID', 'END']), () => undefined],
  [
    'vehicle.drivetrain.electricEngine.charging.lastChargingResult',
    () => among(['SUCCESS', 'FAILED']),
    () => undefined,
  ],
  ['vehicle.chassis.axle.row1.wheel.left.tire.pressureTarget', () => between(240, 270), () => 'kPa'],
  ['vehicle.chassis.axle.row1.wheel.left.tire.temperature', () => between(-5, 40, 1), () => 'Celsius'],
  ['vehicle.cabin.door.row1.driver.isOpen', () => among([true, false, 'OPEN', 'CLOSED']), () => undefined],
  ['vehicle.cabin.window.row1.driver.status', () => among(['OPEN', 'CLOSED', 'INTERMEDIATE']), () => undefined],
  ['vehicle.status.serviceDistance.yellow', () => maybeQuoted(between(0, 30000)), () => undefined],
  ['vehicle.trip.segment.end.time', () => '2026-03-01T06:40:00Z', () => undefined],
  ['vehicle.cabin.door.status', () => among(['SECURED', 'LOCKED', 'UNLOCKED']), () => undefined],
];
const vins = ['WBYVP000000000101', 'WBYVP000000000102', 'WBYVP000000000103'];
const iso = (ms) => new Date(ms).toISOString();

function line(at) {
  const vin = among(vins);
  const timestamp = random() < 0.5 ? iso(at - 1000) : `${iso(at - 1000).slice(0, 19)}Z`;
  const data = {};
  for (let left = 1 + Math.floor(random() * 6); left > 0; left--) {
    const [descriptor, value, unitOf] = among(keys);
    const unit = unitOf();
    data[descriptor] = { timestamp, value: value(), ...(unit !== undefined && { unit }) };
    const partner = descriptor === `${location}.latitude` && `${location}.longitude`;
    if (partner) data[partner] = { timestamp, value: between(6, 15, 6), unit: 'degrees' };
  }
  const sent = iso(at);
  const received = iso(at + 180);
  return JSON.stringify({
    type: 'bmw_telematics',
    time: iso(Date.parse(timestamp)),
    vin,
    via: 'stream',
    received_at: received,
    sent_at: sent,
    data,
  });
}

const count = Number(process.argv[2] ?? 200_000);
let text = '';
for (let i = 0, at = Date.UTC(2026, 2, 1, 6); i < count; i++) {
  at += Math.floor(random() * 4000);
  text += `${line(at)}\n`;
  if (text.length > 1 << 20) {
    if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    text = '';
  }
}
process.stdout.write(text);
