import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hex } from '../../../src/protocols/bms/framing.ts';
import { codec as jbd } from '../../../src/protocols/bms/jbd.ts';
import { jbdUp } from '../../../src/protocols/bms/jbd-up.ts';
import { bytesOf, vectorsOf } from '../../support/bms-vectors.ts';

const vectors = vectorsOf('jbd-up');
const answers = vectors.map(({ exchanges }) => bytesOf(exchanges[0]!.response[0]!));

test('jbd-up: the question is the recorded one, to the first pack or to the one that --board says', () => {
  assert.equal(hex(jbdUp.request({}).bytes!), vectors[0]!.exchanges[0]!.request);
  assert.equal(hex(jbdUp.request({ board: 2 }).bytes!), vectors[1]!.exchanges[0]!.request);
});

test('jbd-up: recorded frames come out in any pieces, and each answers its own question alone', () => {
  const whole = Buffer.concat(answers);
  for (const size of [1, 7, 64, whole.length]) {
    const parser = jbdUp.parser();
    const frames = [];
    for (let at = 0; at < whole.length; at += size) frames.push(...parser.push(whole.subarray(at, at + size)).frames);
    assert.deepEqual(
      frames.map(({ bytes }) => hex(bytes)),
      answers.map(hex),
    );
    assert.deepEqual(
      frames.map((frame) => [jbdUp.request({}).accepts(frame), jbdUp.request({ board: 2 }).accepts(frame)]),
      [
        [true, false],
        [false, true],
        [false, false],
      ],
    );
  }
});

test('jbd-up: an echo, a damaged frame and a cut one are rejected by name, and a JBD parser finds nothing in it', () => {
  const [first] = answers as [Buffer];
  const rejected = (bytes: Uint8Array): string[] => {
    const parser = jbdUp.parser();
    const parsed = [parser.push(bytes), parser.reset()];
    assert.deepEqual(
      parsed.flatMap(({ frames }) => frames),
      [],
    );
    return parsed.flatMap(({ rejections }) => rejections.map(({ rejected: why }) => why));
  };
  assert.deepEqual(rejected(jbdUp.request({}).bytes!), ['request']);
  for (let at = 8; at < first.length; at++) {
    const damaged = Buffer.from(first);
    damaged[at] = damaged[at]! ^ 4;
    assert.ok(rejected(damaged).includes('checksum'), `byte ${at}`);
  }
  assert.ok(rejected(first.subarray(0, 100)).includes('cut'));
  assert.deepEqual(jbd.parser({}).push(first).frames, []);
});

test('jbd-up: random bytes never throw', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (chunks) => {
      const parser = jbdUp.parser();
      for (const chunk of chunks) parser.push(chunk);
      parser.reset();
    }),
  );
});
