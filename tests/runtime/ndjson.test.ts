import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createParser, type Parsed } from '../../src/runtime/ndjson.ts';

const limit = 1024 * 1024;

/** Everything that a text gives when it comes in the given pieces. */
function parse(chunks: readonly Buffer[], options = { maxLine: limit, untyped: false }) {
  const parser = createParser(options);
  const parsed: Parsed[] = [...chunks.map((chunk) => parser.push(chunk)), parser.end()];
  return {
    items: parsed.flatMap(({ items }) => items),
    texts: parsed.flatMap(({ texts }) => texts),
    lines: parsed.flatMap(({ lines }) => lines),
    bad: parsed.flatMap(({ bad }) => bad),
    seen: parsed.at(-1)!.seen,
  };
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...[...at].sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

/** Good lines, among them everything that must be survived. */
const medley = Buffer.concat([
  Buffer.from('\ufeff{"type":"a","n":1}\r\n\n{"type":"b","s":"ü€😀\u2028\u2029"}\n  \t\nnonsense\n'),
  Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]),
  Buffer.from('null\n[1]\n42\n"text"\n{"no":"type"}\n{"type":7}\n{"type":"c"}\r\n\r\n{"type":"d"}'),
]);
const medleyLines = [1, 3, 13, 15];
const medleyBad = [5, 6, 7, 8, 9, 10, 11, 12];

test('good lines come out with their numbers, bad ones are told by number, and blank ones cost nothing (CARD-04)', () => {
  const { items, texts, lines, bad, seen } = parse([medley]);
  assert.deepEqual(
    items.map((item) => (item as { type: string }).type),
    ['a', 'b', 'c', 'd'],
  );
  assert.deepEqual(lines, medleyLines);
  assert.deepEqual(
    bad.map(({ line }) => line),
    medleyBad,
  );
  assert.equal(seen, 15);
  assert.equal(texts[0], '{"type":"a","n":1}');
  assert.equal(texts[1], '{"type":"b","s":"ü€😀\u2028\u2029"}');
  assert.match(bad[0]!.why, /^not JSON/);
  assert.equal(bad[1]!.why, 'not UTF-8');
  assert.deepEqual(
    bad.slice(2).map(({ why }) => why),
    [...Array(4).fill('not a JSON object'), 'no "type"', '"type" is not a string'],
  );
});

test('where objects without a type are taken, one whose type is no string is still none', () => {
  const { items, bad } = createParser({ maxLine: 1024, untyped: true }).push(
    Buffer.from('{"no":"type"}\n{"type":7}\n{"type":null}\n{"type":"x"}\n'),
  );
  assert.deepEqual(items, [{ no: 'type' }, { type: 'x' }]);
  assert.deepEqual(
    bad,
    [2, 3].map((line) => ({ line, why: '"type" is not a string' })),
  );
});

test('a text cut at any one byte gives the same', () => {
  const whole = parse([medley]);
  for (let at = 0; at <= medley.length; at++) assert.deepEqual(parse(cut(medley, [at])), whole, `cut at byte ${at}`);
  assert.deepEqual(parse([...medley].map((byte) => Buffer.of(byte))), whole, 'one byte at a time');
});

test('any text in any pieces gives the same as in one', () => {
  const line = fc.oneof(
    fc.json().map((json) => Buffer.from(json)),
    fc.record({ type: fc.string(), v: fc.anything() }).map((value) => Buffer.from(JSON.stringify(value))),
    fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom('', '\r', '\ufeff', ' ', '{"type":"x"}\r').map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 12 }),
      fc.boolean(),
      fc.array(fc.nat(400), { maxLength: 8 }),
      (made, end, at) => {
        const parts = made.flatMap((one) => [one, Buffer.from('\n')]);
        const bytes = Buffer.concat(end ? parts : parts.slice(0, -1));
        const places = at.map((place) => Math.min(place, bytes.length));
        const options = { maxLine: 64, untyped: false };
        assert.deepEqual(parse(cut(bytes, places), options), parse([bytes], options));
      },
    ),
    { numRuns: 500 },
  );
});

test('what is written from the bytes as they came is the same as from the lines', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('{"type":"a"}', '{"type":"ü"}', ' {"type":"a" }', '', 'x', '{"type":"a"}\r'), {
        maxLength: 8,
      }),
      (lines) => {
        const { raw, texts } = createParser({ maxLine: 64, untyped: false }).push(
          Buffer.from(lines.map((l) => `${l}\n`).join('')),
        );
        if (raw) assert.equal(Buffer.concat(raw).toString(), texts.map((text) => `${text}\n`).join(''));
      },
    ),
  );
});

test('objects without a type are records for a command that takes them', () => {
  const { items, bad } = parse([Buffer.from('{"vin":"x"}\n[]\n')], { maxLine: limit, untyped: true });
  assert.deepEqual(items, [{ vin: 'x' }]);
  assert.deepEqual(bad, [{ line: 2, why: 'not a JSON object' }]);
});

test('a line above the limit is refused, is never held, and the next one is read', () => {
  const parser = createParser({ maxLine: limit, untyped: false });
  const piece = Buffer.alloc(64 * 1024, 0x61);
  const out = [parser.push(Buffer.from('{"type":"a"}\n'))];
  const before = process.memoryUsage().rss;
  for (let sent = 0; sent < 256 * 1024 * 1024; sent += piece.length) out.push(parser.push(piece));
  const grown = process.memoryUsage().rss - before;
  out.push(parser.push(Buffer.from('\n{"type":"b"}\n')));
  assert.deepEqual(
    out.flatMap(({ lines }) => lines),
    [1, 3],
  );
  assert.deepEqual(
    out.flatMap(({ bad }) => bad),
    [{ line: 2, why: `longer than ${limit} bytes` }],
  );
  assert.ok(grown < 64 * 1024 * 1024, `grew by ${grown} bytes`);
});

test('the limit is exact, whether the line comes whole or in pieces', () => {
  const fits = Buffer.from(`${JSON.stringify({ type: 'x', pad: 'p'.repeat(100 - 21) })}\n`);
  const tooLong = Buffer.from(`${JSON.stringify({ type: 'x', pad: 'p'.repeat(101 - 21) })}\n`);
  assert.equal(fits.length, 101);
  const options = { maxLine: 100, untyped: false };
  for (const pieces of [1, 2, 50]) {
    const chop = (bytes: Buffer) =>
      cut(
        bytes,
        Array.from({ length: pieces - 1 }, (_, i) => i + 1),
      );
    assert.equal(parse(chop(fits), options).items.length, 1, `${pieces} pieces`);
    assert.deepEqual(
      parse(chop(tooLong), options).bad,
      [{ line: 1, why: 'longer than 100 bytes' }],
      `${pieces} pieces`,
    );
  }
});
