import { type BmFamily, blockSize, ciphers } from '../../protocols/bms/bm-cipher.ts';
import { crankingCode } from '../../protocols/bms/bm-cranking.ts';
import { logEnd, logStart } from '../../protocols/bms/bm-history.ts';
import { bmStates } from '../../protocols/bms/bm-live.ts';

/** What a simulated monitor measures. */
export interface BmValues {
  /** V */
  voltage: number;
  /** % */
  charge: number;
  /** °C */
  temperature: number;
  /** As in `state` of a reading. */
  state: string;
}

const hundredths = (volts: number): number => Math.round(volts * 100);

function stateCode(family: BmFamily, state: string): number {
  const found = Object.entries(bmStates[family]).find(([, name]) => name === state);
  return found ? Number(found[0]) : 0;
}

/** A block of plaintext from its first bytes. */
function block(...bytes: readonly number[]): Buffer {
  const whole = Buffer.alloc(blockSize);
  whole.set(bytes);
  return whole;
}

/** The live frame, plaintext; see src/protocols/bms/bm-live.ts. */
export function liveFrame(family: BmFamily, { voltage, charge, temperature, state }: BmValues, counter = 0): Buffer {
  const volts = hundredths(voltage);
  const code = stateCode(family, state);
  if (family === 'bm2')
    return block(0xf5, volts >> 4, ((volts & 0x0f) << 4) | code, charge, counter >> 8, counter & 0xff);
  const degrees = Math.round(temperature);
  return block(0xd1, 0x55, 0x07, degrees < 0 ? 1 : 0, Math.abs(degrees), code, charge, volts >> 8, volts & 0xff);
}

/** What a BM6 answers to a poll before the values. */
export const acknowledgement = (): Buffer => block(0xd1, 0x55, 0x07, 0xff);

/** The version of a BM6 or BM7. */
export const versionFrame = (family: BmFamily): Buffer =>
  family === 'bm7' ? block(0xd1, 0x55, 0x01, 2, 2, 0x11, 0x25) : block(0xd1, 0x55, 0x01, 1, 8, 0, 5);

/** One stored value as a device packs it; see src/protocols/bms/bm-history.ts. */
export function historyRecord(family: BmFamily, { voltage, charge, temperature }: BmValues): Buffer {
  const record = Buffer.alloc(4);
  const volts = hundredths(voltage);
  record.writeUInt32BE(
    family === 'bm2'
      ? ((volts << 20) | (1 << 16) | (0x111 << 4) | 1) >>> 0
      : ((volts << 20) | (charge << 12) | (Math.abs(Math.round(temperature)) << 4)) >>> 0,
  );
  return record;
}

/** Whole blocks with a log in them: start mark, data, end mark (and the length behind it, as a BM2 has). */
export function logBlocks(family: BmFamily, data: Buffer): Buffer[] {
  const length = Buffer.alloc(3);
  length.writeUIntBE(data.length + 9, 0, 3);
  return blocksOf(Buffer.concat([logStart, data, logEnd, ...(family === 'bm2' ? [length] : [])]));
}

/** Whole blocks with bytes in them. */
function blocksOf(whole: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = 0; at < whole.length; at += blockSize) blocks.push(block(...whole.subarray(at, at + blockSize)));
  return blocks;
}

/** Samples of an engine start: four hundredths of a second at rest, the drop, strokes of the engine, and it runs. */
const crankingSamples = 352;
const sampleStep = 0.01;
const strokesFrom = 8;

/** The voltage while an engine is started, as a BM6 logs it; `lowest` V is reached right after the drop. */
export function crankingCurve(rest: number, lowest: number): number[] {
  return Array.from({ length: crankingSamples }, (_, i) => {
    if (i < strokesFrom) return rest;
    const since = (i - strokesFrom) * sampleStep;
    const recovered = (1 - Math.exp(-since / 0.6)) * (rest + 0.2 - lowest);
    const stroke = Math.max(0, 0.15 - since * 0.1) * (1 - Math.cos(since * 40));
    return Math.round((lowest + recovered + stroke) * 100) / 100;
  });
}

/** The log of an engine start, plaintext; see src/protocols/bms/bm-cranking.ts. */
export function crankingBlocks(curve: readonly number[]): Buffer[] {
  const head = Buffer.from([0xd1, 0x55, crankingCode, 1, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(hundredths(curve[strokesFrom + 2] ?? 0), 4);
  head.writeUInt16BE(curve.length * 10, 6);
  const digits = curve.map((volts) => hundredths(volts).toString(16).padStart(3, '0')).join('');
  return blocksOf(Buffer.concat([head, logStart, Buffer.from(digits, 'hex'), logEnd]));
}

/** The manufacturer record with a reading in it, encrypted; see src/protocols/bms/bm-advertisement.ts. */
export function advertisedBlock(family: BmFamily, address: string, { voltage, charge, state }: BmValues): Buffer {
  const own = Buffer.from(address.replaceAll(':', ''), 'hex');
  if (family === 'bm2') own.reverse();
  const volts = hundredths(voltage);
  const tail = family === 'bm2' ? [9, 0] : [1, 8];
  const plain = block(...own, volts >> 8, volts & 0xff, charge, stateCode(family, state), 3, 0, 0, 0, ...tail);
  return ciphers[family].encrypt(plain);
}

const beacons: Readonly<Record<BmFamily, string | undefined>> = {
  bm2: '655f83caae16a10a702e31f30d58dd82',
  bm6: '3ba29cd9a42c894856badaf2606ef777',
  bm7: undefined,
};

/** The iBeacon record with the state of charge; a BM7 is not known to have one. */
export function beaconRecord(family: BmFamily, charge: number): Buffer | undefined {
  const uuid = beacons[family];
  if (uuid === undefined) return undefined;
  const head = Buffer.from(`4c000215${uuid}`, 'hex');
  return Buffer.concat([
    head,
    family === 'bm2' ? Buffer.from([0, 0, 0, 0, charge]) : Buffer.from([0x11, charge, 0, 0, 0xcd]),
  ]);
}
