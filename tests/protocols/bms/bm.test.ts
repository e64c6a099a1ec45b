import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BmFamily, ciphers } from '../../../src/protocols/bms/bm-cipher.ts';
import { decodeCranking } from '../../../src/protocols/bms/bm-cranking.ts';
import { codec as bm2 } from '../../../src/protocols/bms/bm2.ts';
import { codec as bm6 } from '../../../src/protocols/bms/bm6.ts';
import { codec as bm7 } from '../../../src/protocols/bms/bm7.ts';
import type { Codec, Frame, History, Request } from '../../../src/protocols/bms/codec.ts';
import { hex } from '../../../src/protocols/bms/framing.ts';
import { bytesOf, commandVectors, vectorsOf } from '../../support/bms-vectors.ts';
import { vectorsIn } from '../../support/ndjson.ts';

const encrypt = (codec: Codec, plain: string): Buffer => ciphers[codec.name as BmFamily].encrypt(bytesOf(plain));

/** The frames of encrypted notifications, given as plaintext. */
function framesOf(codec: Codec, ...notifications: string[]): Frame[] {
  const parser = codec.parser({});
  return notifications.flatMap((plain) => [...parser.push(encrypt(codec, plain)).frames]);
}

const reading = (codec: Codec, plain: string) => codec.reading.decode(framesOf(codec, plain), {});
const history = (codec: Codec, frames: readonly Frame[]) => codec.history!.decode(frames, {}) as History;
const ages = ({ readings }: History) => readings.map(({ age, fields }) => [age, fields.voltage]);

test('the blocks of one notification are decrypted one by one, not as a CBC stream', () => {
  for (const vector of vectorsIn<{ hex: string; blocks: string[]; codec: BmFamily }>('bms/bm-blocks.ndjson')) {
    assert.equal(hex(ciphers[vector.codec].decrypt(bytesOf(vector.hex))), vector.blocks.join(''));
  }
});

test('requests of the BM monitors are the documented bytes', () => {
  const vectors = commandVectors().filter(({ codec }) => codec in ciphers) as {
    codec: BmFamily;
    hex: string;
    plain?: string;
  }[];
  assert.ok(vectors.length > 6);
  for (const { codec, hex: bytes, plain } of vectors) assert.equal(hex(ciphers[codec].encrypt(bytesOf(plain!))), bytes);
  const first = (codec: Codec) => hex(Array.from(codec.reading.requests({}))[0]!.bytes!);
  assert.equal(first(bm6), '697ea0b5d54cf024e794772355554114');
  assert.equal(first(bm7), '586d7b2377c6924dcd750acb29f5bf8d');
});

test('a temperature below zero has its sign in a byte of its own', () => {
  const fields = { voltage: 12.8, state_of_charge: 50, temperature: -23, state: 'low' };
  assert.deepEqual(reading(bm6, 'd15507011701320500'), { fields });
  assert.deepEqual(reading(bm7, 'd15507011701320500'), { fields });
});

test('the acknowledgement of a poll is no reading and does not answer it', () => {
  const [request] = Array.from(bm6.reading.requests({}));
  const [frame] = framesOf(bm6, 'd15507ff');
  assert.ok(frame);
  assert.equal(request!.accepts(frame), false);
  assert.ok('rejected' in bm6.reading.decode([frame], {}));
});

test('a BM2 speaks by itself and a block of another key is almost never taken for its frame', () => {
  assert.deepEqual(
    Array.from(bm2.reading.requests({})).map(({ bytes }) => bytes),
    [undefined],
  );
  assert.ok('fields' in reading(bm2, 'f550816400fa'));
  assert.deepEqual(framesOf(bm2, 'f5ffff6400fa', 'f5508165'), [], '40.95 V, 101 %');
});

test('a state number that is not known is left out', () => {
  assert.deepEqual(reading(bm6, 'd1550700170964053c'), {
    fields: { voltage: 13.4, state_of_charge: 100, temperature: 23 },
  });
  assert.deepEqual(reading(bm2, 'f5508f64'), { fields: { voltage: 12.88, state_of_charge: 100 } });
});

const record = (i: number): string => (0x52000000 + i * 0x100000 + 0x4c170).toString(16);

