import type { BatteryFields } from './fields.ts';

/*
 * What a monitor has stored: records of four bytes, nibble by nibble, one every two minutes, packed over the blocks.
 *
 *   BM6, BM7   vvv ss tt p   voltage /100 V, state of charge %, temperature °C (its sign is not known), flag   newest first
 *   BM2        vvv k mmm t   voltage /100 V, not used, lowest voltage while cranking /100 V, type              oldest first
 *
 * `FFFFFE` stands before them (BM6: not always), `FFFEFE` behind, anywhere in a block; zeros fill blocks up.
 * Sources: marcomc/BMGateway (BM6), KrystianD/bm2-battery-monitor (BM2).
 */

/** Seconds between two stored values. */
export const historyStep = 120;

/** The marks around a log. */
export const logStart = Buffer.from('fffffe', 'hex');
export const logEnd = Buffer.from('fffefe', 'hex');

/** A log between its marks. */
export interface Log {
  data: Buffer;
  /** Its end mark was there. */
  complete: boolean;
}

/** Joins the blocks of a log and takes the marks off. */
export function joinLog(blocks: readonly Uint8Array[]): Log {
  const all = Buffer.concat(blocks);
  const from = all.subarray(0, logStart.length).equals(logStart) ? logStart.length : 0;
  const end = all.indexOf(logEnd, from);
  return { data: all.subarray(from, end < 0 ? undefined : end), complete: end >= 0 };
}

const recordSize = 4;

function* records(data: Buffer): Generator<number> {
  for (let at = 0; at + recordSize <= data.length; at += recordSize) {
    const word = data.readUInt32BE(at);
    if (word !== 0) yield word;
  }
}

/** Records of a BM6 or BM7, in the device's order: newest first. */
export function decodeBm6History(data: Buffer): BatteryFields[] {
  return Array.from(records(data), (word) => ({
    voltage: (word >>> 20) / 100,
    state_of_charge: (word >>> 12) & 0xff,
    temperature_abs: (word >>> 4) & 0xff,
  }));
}

/** Records of a BM2, in the device's order: oldest first. */
export function decodeBm2History(data: Buffer): BatteryFields[] {
  return Array.from(records(data), (word) => {
    const cranking = (word >>> 4) & 0xfff;
    return { voltage: (word >>> 20) / 100, ...(cranking !== 0 && { cranking_voltage: cranking / 100 }) };
  });
}
