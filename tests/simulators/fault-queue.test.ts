import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFaultQueue } from '../../src/simulators/fault-queue.ts';

test('faults come in their order, each as often as it says; a choice passes over the others', () => {
  const queue = createFaultQueue<{ name: string; times?: number }>([{ name: 'a', times: 2 }, { name: 'b' }]);
  queue.add({ name: 'c', times: Number.POSITIVE_INFINITY });
  const next = (name?: string): string | undefined =>
    queue.take(name === undefined ? undefined : (fault) => fault.name === name)?.name;
  assert.equal(next('b'), 'b');
  assert.equal(next('b'), undefined);
  assert.deepEqual([next(), next(), next(), next()], ['a', 'a', 'c', 'c']);
  assert.deepEqual(queue.list(), [{ name: 'c', times: Number.POSITIVE_INFINITY }]);
  queue.remove(({ name }) => name === 'c');
  assert.equal(next(), undefined);
});