test("a BM6's history ends where its mark is, anywhere in a block or across two, and live frames may come between and behind", () => {
  const data = Array.from({ length: 11 }, (_, i) => record(i)).join('');
  const live = 'd1550700170064053c0000000102ffff';
  for (const lead of ['', 'fffffe']) {
    for (let shift = 0; shift < 8; shift++) {
      const log = `${lead}${data.slice(0, 88 - shift * 8)}fffefe`;
      const blocks = log.match(/.{1,32}/g)!.map((block) => block.padEnd(32, '0'));
      const frames = framesOf(bm6, 'd1550505', blocks[0]!, live, ...blocks.slice(1), live);
      const { complete, readings } = history(bm6, frames);
      assert.equal(complete, true, `lead ${lead}, shift ${shift}`);
      assert.deepEqual(
        readings.map(({ age }) => age),
        Array.from({ length: 11 - shift }, (_, i) => (10 - shift - i) * 120),
      );
      assert.equal(
        readings.at(-1)!.fields.voltage,
        13.12,
        'the newest comes first out of the device, last out of here',
      );
      assert.equal(frames.filter(({ code }) => code === 0x07).length, 2);
      assert.ok('fields' in bm6.reading.decode(frames, {}));
    }
  }
});

test('a history without its end mark is partial, and says so', () => {
  const frames = framesOf(bm6, 'd1550505', record(0) + record(1) + record(2) + record(3));
  const { complete, readings } = history(bm6, frames);
  assert.deepEqual([complete, readings.length], [false, 4]);
  const [, request] = Array.from(bm6.history!.requests({ pages: 2 }));
  assert.equal(hex(request!.bytes!), hex(encrypt(bm6, 'd155050000000002')));
  assert.equal(request!.complete!(frames), false);
  assert.ok(request!.quiet! > 0, 'silence ends it');
});

test('a log that never ends is given up, and what comes then is read', () => {
  const parser = bm6.parser({});
  parser.push(encrypt(bm6, 'd1550505'));
  const block = encrypt(bm6, record(0).repeat(4));
  const names = new Set<string>();
  for (let i = 0; i < 5000; i++) for (const { rejected } of parser.push(block).rejections) names.add(rejected);
  assert.deepEqual([...names], ['log', 'marker']);
  assert.equal(parser.push(encrypt(bm6, 'd1550700170064053c')).frames.length, 1);
});

test("a BM2's history is asked for by size, comes oldest first, and keeps its ages when it is cut", () => {
  const asked = bm2.history!.requests({})[Symbol.iterator]();
  const size = asked.next([]).value as Request;
  const answer = framesOf(bm2, 'e700000c');
  assert.ok(size.accepts(answer[0]!));
  const log = asked.next(answer).value as Request;
  assert.equal(hex(log.bytes!), hex(encrypt(bm2, 'e300000000000c')));
  assert.ok(log.after! >= 1000, 'the device needs a second between the two');
  const live = 'f54ff22d020a037b0000000000000000';
  const frames = [...answer, ...framesOf(bm2, 'fffffe4d4111114d511111', live, '4d600111fffefe000015')];
  assert.deepEqual(
    frames.map(({ code }) => code),
    [0xe7, 0xe3, 0xf5, 0xe3],
  );
  const whole = framesOf(bm2, 'fffffe4d4111114d5111114d600111fffefe', '000015');
  assert.deepEqual(history(bm2, [...answer, ...whole]), {
    complete: true,
    readings: [
      { age: 240, fields: { voltage: 12.36, cranking_voltage: 2.73 } },
      { age: 120, fields: { voltage: 12.37, cranking_voltage: 2.73 } },
      { age: 0, fields: { voltage: 12.38, cranking_voltage: 0.17 } },
    ],
  });
  const cut = framesOf(bm2, 'fffffe4d4111114d511111');
  assert.deepEqual(
    [history(bm2, [...answer, ...cut]).complete, ages(history(bm2, [...answer, ...cut]))],
    [
      false,
      [
        [240, 12.36],
        [120, 12.37],
      ],
    ],
  );
});

/** The encrypted notifications of the three recorded engine starts. */
const recordedStarts = vectorsOf('bm6').filter(({ expect }) => expect.pushed);
const startOf = (frames: readonly Frame[]) => bm6.pushed!.decode(frames.filter(bm6.pushed!.accepts), {});

