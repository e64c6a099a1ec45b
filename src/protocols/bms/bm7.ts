import { bm6Codec } from './bm6.ts';

/** The codec of a BM7 or BM300 Pro (Ancel BM300): that of a BM6 with a key of its own. Source: marcomc/BMGateway. */
export const codec = bm6Codec('bm7', 'BM7 and BM300 Pro 12 V monitor, Bluetooth');
