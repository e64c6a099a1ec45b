import { bmCommand } from './bm-simulation.ts';

/** The far side of `ble-scan` and `bms-read --ble`. */
export const command = bmCommand('bm7', 'BM7');
