// Readings of four 16-cell packs, one a second: `node generate.mjs LINES`. The same for the same number.
const count = Number(process.argv[2] ?? 100_000);
const start = Date.parse('2026-03-01T00:00:00.000Z');
const round = (value, digits) => Number(value.toFixed(digits));

function reading(i) {
  const pack = i % 4;
  const current = round(40 * Math.sin(i / 4000) + 3 * Math.sin(i / 7), 2);
  const voltage = round(52 + current / 40, 2);
  const cells = Array.from({ length: 16 }, (_, cell) => round(voltage / 16 + (cell % 5) * 0.002, 3));
  const [low, high] = [Math.min(...cells), Math.max(...cells)];
  return {
    type: 'battery_reading',
    time: new Date(start + Math.floor(i / 4) * 1000).toISOString(),
    device_id: `serial-pack-${pack}`,
    device_name: `Pack ${pack}`,
    device_type: 'jbd',
    vehicle_id: 'vehicle_1',
    vehicle_name: 'Vehicle 1',
    voltage,
    current,
    power: round(voltage * current, 1),
    state_of_charge: Math.round(50 + 40 * Math.cos(i / 4000)),
    temperature: 21.5,
    temperatures: [21.5, 22.1, round(20 + (i % 7) / 10, 1)],
    cells,
    cell_min: low,
    cell_max: high,
    cell_min_number: cells.indexOf(low) + 1,
    cell_max_number: cells.indexOf(high) + 1,
    cell_delta: round(high - low, 3),
    charge_enabled: true,
    discharge_enabled: true,
    balancing: [],
    alarms: [],
    alarm_flags: 0,
    cycles: 42,
    remaining_ah: 60.5,
    nominal_ah: 100,
    firmware: '8.0',
  };
}

let text = '';
for (let i = 0; i < count; i++) {
  text += `${JSON.stringify(reading(i))}\n`;
  if (text.length > 1_000_000) {
    process.stdout.write(text);
    text = '';
  }
}
process.stdout.write(text);
