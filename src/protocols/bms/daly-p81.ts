/*
 * Daly boards, the Modbus dialect of the HKMS, ESS-DL, Y and K series: requests to 80 + board, answers from 50 + board.
 * Frames: modbus.ts.
 *
 *   00–2F cells mV       30–37 sensors − 40 °C, 255 absent      38 voltage 0.1 V     39 current (raw − 30000) 0.1 A, above: CHARGING
 *   3A state of charge 0.1 %   3B heartbeat     3C 3D cells, sensors       3E 3F highest mV, number   40 41 lowest mV, number
 *   42 difference mV     43–46 highest − 40 °C, number, lowest, number     48 state 0 idle 1 charging 2 discharging
 *   4B remaining 0.1 Ah  4C cycles     4D balancing, 0 off     4F–51 balancing 1–16, 17–32, 33–48    52 53 charge, discharge switch
 *   5A 5B switches and board − 40 °C   6D–73 faults, packed in a way that nobody has proven: not decoded
 *   178… software, 28 characters, then hardware, 14
 *
 * Which of the registers 121 and 122 is which switch is not proven either, so that no switch is offered.
 *
 * Rejections: noise, checksum, length, cut, request, too short.
 * Sources: syssi/esphome-daly-bms, captures of an ESS-DL-BMS; frames of tests/vectors/bms/daly-p81.ndjson.
 */
import { boardCells } from './board-values.ts';
import type { Codec, CodecOptions, Frame, Info, Reading, Rejection, Request } from './codec.ts';
import { dalyStates, dalyTemperature, dalyTemperatures, dalyTooMany, dalyWhole } from './daly-values.ts';
import { type BatteryFields, bitNumbers } from './fields.ts';
import { ascii, streamParser } from './framing.ts';
import { modbusFraming, readRequest, registersOf } from './modbus.ts';

const cellsCount = 0x40;
const mostCells = 48;
const statusFrom = 0x41;
const statusCount = 0x3e;
const versionCount = 0x4a;
const longest = 2 * versionCount + 5;
const framing = modbusFraming(
  (byte) => byte > 0x50 && byte < 0x60,
  longest,
  (byte) => byte > 0x80 && byte < 0x90,
);

/** A request to one board, answered by exactly as many registers. */
function ask(what: string, register: number, count: number, { board = 1 }: CodecOptions): Request {
  return {
    ...readRequest(what, 0x80 + board, register, count),
    accepts: ({ code, address, data }) => code === 3 && address === 0x50 + board && data.length === 2 * count,
  };
}

const cells = (options: CodecOptions): Request => ask('cells', 0, cellsCount, options);
const registersIn = (frames: readonly Frame[], count: number): number[] | undefined => {
  const data = frames.findLast(({ code, data }) => code === 3 && data.length === 2 * count)?.data;
  return data && registersOf(data);
};

function decode(frames: readonly Frame[], options: CodecOptions): Reading | Rejection {
  const r = registersIn(frames, cellsCount);
  if (!r) return { rejected: 'too short', detail: `no ${cellsCount} registers of cells came` };
  const [cellCount, sensorCount] = [r[0x3c]!, r[0x3d]!];
  const tooMany = dalyTooMany(cellCount, mostCells, sensorCount);
  if (tooMany) return tooMany;
  const list = boardCells(r.slice(0, cellCount));
  const sensors = dalyTemperatures(r.slice(0x30, 0x30 + sensorCount));
  const whole = dalyWhole([r[0x38]!, r[0x39]!, r[0x3a]!], cellCount, mostCells, options);
  const second = registersIn(frames, statusCount);
  const fields: BatteryFields = {
    ...whole.fields,
    ...list.fields,
    ...sensors.fields,
    cell_count: cellCount,
    ...(second && statusFields((register) => second[register - statusFrom]!)),
  };
  const remarks = [...whole.remarks, ...list.remarks, ...sensors.remarks];
  return { fields, ...(remarks.length > 0 && { remarks }) };
}

function statusFields(at: (register: number) => number): BatteryFields {
  const state = dalyStates[at(0x48)];
  const mos = dalyTemperature(at(0x5a));
  return {
    ...(state && { state }),
    remaining_ah: at(0x4b) / 10,
    cycles: at(0x4c),
    balancing: at(0x4d) === 0 ? [] : [0, 1, 2].flatMap((n) => bitNumbers(at(0x4f + n), 1 + 16 * n)),
    charge_enabled: at(0x52) === 1,
    discharge_enabled: at(0x53) === 1,
    ...(mos !== undefined && { temp_mos: mos }),
  };
}

function decodeInfo(frames: readonly Frame[]): Info | Rejection {
  const data = frames.findLast(({ code, data: one }) => code === 3 && one.length === 2 * versionCount)?.data;
  if (!data) return { rejected: 'too short', detail: 'no versions came' };
  const firmware = ascii(data.subarray(0, 28));
  const hardware = ascii(data.subarray(28, 42));
  return { ...(firmware && { firmware }), ...(hardware && { hardware }) };
}

/** Daly's P81 dialect. */
export const codec: Codec = {
  name: 'daly-p81',
  family: 'daly',
  summary: 'Daly, Modbus with addresses from 81: HKMS, ESS, Y and K series',
  parser: () => streamParser(framing),
  reading: {
    requests: (options) => [cells(options), { ...ask('status', statusFrom, statusCount, options), optional: true }],
    decode,
  },
  info: { requests: (options) => [ask('versions', 0x178, versionCount, options)], decode: decodeInfo },
  probes: (options) => [{ request: cells(options), options: {} }],
  timing: { response: 1000, gap: 20, torn: 400 },
  serial: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
  gatt: [
    { service: 'fff0', notify: 'fff1', write: 'fff2', writeType: 'without-response' },
    { service: 'ff00', notify: 'ff01', write: 'ff02', writeType: 'without-response' },
  ],
};
