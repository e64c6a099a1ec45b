import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Codec,
  type CodecOptions,
  type Frame,
  isRejection,
  type Rejection,
} from '../../../src/protocols/bms/codec.ts';
import { hex } from '../../../src/protocols/bms/framing.ts';
import { codecs } from '../../../src/protocols/bms/index.ts';
import { batteryReading } from '../../../src/records/battery-reading.ts';
import { vocabulary } from '../../../src/records/vocabulary.ts';
import { type BmsVector, bytesOf, corruptVectors, vectorsOf } from '../../support/bms-vectors.ts';

/** Pushes chunks through a new parser, and its end. */
function parse(codec: Codec, chunks: readonly Uint8Array[], options: CodecOptions = {}) {
  const parser = codec.parser(options);
  const frames: Frame[] = [];
  const rejections: Rejection[] = [];
  for (const parsed of [...chunks.map((chunk) => parser.push(chunk)), parser.reset()]) {
    frames.push(...parsed.frames);
    rejections.push(...parsed.rejections);
  }
  return { frames, rejections };
}

const optionsOf = ({ address }: BmsVector): CodecOptions => (address === undefined ? {} : { address });
const chunksOf = ({ exchanges }: BmsVector): Buffer[] => exchanges.flatMap(({ response }) => response.map(bytesOf));

/** The keys of `actual` that `expected` has. */
const picked = (actual: object, expected: object) =>
  Object.fromEntries(Object.entries(actual).filter(([key]) => key in expected));

/** What the device told by itself: with its last frame, and not before. */
function gathered(codec: Codec, frames: readonly Frame[], options: CodecOptions) {
  const { pushed } = codec;
  if (!pushed) return undefined;
  const own = frames.filter((frame) => pushed.accepts(frame));
  const isWhole = (count: number): boolean => count > 0 && (pushed.complete?.(own.slice(0, count)) ?? true);
  assert.ok(!isWhole(own.length - 1), 'whole before its last frame');
  return isWhole(own.length) ? pushed.decode(own, options) : undefined;
}

const known = new Set<string>(batteryReading.keys.map(({ name }) => name));

