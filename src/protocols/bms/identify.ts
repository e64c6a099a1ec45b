import { addressBytes, decodeAdvertisedReading, decodeBeacon } from './bm-advertisement.ts';

/** What is known of a device from its advertisements. */
export interface Advertised {
  /** Absent where the system hides it. */
  address?: string | undefined;
  name?: string | undefined;
  /** In short form, lower case: `fff0`. */
  services: readonly string[];
  /** Manufacturer records, company identifier included as on air (low byte first). */
  manufacturerData: readonly Uint8Array[];
}

/** A family that a device may be of. */
export interface Candidate {
  family: string;
  /** Higher is surer: {@link weights}. */
  weight: number;
}

/*
 * A service never decides: BM2, BM6, BM7 and Daly share FFF0, JBD and some Daly modules FF00. So what a device says of itself is
 * weighed. What weighs equally, or no more than a name, is decided by asking it.
 *
 *   proof   the address, encrypted with the family's key, or where the module's maker puts it
 *   beacon  the iBeacon UUID of the family
 *   name    a name that only this family has
 *   hint    maker's address range, company identifier or a common name, together with the family's service
 */
const weights = { proof: 4, beacon: 3, name: 2, hint: 1 } as const;

interface Signs {
  services: readonly string[];
  names: RegExp;
  /** Names that others have too. */
  commonNames?: RegExp;
  /** The first three bytes of addresses. */
  makers?: readonly string[];
  companies?: readonly number[];
}

/** Signs of a family, from facts collected from aiobmsble, batmon-ha, OpenMQTTGateway and the makers' apps. */
const families: Readonly<Record<string, Signs>> = {
  bm6: {
    services: ['fff0'],
    names: /^(BM6|Battery Guard|(Ancel )?BM200|(Sealey )?BT2020|Quicklynks|intAct Battery-Guard)$/i,
    makers: ['50547b', '383b26', '3cab72'],
  },
  bm2: { services: ['fff0'], names: /^(Battery Monitor|Li Battery Monitor|ZX-1689)$/i },
  bm7: { services: ['fff0'], names: /^(BM300 Pro|(Ancel )?BM300|BM7)$/i },
  jbd: {
    services: ['ff00'],
    names: /^(xiaoxiang BMS|JBD-.*)$/i,
    commonNames: /^(DP04S|SP|LT|DWF|LSG-|SX1|SX60|SBL-|OGR-|TZ-H|N-.{5}BL)/,
    makers: ['10a562', 'a4c137', 'a4c138', 'a5c237', 'a5c239', 'a5c23a', 'aac237', '703e97'],
  },
  daly: {
    services: ['fff0', 'ff00'],
    names: /^(DL-|JHB-)/,
    companies: [0x0102, 0x0104, 0x0302, 0x0303, 0x0402],
  },
};

const companyOf = (record: Uint8Array): number => (record[0] ?? 0) | ((record[1] ?? 0) << 8);

/** A JBD module puts its own address, last byte first, where company identifier and data stand. */
function isOwnAddress(record: Uint8Array, address: Buffer | undefined): boolean {
  return address !== undefined && record.length === 6 && Buffer.from(record).reverse().equals(address);
}

function weightOf(signs: Signs, { name = '', services, manufacturerData }: Advertised, maker: string): number {
  if (signs.names.test(name)) return weights.name;
  if (!services.some((uuid) => signs.services.includes(uuid))) return 0;
  const hinted =
    signs.commonNames?.test(name) ||
    signs.makers?.includes(maker) ||
    manufacturerData.some((record) => signs.companies?.includes(companyOf(record)));
  return hinted ? weights.hint : 0;
}

/** The families that a device can be of, the surest first; none when nothing but a service speaks for one. */
export function candidates(device: Advertised): Candidate[] {
  const address = addressBytes(device.address);
  const maker = address?.toString('hex', 0, 3) ?? '';
  const found = new Map<string, number>();
  const note = (family: string, weight: number): void => {
    if (weight > (found.get(family) ?? 0)) found.set(family, weight);
  };
  for (const record of device.manufacturerData) {
    const reading = decodeAdvertisedReading(record, device.address);
    if (reading) note(reading.family, reading.proven ? weights.proof : weights.name);
    const beacon = decodeBeacon(record);
    if (beacon) note(beacon.family, weights.beacon);
    if (isOwnAddress(record, address)) note('jbd', weights.proof);
  }
  for (const [family, signs] of Object.entries(families)) note(family, weightOf(signs, device, maker));
  return Array.from(found, ([family, weight]) => ({ family, weight })).sort((a, b) => b.weight - a.weight);
}

/** The family that is likelier than any other, at least by `weight`; undefined: there is none. */
function likeliest(device: Advertised, weight: number): string | undefined {
  const [first, second] = candidates(device);
  return first && first.weight >= weight && first.weight > (second?.weight ?? 0) ? first.family : undefined;
}

/** The one family that a device seems to be of, or undefined: nothing speaks for any, or two are equally likely. */
export const identify = (device: Advertised): string | undefined => likeliest(device, weights.hint);

/**
 * The family that a device is of for certain, by its address or its beacon. Names are given by users and hints are shared, so that
 * what rests on them is settled by an answer alone.
 */
export const certainFamily = (device: Advertised): string | undefined => likeliest(device, weights.beacon);
