/*
 * JBD / Xiaoxiang / Overkill Solar / LLT, over UART, RS485 and Bluetooth.
 *
 *   request  DD A5 register length data… checksum(2) 77      A5 reads, 5A writes
 *   answer   DD register status length data… checksum(2) 77  status 00 ok, 80 refused, 81 not allowed, 82 checksum, 83 password
 *
 * The checksum is 0x10000 − (sum of the bytes from the third on), in 16 bits; in an answer it doesn't cover the register. 77 and DD
 * occur inside payloads, so the length alone says where a frame ends. Big endian throughout.
 *
 *   03 basic information           04 cells: u16 mV each          05 hardware name: ASCII          AA error counters: u16 each
 *     0 voltage u16 10 mV            2 current s16 10 mA, + charging     4 remaining u16 10 mAh    6 nominal u16 10 mAh
 *     8 cycles u16                  10 date: year − 2000 << 9 | month << 5 | day                  12 balancing 1–16, 14 17–32
 *    16 protection u16              18 version, two nibbles        19 state of charge %           20 switches: 1 charge, 2 discharge,
 *    21 cells                       22 sensors n                   23… n × u16 0.1 K                 80: units of 100 mA and 100 mAh
 *    23 + 2n, only with ≥ 9 more bytes: humidity u8, alarm u16, full capacity u16, remaining u16, balance current u16 mA
 *
 * Rejections: noise, checksum, tail, length, cut, request (an echo of ours, or another master's), too short.
 * Sources: JBD protocol documents V4 and V11; frames of tests/vectors/bms/jbd.ndjson.
 */
import { boardCells, type Odd, wholeFields } from './board-values.ts';
import type { Codec, Frame, Info, Reading, Rejection } from './codec.ts';
import { bitNumbers, temperatureFields } from './fields.ts';
import { ascii, s16, streamParser, u16 } from './framing.ts';
import { ask, jbdRequest, latest, plain, withModule } from './jbd-frames.ts';
import { unlock } from './jbd-module.ts';
import { jbdUp } from './jbd-up.ts';

const basicRegister = 0x03;
const cellsRegister = 0x04;
const nameRegister = 0x05;
const errorsRegister = 0xaa;
const switchesRegister = 0xe1;
/** Names of the protection bits, lowest first; bit 12 is no fault but a switch that somebody turned off. */
const protections = [
  'cell_overvoltage',
  'cell_undervoltage',
  'pack_overvoltage',
  'pack_undervoltage',
  'charge_overtemperature',
  'charge_undertemperature',
  'discharge_overtemperature',
  'discharge_undertemperature',
  'charge_overcurrent',
  'discharge_overcurrent',
  'short_circuit',
  'frontend_ic_error',
  'switch_locked',
  'charge_mos_breakdown',
  'discharge_mos_breakdown',
  'bit15',
] as const;
const lockBit = 1 << 12;
const mostCells = 32;
/** Without bit 7 of the switches 16 bits end here, in A: a board that carries more must use coarse steps. */
const endOfFineScale = 327.67;

const errorCounts = [
  'short_circuit',
  'charge_overcurrent',
  'discharge_overcurrent',
  'cell_overvoltage',
  'cell_undervoltage',
  'charge_overtemperature',
  'charge_undertemperature',
  'discharge_overtemperature',
  'discharge_undertemperature',
  'pack_overvoltage',
  'pack_undervoltage',
  'system_restarts',
] as const;

const basic = ask('basic information', basicRegister, 23);
const cells = ask('cell voltages', cellsRegister, 2);
const hardware = ask('hardware name', nameRegister, 1, true);
const errors = ask('error counters', errorsRegister, 22, true);

/** What register 03 says. Written out, since this is what runs for every frame. */
function basicFields(data: Uint8Array, celsius: readonly (number | undefined)[], cells: number, sign: 1 | -1): Odd {
  const switches = data[20]!;
  const isCoarse = (switches & 0x80) !== 0;
  const unit = isCoarse ? 10 : 100;
  const raw = s16(data, 2);
  const { fields, remarks } = wholeFields({
    voltage: u16(data, 0) / 100,
    current: raw === 0 ? 0 : (sign * raw) / unit,
    stateOfCharge: data[19]!,
    cells,
    mostCells,
    ...(!isCoarse && { endOfScale: endOfFineScale }),
  });
  const flags = u16(data, 16);
  const extension = 23 + 2 * celsius.length;
  const balancing = u16(data, 12) + u16(data, 14) * 0x10000;
  Object.assign(fields, {
    cell_count: data[21]!,
    charge_enabled: (switches & 1) !== 0,
    discharge_enabled: (switches & 2) !== 0,
    balancing: balancing === 0 ? [] : bitNumbers(balancing),
    alarms: flags === 0 ? [] : bitNumbers(flags & ~lockBit).map((number) => protections[number - 1]!),
    alarm_flags: flags,
    cycles: u16(data, 8),
    remaining_ah: u16(data, 4) / unit,
    nominal_ah: u16(data, 6) / unit,
    firmware: versions[data[18]!]!,
  });
  if ((flags & lockBit) !== 0) fields.switch_locked = true;
  if (data.length >= extension + 9) fields.full_ah = u16(data, extension + 3) / unit;
  return { fields: Object.assign(fields, temperatureFields(celsius)), remarks };
}

