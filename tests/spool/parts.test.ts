import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { addDone, countUndone, doneUpTo, firstUndone, lastUndone } from '../../src/spool/done.ts';
import { frame, readFrame, rescueFrame } from '../../src/spool/frame.ts';
import { createLines } from '../../src/spool/lines.ts';
import { createSent } from '../../src/spool/sent.ts';
import { settle } from '../support/clock.ts';

const found = { seq: 0, json: 0 };

test('a line is the checksum of all behind it, the number and the record', () => {
  const line = frame(4711, '{"type":"ü"}');
  const sum = crc32('4711 {"type":"ü"}').toString(16).padStart(8, '0');
  assert.equal(line, `${sum} 4711 {"type":"ü"}\n`);
});

test('every line reads back as what it was made of, whatever is in it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.jsonValue(), (seq, value) => {
      const json = JSON.stringify({ value });
      const bytes = Buffer.from(frame(seq, json));
      assert.ok(readFrame(bytes, 0, bytes.length - 1, found));
      assert.equal(found.seq, seq);
      assert.equal(bytes.toString('utf8', found.json, bytes.length - 1), json);
    }),
  );
});

test('a line with one bit flipped is damaged, wherever the bit is', () => {
  const good = Buffer.from(frame(12, '{"type":"x","n":1}'));
  for (let bit = 0; bit < (good.length - 1) * 8; bit++) {
    const bytes = Buffer.from(good);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(readFrame(bytes, 0, bytes.length - 1, found), false, `bit ${bit}`);
  }
});

test('random bytes are damaged lines and throw nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.equal(readFrame(Buffer.from(bytes), 0, bytes.length, found), false);
      assert.equal(rescueFrame(Buffer.from(bytes), 0, bytes.length, found), -1);
    }),
    { numRuns: 1000 },
  );
});

test('behind a damaged line whose newline was lost, the next line is found', () => {
  const first = frame(1, '{"type":"x"}').replace('\n', '\r');
  const bytes = Buffer.from(first + frame(2, '{"type":"y"}'));
  assert.equal(readFrame(bytes, 0, bytes.length - 1, found), false);
  assert.equal(rescueFrame(bytes, 0, bytes.length - 1, found), first.length);
  assert.equal(found.seq, 2);
});

test('which records are done with is what a set of them would say', () => {
  const ranges = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 12 })), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20 }), ranges, (upTo, added) => {
      const done = doneUpTo(upTo);
      const model = new Set(Array.from({ length: upTo }, (_, i) => i + 1));
      for (const [first, length] of added) {
        addDone(done, first, first + length);
        for (let seq = first; seq <= first + length; seq++) model.add(seq);
      }
      const undone = Array.from({ length: 80 }, (_, i) => i + 1).filter((seq) => !model.has(seq));
      assert.equal(done.upTo, undone[0]! - 1);
      for (let seq = 1; seq < 75; seq++) {
        assert.equal(
          firstUndone(done, seq),
          undone.find((one) => one >= seq),
          `first from ${seq}`,
        );
      }
      assert.equal(countUndone(done, 80), undone.length);
      const at = firstUndone(done, 1);
      const end = lastUndone(done, at);
      assert.ok(end === Number.POSITIVE_INFINITY || (model.has(end + 1) && !model.has(end)));
      for (const [index, [first, last]] of done.ranges.entries()) {
        assert.ok(first <= last && first > (done.ranges[index - 1]?.[1] ?? done.upTo) + 1, 'ranges touch');
      }
    }),
    { numRuns: 500 },
  );
});

test('counts of lines become records, in order, a gap as one line for many', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 6 })), { minLength: 1, maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 }),
      (chunks, steps) => {
        const reported: [number, number][] = [];
        const sent = createSent((first, last) => reported.push([first, last]));
        const lastOfLine: number[] = [0];
        let seq = 0;
        for (const [gap, length] of chunks) {
          sent.add(gap ? 1 : length, seq + 1, seq + length);
          for (let i = 1; i <= length; i++) if (!gap || i === length) lastOfLine.push(seq + i);
          seq += length;
        }
        let count = 0;
        for (const step of steps) {
          count += step;
          sent.delivered(count);
          assert.equal(reported.at(-1)?.[1] ?? 0, lastOfLine[Math.min(count, lastOfLine.length - 1)]);
        }
        for (const [index, [first]] of reported.entries()) assert.equal(first, (reported[index - 1]?.[1] ?? 0) + 1);
        sent.delivered(1e9);
        assert.deepEqual([reported.at(-1)?.[1], sent.open], [seq, 0]);
      },
    ),
  );
});

test('an acknowledgement that goes back, or beyond what was sent, changes nothing', () => {
  const reported: unknown[] = [];
  const sent = createSent((first, last) => reported.push([first, last]));
  sent.add(4, 1, 4);
  sent.delivered(3);
  sent.delivered(1);
  sent.delivered(99);
  assert.deepEqual(reported, [
    [1, 3],
    [4, 4],
  ]);
});

test('lines wait for whoever reads them, and a failure comes after them', async () => {
  const lines = createLines();
  let waited: Promise<void> | undefined;
  for (let i = 0; i < 256; i++) waited = lines.put(String(i));
  assert.ok(waited);
  let went = false;
  void waited.then(() => {
    went = true;
  });
  await settle();
  assert.equal(went, false);
  lines.fail(new Error('over'));
  const read: string[] = [];
  await assert.rejects(async () => {
    for await (const line of lines) read.push(line);
  }, /over/);
  assert.deepEqual([read.length, went], [256, true]);
});