for (const codec of codecs) {
  test(`${codec.name}: each recorded conversation decodes to the values that its source gives`, () => {
    const vectors = vectorsOf(codec.name);
    assert.ok(vectors.length > 0, 'a codec without a recorded frame');
    for (const vector of vectors) {
      const options = optionsOf(vector);
      const { frames } = parse(codec, chunksOf(vector), options);
      assert.ok(frames.length > 0, `${vector.name}: no frame`);
      for (const [task, expected] of [
        ['reading', vector.expect.reading],
        ['info', vector.expect.info],
        ['history', vector.expect.history],
      ] as const) {
        if (!expected) continue;
        const decoded = codec[task]?.decode(frames, options);
        assert.ok(decoded && !isRejection(decoded), `${vector.name}: ${task}: ${JSON.stringify(decoded)}`);
        const fields = task === 'reading' && 'fields' in decoded ? (decoded.fields as object) : decoded;
        assert.deepEqual(picked(fields, expected), expected, `${vector.name}: ${task}`);
        for (const key of vector.expect.absent ?? []) assert.ok(!(key in fields), `${vector.name}: ${key} is there`);
      }
      const happening = gathered(codec, frames, options);
      if (!vector.expect.pushed) assert.equal(happening, undefined, `${vector.name}: something that was not asked for`);
      else {
        assert.ok(happening && !isRejection(happening), `${vector.name}: pushed: ${JSON.stringify(happening)}`);
        const fields = picked(happening.fields, vector.expect.pushed.fields);
        assert.deepEqual({ ...happening, fields }, vector.expect.pushed, `${vector.name}: pushed`);
        const keys = vocabulary.find(({ type }) => type === happening.type)?.keys.map(({ name }) => name);
        for (const key of Object.keys(happening.fields))
          assert.ok(keys?.includes(key), `${key} is not in the vocabulary`);
      }
    }
  });

  test(`${codec.name}: a recorded conversation comes out the same in any pieces`, () => {
    for (const vector of vectorsOf(codec.name).filter(({ codec: name }) => !name.startsWith('bm'))) {
      const options = optionsOf(vector);
      const whole = Buffer.concat(chunksOf(vector));
      const expected = parse(codec, chunksOf(vector), options).frames.map(({ bytes }) => hex(bytes));
      const singly = parse(
        codec,
        [...whole].map((byte) => Uint8Array.of(byte)),
        options,
      );
      assert.deepEqual(
        singly.frames.map(({ bytes }) => hex(bytes)),
        expected,
        vector.name,
      );
      assert.deepEqual(
        parse(codec, [whole], options).frames.map(({ bytes }) => hex(bytes)),
        expected,
        vector.name,
      );
    }
  });

  test(`${codec.name}: a frame with one bit changed is rejected by name, or is another frame`, () => {
    for (const vector of vectorsOf(codec.name)) {
      const options = optionsOf(vector);
      const whole = Buffer.concat(chunksOf(vector));
      const recorded = parse(codec, [whole], options).frames.map(({ bytes }) => hex(bytes));
      for (let at = 0; at < whole.length; at++) {
        const broken = Buffer.from(whole);
        broken[at] = broken[at]! ^ 0x01;
        const { frames, rejections } = parse(codec, [broken], options);
        // A byte between the frames is noise before and after.
        if (rejections.some(({ rejected }) => rejected === 'noise')) continue;
        assert.notDeepEqual(
          frames.map(({ bytes }) => hex(bytes)),
          recorded,
          `${vector.name}: byte ${at}`,
        );
        assert.ok(rejections.length > 0 || frames.length === recorded.length, `${vector.name}: byte ${at}: not named`);
      }
    }
  });

  test(`${codec.name}: a frame cut off at any byte is no frame, and called cut`, () => {
    const [vector] = vectorsOf(codec.name);
    const [whole] = parse(codec, chunksOf(vector!), optionsOf(vector!)).frames;
    for (let length = 1; length < whole!.bytes.length; length++) {
      const { frames, rejections } = parse(codec, [whole!.bytes.slice(0, length)], optionsOf(vector!));
      assert.deepEqual(frames, []);
      assert.deepEqual(
        rejections.map(({ rejected }) => rejected),
        ['cut'],
        `${length} bytes`,
      );
    }
  });

  test(`${codec.name}: a damaged stream yields exactly its good frames`, () => {
    const vectors = corruptVectors().filter((vector) => vector.codec === codec.name);
    assert.ok(vectors.length > 0, 'a codec without a damaged stream');
    for (const { name, chunks, frames } of vectors) {
      for (const options of [{}, { address: 'A4:C1:37:00:5E:07' }]) {
        const parsed = parse(codec, chunks.map(bytesOf), options);
        const own = parsed.frames.filter(({ layer }) => layer === undefined);
        assert.deepEqual(
          own.map(({ bytes }) => hex(bytes)),
          frames,
          name,
        );
        if (frames.length === 0) assert.ok(parsed.rejections.length > 0, `${name}: nothing was said`);
        for (const frame of own) codec.reading.decode([frame], options);
      }
    }
  });

  test(`${codec.name}: random bytes never throw, neither in the parser nor in a decoder`, () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 12 }), (chunks) => {
        for (const options of [{}, { address: 'A4:C1:37:00:5E:07' }]) {
          const { frames } = parse(codec, chunks, options);
          for (const task of [codec.reading, codec.info, codec.history, codec.pushed]) task?.decode(frames, options);
          codec.pushed?.complete?.(frames);
        }
      }),
    );
  });

  test(`${codec.name}: a valid frame with any payload decodes to finite numbers and known keys, or is rejected by name`, () => {
    const codes = new Set<number>();
    for (const vector of vectorsOf(codec.name))
      for (const frame of parse(codec, chunksOf(vector), optionsOf(vector)).frames) codes.add(frame.code);
    const frame = fc.record({
      code: fc.constantFrom(...codes),
      status: fc.constantFrom(0, 0, 0, 128),
      data: fc.uint8Array({ maxLength: 170 }),
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), (list) => {
        const frames = list.map((one) => ({ ...one, bytes: one.data }));
        const decoded = codec.reading.decode(frames, {});
        if (isRejection(decoded)) return assert.ok(decoded.rejected.length > 0);
        for (const [key, value] of Object.entries(decoded.fields)) {
          assert.ok(known.has(key), `${key} is not in the vocabulary`);
          for (const one of Array.isArray(value) ? value : [value]) {
            assert.ok(
              one !== undefined && one !== null && (typeof one !== 'number' || Number.isFinite(one)),
              `${key}: ${value}`,
            );
          }
        }
        const { voltage = 0, current = 0, state_of_charge: charge = 0, cell_max: cell = 0 } = decoded.fields;
        assert.ok(voltage < 48 * 5 && Math.abs(current) < 2500 && charge <= 100 && cell < 5, 'what no battery has');
        codec.info?.decode(frames, {});
        codec.history?.decode(frames, {});
        codec.pushed?.decode(frames, {});
      }),
    );
  });
}
