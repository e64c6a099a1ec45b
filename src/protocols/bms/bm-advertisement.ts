import { type BmFamily, ciphers } from './bm-cipher.ts';
import { bmStates, isPlausible } from './bm-live.ts';
import type { BatteryFields } from './fields.ts';

/*
 * What a BM monitor says in its advertisements, with no connection. There are two manufacturer records, company identifier included:
 *
 *   iBeacon    4C00 0215, UUID of the family, major, minor, power; the state of charge is byte 21 (BM6) or the last one (BM2)
 *   reading    one block, encrypted as on the connection, so that its "company identifier" changes with every value
 *
 *   plaintext   BM6   address (6)             voltage u16 /100   state of charge   state   ?   00 0000   01 08
 *               BM2   address reversed (6)    voltage u16 /100   state of charge   state   ?   00 0000   09 00
 *
 * The address in it must be the advertiser's: a foreign record can't pass. Where the system hides addresses (macOS) zero bytes, tail
 * and values must do. Byte 10 looks like a temperature in winter and is none: a BM2, which has no sensor, sends it too.
 *
 * A host stack that collects manufacturer records by company identifier holds dozens of old blocks after an hour (Rafciq/BM6 issue 16):
 * only the last one received is a reading. That a BM7 does the same with its key is likely and not proven; its address would prove it.
 *
 * Sources: recorded advertisements of ten devices in tests/vectors/bms/adverts.ndjson.
 */

/** A reading out of the air. */
export interface AdvertisedReading {
  family: BmFamily;
  /** The advertiser's address was in the encrypted block. */
  proven: boolean;
  fields: BatteryFields;
}

const recordLength = 16;
/** Voltage of a 12 V battery; without an address to check, nothing above is taken. */
const highestUnproven = 20;

const layouts: Readonly<Record<BmFamily, { reversed: boolean; tail: number }>> = {
  bm6: { reversed: false, tail: 0x0108 },
  bm7: { reversed: false, tail: 0x0108 },
  bm2: { reversed: true, tail: 0x0900 },
};

/** The six bytes of an address in the order in which people write it; undefined where there is none. */
export function addressBytes(address: string | undefined): Buffer | undefined {
  const digits = address?.replaceAll(/[:-]/g, '') ?? '';
  return /^[0-9a-f]{12}$/i.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}

function readAs(family: BmFamily, record: Uint8Array, address: Buffer | undefined): AdvertisedReading | undefined {
  const block = ciphers[family].decrypt(record);
  const { reversed, tail } = layouts[family];
  const inside = Buffer.from(block.subarray(0, 6));
  if (reversed) inside.reverse();
  const known = bmStates[family][block[9]!];
  const fields: BatteryFields = {
    voltage: block.readUInt16BE(6) / 100,
    state_of_charge: block[8]!,
    ...(known !== undefined && { state: known }),
  };
  if (!isPlausible(fields)) return undefined;
  if (address) return inside.equals(address) ? { family, proven: true, fields } : undefined;
  const shaped = block.readUIntBE(11, 3) === 0 && block.readUInt16BE(14) === tail;
  const likely = shaped && known !== undefined && fields.voltage! <= highestUnproven;
  return likely ? { family, proven: false, fields } : undefined;
}

/**
 * The reading in a manufacturer record (company identifier included), undefined when it is none of this family's.
 *
 * @param address the advertiser's, in any of its spellings; absent where the system hides it
 */
export function decodeAdvertisedReading(record: Uint8Array, address?: string): AdvertisedReading | undefined {
  if (record.length !== recordLength) return undefined;
  const bytes = addressBytes(address);
  for (const family of ['bm6', 'bm2', 'bm7'] as const) {
    const reading = readAs(family, record, bytes);
    if (reading) return reading;
  }
  return undefined;
}

const beaconLength = 25;
const beacons = [
  { family: 'bm6', uuid: '3ba29cd9a42c894856badaf2606ef777', chargeAt: 21 },
  { family: 'bm2', uuid: '655f83caae16a10a702e31f30d58dd82', chargeAt: beaconLength - 1 },
] as const;

/** Family and state of charge in an iBeacon record of a BM6 or BM2; undefined for other beacons and records. */
export function decodeBeacon(record: Uint8Array): { family: BmFamily; fields: BatteryFields } | undefined {
  const bytes = Buffer.from(record);
  if (bytes.length !== beaconLength || bytes.readUInt32BE(0) !== 0x4c000215) return undefined;
  const beacon = beacons.find(({ uuid }) => bytes.toString('hex', 4, 20) === uuid);
  if (!beacon) return undefined;
  const charge = bytes[beacon.chargeAt]!;
  return { family: beacon.family, fields: charge <= 100 ? { state_of_charge: charge } : {} };
}
