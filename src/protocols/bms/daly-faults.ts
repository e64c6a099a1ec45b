/*
 * Faults of Daly boards: seven bytes, the same in the A5 command 98 and, byte by byte, in the D2 registers 3A–3D. Level 1 is a
 * warning, level 2 has switched something off.
 */
const both = (name: string): string[] => [`${name}_1`, `${name}_2`];

const bytes: readonly (readonly (string | undefined)[])[] = [
  [
    ...both('cell_voltage_high'),
    ...both('cell_voltage_low'),
    ...both('pack_voltage_high'),
    ...both('pack_voltage_low'),
  ],
  [
    ...both('charge_temp_high'),
    ...both('charge_temp_low'),
    ...both('discharge_temp_high'),
    ...both('discharge_temp_low'),
  ],
  [...both('charge_overcurrent'), ...both('discharge_overcurrent'), ...both('soc_high'), ...both('soc_low')],
  [...both('voltage_diff'), ...both('temp_diff')],
  [
    'charge_mos_temp_high',
    'discharge_mos_temp_high',
    'charge_mos_temp_sensor_fault',
    'discharge_mos_temp_sensor_fault',
    'charge_mos_stuck',
    'discharge_mos_stuck',
    'charge_mos_open',
    'discharge_mos_open',
  ],
  [
    'afe_chip_error',
    'voltage_collection_lost',
    'cell_temp_sensor_fault',
    'eeprom_error',
    'rtc_error',
    'precharge_failure',
    'communication_failure',
    'internal_communication_failure',
  ],
  [
    'current_module_fault',
    'pack_voltage_detection_fault',
    'short_circuit_protection',
    'low_voltage_charging_forbidden',
  ],
];

/** Highest integer that a record's number can hold with all its bits. */
const safeBits = 53;

/** Names of the faults; a bit that no document explains is called by its place: `byte6.bit4`. */
export function dalyFaults(data: Uint8Array): string[] {
  const names: string[] = [];
  for (let at = 0; at < Math.min(7, data.length); at++) {
    for (let bit = 0; bit < 8; bit++) {
      if ((data[at]! >> bit) & 1) names.push(bytes[at]?.[bit] ?? `byte${at}.bit${bit}`);
    }
  }
  return names;
}

/** The fault bits as one number, byte 0 lowest; undefined where a number can't hold them exactly. */
export function dalyFlags(data: Uint8Array): number | undefined {
  let flags = 0;
  for (let at = Math.min(7, data.length) - 1; at >= 0; at--) flags = flags * 256 + data[at]!;
  return flags < 2 ** safeBits ? flags : undefined;
}