/** The byte 44 is version 4.4, 80 is 8.0. */
const versions: readonly string[] = Array.from({ length: 256 }, (_, byte) => `${byte >> 4}.${byte & 15}`);

/** Sensors of register 03 in °C. A missing probe reads far below what a battery survives. */
function sensors(data: Uint8Array): (number | undefined)[] {
  const list: (number | undefined)[] = [];
  for (let n = 0; n < data[22]!; n++) {
    const celsius = (u16(data, 23 + 2 * n) - 2731) / 10;
    list.push(celsius < -35 || celsius > 150 ? undefined : celsius);
  }
  return list;
}

const tooShort = (data: Uint8Array, needed: number): Rejection => ({
  rejected: 'too short',
  detail: `basic information has ${data.length} bytes, ${needed} are needed`,
});

function decode(frames: readonly Frame[], options: { invertCurrent?: boolean }): Reading | Rejection {
  const data = latest(frames, basicRegister);
  if (data && data.length < 23) return tooShort(data, 23);
  if (data && data.length < 23 + 2 * data[22]!) return tooShort(data, 23 + 2 * data[22]!);
  const list = latest(frames, cellsRegister);
  if (!data && !list) return { rejected: 'too short', detail: 'neither basic information nor cell voltages' };

  const count = list ? list.length >> 1 : 0;
  const celsius = data ? sensors(data) : [];
  const { fields, remarks } = data
    ? basicFields(data, celsius, Math.max(data[21]!, count), options.invertCurrent ? -1 : 1)
    : { fields: {}, remarks: [] };
  const missing = celsius.indexOf(undefined);
  if (missing >= 0) remarks.push(`temperature sensor ${missing + 1} is missing`);
  if (list) {
    const millivolts: number[] = [];
    for (let n = 0; n < count; n++) millivolts.push(u16(list, 2 * n));
    const cells = boardCells(millivolts);
    Object.assign(fields, cells.fields);
    remarks.push(...cells.remarks);
    if (fields.cell_count !== undefined && fields.cell_count !== count) {
      delete fields.cells;
      remarks.push(`it says ${fields.cell_count} cells and lists ${count}: the list is left out`);
    } else fields.cell_count = count;
  }
  return remarks.length > 0 ? { fields, remarks } : { fields };
}

function decodeInfo(frames: readonly Frame[]): Info | Rejection {
  const data = latest(frames, basicRegister);
  if (!data || data.length < 23) return tooShort(data ?? new Uint8Array(0), 23);
  const name = latest(frames, nameRegister);
  const counts = latest(frames, errorsRegister);
  const hardwareName = name && ascii(name);
  const date = u16(data, 10);
  const two = (n: number) => String(n).padStart(2, '0');
  const counted =
    counts && errorCounts.flatMap((key, n) => (counts.length >= 2 * n + 2 ? [[key, u16(counts, 2 * n)]] : []));
  return {
    firmware: `${data[18]! >> 4}.${data[18]! & 15}`,
    ...(hardwareName && { hardware: hardwareName }),
    ...((date >> 5) & 15 && { manufactured: `${2000 + (date >> 9)}-${two((date >> 5) & 15)}-${two(date & 31)}` }),
    ...(counted && { error_counts: Object.fromEntries(counted) }),
  };
}

/** JBD, Xiaoxiang, Overkill Solar, LLT. */
export const codec: Codec = {
  name: 'jbd',
  family: 'jbd',
  summary: 'JBD, Xiaoxiang, Overkill Solar, LLT and their rebrands',
  parser: ({ address }) => streamParser(address === undefined ? plain : withModule),
  reading: { requests: () => [basic, cells], decode },
  info: { requests: () => [basic, hardware, errors], decode: decodeInfo },
  opening: unlock,
  // The first request after sleep or connect is normally lost.
  probes: () => [{ request: basic, times: 2, options: {} }],
  variants: [jbdUp],
  switching(change, now) {
    // One bit for two: either may be the locked one, and the other be held open by a protection.
    const isOne = change.charge === undefined || change.discharge === undefined;
    if (isOne && now.switch_locked && now.charge_enabled === false && now.discharge_enabled === false) {
      return {
        rejected: 'ambiguous',
        detail: 'both are off and it does not tell which one is locked: say both --charge and --discharge',
      };
    }
    // A switch that a protection holds open would be locked for good if it were written as it is: only a lock is repeated.
    const locked = now.switch_locked ? now : {};
    const charge = change.charge ?? locked.charge_enabled ?? true;
    const discharge = change.discharge ?? locked.discharge_enabled ?? true;
    const off = (charge ? 0 : 1) | (discharge ? 0 : 2);
    return [
      {
        ...ask('charge and discharge switches', switchesRegister, 0),
        bytes: jbdRequest(switchesRegister, [0, off], true),
        writes: true,
      },
    ];
  },
  whenSilent: ({ address, password }) =>
    address !== undefined && password === undefined
      ? 'A newer Bluetooth module stays silent until it gets its password: --password-file'
      : undefined,
  timing: { response: 500, gap: 20, wake: 300, torn: 300 },
  serial: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
  gatt: [{ service: 'ff00', notify: 'ff01', write: 'ff02', writeType: 'as-offered' }],
};
