import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOutbox } from '../../src/runtime/outbox.ts';

test('lines that are long wait for their reader although they are few', async () => {
  const outbox = createOutbox();
  let free = 0;
  const fill = async (): Promise<void> => {
    for (let n = 0; n < 4; n++) {
      outbox.put('x'.repeat(600_000), undefined);
      await outbox.room();
      free++;
    }
  };
  const filled = fill();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(free, 1);
  assert.equal((await outbox.next())?.items.length, 2);
  assert.equal((await outbox.next())?.items.length, 2);
  await filled;
});
