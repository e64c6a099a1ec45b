import { vectorsIn } from './ndjson.ts';

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

/** The recorded conversations of a codec. */
export const vectorsOf = (codec: string): BmsVector[] => vectorsIn(`bms/${codec}.ndjson`);

/** The damaged streams of all codecs. */
export const corruptVectors = (): CorruptVector[] => vectorsIn('bms/corrupt.ndjson');

/** The documented requests of all codecs. */
export const commandVectors = (): CommandVector[] => vectorsIn('bms/commands.ndjson');

/** Bytes of a hexadecimal text. */
export const bytesOf = (text: string): Buffer => Buffer.from(text, 'hex');