test('the log of an engine start gives its samples, and nothing before its end', () => {
  assert.equal(recordedStarts.length, 3);
  for (const { name, exchanges, expect } of recordedStarts) {
    const parser = bm6.parser({});
    const frames = exchanges[0]!.response.flatMap((chunk) => [...parser.push(bytesOf(chunk)).frames]);
    const start = startOf(frames);
    assert.ok('fields' in start);
    const voltages = start.fields.voltages as number[];
    assert.deepEqual({ samples: voltages.length, highest: Math.max(...voltages) }, expect.other, name);
    assert.equal(bm6.pushed!.complete!(frames.slice(0, -1)), false);
    assert.deepEqual(startOf(frames.slice(0, -1)), { rejected: 'cut', detail: 'an engine start without its end' });
    const [, log] = Array.from(bm6.history!.requests({}));
    assert.ok(!frames.some((frame) => log!.accepts(frame)), 'no part of a history');
  }
});

test('an engine start that begins anew is the new one alone, and one that cannot be is none', () => {
  const head = 'd1550301047502e40000fffffe525525';
  assert.deepEqual(startOf(framesOf(bm6, head, '52552552552552552546946747548049', head, '525525fffefe')), {
    type: 'engine_start',
    age: 0.04,
    fields: {
      cranking_voltage: 13.17,
      voltage_before: 13.17,
      voltage_after: 13.17,
      sample_rate: 100,
      voltages: [13.17, 13.17, 13.17, 13.17],
    },
  });
  assert.deepEqual(startOf(framesOf(bm6, 'd1550301047502e40000fffffe525fff', 'fffefe')), { rejected: 'implausible' });
  assert.ok('rejected' in startOf(framesOf(bm6, 'd1550301047502e40000fffffefffefe')));
});

test('an engine in the middle of a history is a log of its own, and the history goes on behind it', () => {
  const cipher = ciphers.bm6;
  const plain = recordedStarts[0]!.exchanges[0]!.response.map((chunk) => hex(cipher.decrypt(bytesOf(chunk))));
  const data = Array.from({ length: 12 }, (_, i) => record(i)).join('');
  const [first, second, third] = data.match(/.{32}/g)!;
  const frames = framesOf(bm6, 'd1550505', first!, second!, ...plain, third!, 'fffefe');
  assert.deepEqual([history(bm6, frames).complete, history(bm6, frames).readings.length], [true, 12]);
  const start = startOf(frames);
  assert.ok('fields' in start);
  assert.equal(start.fields.cranking_voltage, 11.27);
});

test('a monitor of this family never claims a current (HAWK-36)', () => {
  for (const plain of ['d1550700170064053c', 'd15507011701320500']) {
    const decoded = reading(bm6, plain);
    assert.ok('fields' in decoded && !('current' in decoded.fields) && !('power' in decoded.fields));
  }
});

test('whatever stands behind a valid beginning, in whatever order, nothing throws and readings stay plausible', () => {
  const heads = ['', 'd15507', 'd1550700', 'd15505', 'd15503', 'd15501', 'f5', 'e7', 'fffffe', 'fffefe', '00fffefe'];
  const block = fc
    .tuple(fc.constantFrom(...heads), fc.uint8Array({ minLength: 16, maxLength: 16 }))
    .map(([head, rest]) => (head + hex(rest)).slice(0, 32));
  fc.assert(
    fc.property(fc.array(fc.array(block, { minLength: 1, maxLength: 4 }), { maxLength: 20 }), (notifications) => {
      for (const codec of [bm2, bm6, bm7]) {
        const frames = framesOf(codec, ...notifications.map((blocks) => blocks.join('')));
        for (const task of [codec.info, codec.history, codec.pushed]) task?.decode(frames, {});
        for (const frame of frames) {
          const decoded = codec.reading.decode([frame], {});
          if ('fields' in decoded) assert.ok(decoded.fields.voltage! <= 40 && decoded.fields.state_of_charge! <= 100);
        }
        decodeCranking(frames.map(({ data }) => data));
      }
    }),
    { numRuns: 500 },
  );
});
