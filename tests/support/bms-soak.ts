import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Codec } from '../../src/protocols/bms/codec.ts';
import { codecs } from '../../src/protocols/bms/index.ts';
import { bytesOf, vectorsOf } from './bms-vectors.ts';

/** Reads of a serial port at speed. */
const piece = 64;
/** Half of the pieces are made of these bytes: heads, functions and lengths, which random ones hardly ever hit. */
const heads = [0xdd, 0x77, 0xa5, 0xd2, 0x51, 0x03, 0x04, 0x06, 0x08, 0x00, 0x01, 0x1b, 0x20, 0xff, 0xaa];
/** What a parser may keep beyond what the heap holds anyhow. */
const growth = 8 * 2 ** 20;

/** The same numbers on every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function feed(codec: Codec, total: number): { frames: number; rejections: number } {
  const random = generator(0x2545f491);
  const parser = codec.parser({ address: 'A4:C1:37:00:5E:07' });
  const good = vectorsOf(codec.name).flatMap(({ exchanges }) =>
    exchanges.flatMap(({ response }) => response.map(bytesOf)),
  );
  let frames = 0;
  let rejections = 0;
  for (let fed = 0, n = 0; fed < total; n++) {
    const bytes = new Uint8Array(piece);
    for (let i = 0; i < piece; i++) bytes[i] = n % 2 === 0 ? random() & 0xff : heads[random() % heads.length]!;
    // Every hundredth piece is a real answer, which must come out as soon as the line has been silent.
    const parsed = n % 100 === 99 ? [parser.reset(), ...good.map((chunk) => parser.push(chunk))] : [parser.push(bytes)];
    for (const one of parsed) {
      frames += one.frames.length;
      rejections += one.rejections.length;
      for (const task of [codec.reading, codec.info, codec.history]) task?.decode(one.frames, {});
    }
    fed += piece;
  }
  return { frames, rejections };
}

/** Feeds each parser so many bytes: none throws, good answers come out, and memory stays flat. */
export function bmsSoak(bytes: number): void {
  for (const codec of codecs) {
    test(`${codec.name}: ${bytes} random bytes through the parser without an exception, memory flat`, (t) => {
      feed(codec, bytes / 10);
      const before = settled();
      const { frames, rejections } = feed(codec, bytes);
      const grown = settled() - before;
      t.diagnostic(`${frames} frames, ${rejections} rejections, heap ${(grown / 2 ** 20).toFixed(1)} MiB`);
      assert.ok(frames > 0 && rejections > 0);
      assert.ok(grown < growth, `the heap has grown by ${grown} bytes`);
    });
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes on the heap once garbage is gone. */
function settled(): number {
  collect();
  return process.memoryUsage().heapUsed;
}
