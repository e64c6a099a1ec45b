/*
 * Daly boards, the Modbus dialect with address D2, over Bluetooth and UART. Frames: modbus.ts.
 *
 *   00–1F cells mV          20–27 sensors − 40 °C       28 voltage 0.1 V       29 current (raw − 30000) 0.1 A, above: CHARGING
 *   2A state of charge 0.1 %   2B 2C highest and lowest cell   2D 2E temperatures   2F state 0 idle 1 charging 2 discharging
 *   30 remaining 0.1 Ah     31 cells     32 sensors     33 cycles     34 balancing     35 36 charge and discharge switch
 *   37 38 mean and difference mV         39 power W, without sign     3A–3D faults, low byte first, see daly-faults.ts
 *   3E 3F balancing 1–16, 17–32 and 42 switches − 40 °C: only in firmware that answers 80 registers; else 42 is asked for
 *   A9… versions: three texts of 16 characters (software, hardware, date), or two of 32 (software, hardware)
 *
 * C9–CB hold the pairing password in clear: never asked for. The link brings other things too, `9600`, `AT+PRODUCTINFO=NoPID`,
 * frames of address 51, answers with a wrong CRC made by the device itself, and several answers in one notification.
 *
 * Rejections: noise, checksum, length, cut, request, too short.
 * Sources: captures of the official app; frames of tests/vectors/bms/daly-d2.ndjson.
 */
import { boardCells } from './board-values.ts';
import type { Codec, CodecOptions, Frame, Info, Reading, Rejection, Request } from './codec.ts';
import { dalyFaults, dalyFlags } from './daly-faults.ts';
import { dalyStates, dalyTemperature, dalyTemperatures, dalyTooMany, dalyWhole } from './daly-values.ts';
import { type BatteryFields, bitNumbers } from './fields.ts';
import { ascii, streamParser } from './framing.ts';
import { modbusFraming, readRequest, registersOf, writeRequest } from './modbus.ts';

const address = 0xd2;
const longest = 0xa0 + 5;
const statusCount = 0x3e;
const mostCells = 32;
const extraCount = 9;
const versionCount = 0x20;
/** Register of the temperature of the switches, counted from the status and from the extra answer. */
const mosRegister = 0x42;

const framing = modbusFraming((byte) => byte === address, longest);
const status = readRequest('status', address, 0, statusCount);
const isStatus = ({ code, data }: Frame): boolean =>
  code === 3 && data.length >= 2 * statusCount && data.length % 2 === 0;
const ofLength = (frames: readonly Frame[], registers: number): Frame | undefined =>
  frames.findLast(({ code, data }) => code === 3 && data.length === 2 * registers);
const exactly = (request: Request, registers: number): Request => ({
  ...request,
  optional: true,
  accepts: ({ code, data }) => code === 3 && data.length === 2 * registers,
});
const extra = exactly(readRequest('temperature of the switches', address, statusCount, extraCount), extraCount);
const versions: Request = {
  ...exactly(readRequest('versions', address, 0xa9, versionCount), versionCount),
  optional: false,
};

function* requests(): Generator<Request, void, readonly Frame[]> {
  const [answer] = yield status;
  if (answer && answer.data.length < 2 * (mosRegister + 1)) yield extra;
}

function decode(frames: readonly Frame[], options: CodecOptions): Reading | Rejection {
  const data = frames.findLast(isStatus)?.data;
  if (!data)
    return { rejected: 'too short', detail: `the status has not the ${statusCount} registers that were asked for` };
  const r = registersOf(data);
  const cellCount = r[0x31]!;
  const sensorCount = r[0x32]!;
  const tooMany = dalyTooMany(cellCount, mostCells, sensorCount);
  if (tooMany) return tooMany;
  const cells = boardCells(r.slice(0, cellCount));
  const sensors = dalyTemperatures(r.slice(0x20, 0x20 + sensorCount));
  const second = ofLength(frames, extraCount);
  const mos = dalyTemperature(r[mosRegister] ?? (second && registersOf(second.data)[mosRegister - statusCount]));
  const faults = Uint8Array.from([0x3a, 0x3b, 0x3c, 0x3d].flatMap((at) => [r[at]! & 0xff, r[at]! >> 8]));
  const flags = dalyFlags(faults);
  const whole = dalyWhole([r[0x28]!, r[0x29]!, r[0x2a]!], cellCount, mostCells, options);
  const state = dalyStates[r[0x2f]!];
  const fields: BatteryFields = {
    ...whole.fields,
    ...cells.fields,
    ...sensors.fields,
    ...(mos !== undefined && { temp_mos: mos }),
    cell_count: cellCount,
    ...(state && { state }),
    charge_enabled: r[0x35] === 1,
    discharge_enabled: r[0x36] === 1,
    ...balancing(r),
    alarms: dalyFaults(faults),
    ...(flags !== undefined && { alarm_flags: flags }),
    cycles: r[0x33]!,
    remaining_ah: r[0x30]! / 10,
  };
  const remarks = [...whole.remarks, ...cells.remarks, ...sensors.remarks];
  return { fields, ...(remarks.length > 0 && { remarks }) };
}

/** Which cells are balanced: only firmware with the masks says so, and all say when none is. */
function balancing(r: readonly number[]): BatteryFields {
  if (r[0x34] === 0) return { balancing: [] };
  if (r[0x3f] === undefined) return {};
  return { balancing: [...bitNumbers(r[0x3e]!), ...bitNumbers(r[0x3f], 17)] };
}

function decodeInfo(frames: readonly Frame[]): Info | Rejection {
  const data = ofLength(frames, versionCount)?.data;
  if (!data) return { rejected: 'too short', detail: 'no versions came' };
  const text = (from: number, to: number): string | undefined => ascii(data.subarray(from, to));
  const short = data[16] !== 0;
  const firmware = text(0, short ? 16 : 32);
  const hardware = short ? text(16, 32) : text(32, 64);
  const date = short ? /^(\d{4})(\d\d)(\d\d)$/.exec(text(32, 48) ?? '') : null;
  return {
    ...(firmware && { firmware }),
    ...(hardware && { hardware }),
    ...(date && { manufactured: date.slice(1).join('-') }),
  };
}

/** Daly's D2 dialect. */
export const codec: Codec = {
  name: 'daly-d2',
  family: 'daly',
  summary: 'Daly, Modbus with address D2: most boards with Bluetooth inside',
  parser: () => streamParser(framing),
  reading: { requests, decode },
  info: { requests: () => [versions], decode: decodeInfo },
  probes: () => [{ request: status, options: {} }],
  switching: (change) =>
    (
      [
        ['charge', 0xa5],
        ['discharge', 0xa6],
      ] as const
    ).flatMap(([which, register]) =>
      change[which] === undefined ? [] : [writeRequest(`${which} switch`, address, register, change[which] ? 1 : 0)],
    ),
  timing: { response: 1000, gap: 20, torn: 400 },
  serial: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
  gatt: [
    { service: 'fff0', notify: 'fff1', write: 'fff2', writeType: 'without-response' },
    { service: 'ff00', notify: 'ff01', write: 'ff02', writeType: 'without-response' },
  ],
};
