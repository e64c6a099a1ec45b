import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTextBytes } from '../../src/clients/text-bytes.ts';

describe('texts put together as bytes', () => {
  test('are UTF-8, one behind the other, however long', () => {
    const bytes = createTextBytes();
    const pieces = ['a', 'ä€😀', '', 'x'.repeat(100_000), '\ud800', 'z'];
    for (const piece of pieces) bytes.text(piece);
    bytes.byte(10);
    const whole = Buffer.from(`${pieces.join('')}\n`);
    assert.equal(bytes.size, whole.length);
    assert.deepEqual(bytes.view(), whole);
    assert.equal(bytes.size, 0);
  });

  test('that were taken stay as they are, little or much, when the next ones are put together', () => {
    for (const count of [3, 60_000, 200_000]) {
      const bytes = createTextBytes();
      bytes.text('a'.repeat(count));
      const first = bytes.take();
      bytes.text('b'.repeat(count));
      assert.equal(first.toString(), 'a'.repeat(count));
      assert.equal(bytes.view().toString(), 'b'.repeat(count));
    }
  });
});
