import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './shell.ts';

/** One recorded conversation with a battery monitor: a line of `tests/vectors/bms/<codec>.ndjson`. */
export interface BmsVector {
  name: string;
  source: string;
  kind: string;
  codec: string;
  /** Bluetooth address, where the codec needs one. */
  address?: string;
  /** Request as sent (absent: the device speaks by itself) and the answer as it was cut into reads or notifications; hexadecimal. */
  exchanges: readonly { request?: string; response: readonly string[] }[];
  expect: {
    reading?: Record<string, unknown>;
    /** Keys that must not be in the reading. */
    absent?: readonly string[];
    info?: Record<string, unknown>;
    history?: Record<string, unknown>;
    /** What the device tells by itself: an event with its type and its age, and of its fields those that are given. */
    pushed?: { type: string; age: number; fields: Record<string, unknown> };
    /** What the codec's own test looks at. */
    other?: Record<string, unknown>;
  };
}

/** A stream of bytes and the exact frames that must come out of it. */
export interface CorruptVector {
  name: string;
  codec: string;
  chunks: readonly string[];
  frames: readonly string[];
}

/** A request as documented or captured. */
export interface CommandVector {
  name: string;
  codec: string;
  hex: string;
  danger: boolean;
}

const lines = <T>(file: string): T[] =>
  readFileSync(join(root, 'tests/vectors/bms', file), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

/** The recorded conversations of a codec. */
export const vectorsOf = (codec: string): BmsVector[] => lines(`${codec}.ndjson`);

/** The damaged streams of all codecs. */
export const corruptVectors = (): CorruptVector[] => lines('corrupt.ndjson');

/** The documented requests of all codecs. */
export const commandVectors = (): CommandVector[] => lines('commands.ndjson');

/** Bytes of a hexadecimal text. */
export const bytesOf = (text: string): Buffer => Buffer.from(text, 'hex');
