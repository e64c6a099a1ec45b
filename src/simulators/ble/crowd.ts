import { ad, type Peripheral } from './peripheral.ts';

const watch = Buffer.from('4c001005', 'hex');

/** So many devices of other people that only advertise: headphones, watches, beacons. Their addresses are made up and stay. */
export function crowd(count: number): Peripheral[] {
  return Array.from({ length: count }, (_, i) => {
    const address = `C2:00:00:00:${(i >> 8).toString(16).padStart(2, '0')}:${(i & 0xff).toString(16).padStart(2, '0')}`;
    const body = Buffer.concat([ad.flags(), ad.manufacturer(Buffer.concat([watch, Uint8Array.of(i & 0xff, i >> 8)]))]);
    return {
      address: address.toUpperCase(),
      random: true,
      rssi: -50 - (i % 45),
      services: [],
      advertise: () => ({ data: body, scanResponse: ad.name(`Neighbour ${i + 1}`), connectable: i % 2 === 0 }),
    };
  });
}
