// Vehicle telemetry of some cars, as normalize makes it: NDJSON, or with `lp` the same as line protocol for `influx -import`.
//   node generate.mjs 200000 [lp DATABASE]
import { once } from 'node:events';

const [count = '1000', form, database] = process.argv.slice(2);
let seed = 1;
const random = () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};
const digits = (value, places) => Number(value.toFixed(places));
const start = Date.parse('2026-03-01T00:00:00Z');

const record = (i) => ({
  type: 'vehicle_telemetry',
  time: new Date(start + i * 1000).toISOString(),
  vin: `WBY000000000000${String(i % 20).padStart(2, '0')}`,
  utc: start / 1000 + i,
  soc: digits(20 + 60 * random(), 1),
  is_charging: random() > 0.5,
  power: digits(-100 + 200 * random(), 2),
  speed: digits(130 * random(), 1),
  lat: digits(48 + random(), 6),
  lon: digits(11 + random(), 6),
  odometer: 10_000 + Math.floor(i / 100),
  batt_temp: digits(10 + 30 * random(), 1),
  ext_temp: digits(-10 + 40 * random(), 1),
});

const line = ({ type, time, vin, ...fields }) =>
  `${type},vin=${vin} ${Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')} ${Date.parse(time)}`;

if (form === 'lp') process.stdout.write(`# DML\n# CONTEXT-DATABASE: ${database}\n`);
let out = '';
for (let i = 0; i < Number(count); i++) {
  out += `${form === 'lp' ? line(record(i)) : JSON.stringify(record(i))}\n`;
  if (out.length < 1 << 18 && i + 1 < Number(count)) continue;
  if (!process.stdout.write(out)) await once(process.stdout, 'drain');
  out = '';
}
