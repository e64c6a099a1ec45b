import { createCipheriv, createDecipheriv } from 'node:crypto';

/** Bytes of a block: every notification of a BM monitor is one block or several. */
export const blockSize = 16;

/** Encrypts and decrypts whole blocks. */
export interface BlockCipher {
  /** `bytes` is a multiple of {@link blockSize} long. */
  decrypt(bytes: Uint8Array): Buffer;
  /** Pads the last block with zeros. */
  encrypt(bytes: Uint8Array): Buffer;
}

/**
 * The cipher of BM2, BM6 and BM7: AES-128-CBC without padding whose vector is zero again at every block, which is the same as ECB.
 * (A CBC stream decrypts the second block of a 32-byte notification of a BM6's history wrongly: marcomc/BMGateway.)
 */
export function blockCipher(key: Uint8Array): BlockCipher {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  const decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return {
    decrypt: (bytes) => decipher.update(bytes),
    encrypt(bytes) {
      const padded = Buffer.alloc(Math.ceil(bytes.length / blockSize) * blockSize);
      padded.set(bytes);
      return cipher.update(padded);
    },
  };
}

/** `leagend\xff\xfe` and seven characters that differ from family to family. */
const key = (family: string): Buffer => Buffer.from(`leagend\xff\xfe${family}`, 'latin1');

/** The ciphers by family; the keys were published with several open-source readers (KrystianD/bm2-battery-monitor, JeffWDH, BMGateway). */
export const ciphers = {
  bm2: blockCipher(key('1882466')),
  bm6: blockCipher(key('0100009')),
  bm7: blockCipher(key('010000@')),
} as const;

/** The families that share this cipher. */
export type BmFamily = keyof typeof ciphers;
