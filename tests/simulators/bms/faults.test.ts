import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultPlan, lineFaultKinds, parseLineFault } from '../../../src/simulators/bms/faults.ts';

test('a fault is its kind, how often and after how many good answers', () => {
  assert.deepEqual(parseLineFault('checksum'), { kind: 'checksum' });
  assert.deepEqual(parseLineFault('lost,times=3,after=2'), { kind: 'lost', times: 3, after: 2 });
  for (const kind of lineFaultKinds) assert.deepEqual(parseLineFault(kind), { kind });
});

test('what is no fault says what is', () => {
  assert.throws(() => parseLineFault('wrong'), /unknown kind 'wrong'; known are lost, checksum/);
  assert.throws(() => parseLineFault('lost,times=some'), /expected times=N or after=N, not 'times=some'/);
  assert.throws(() => parseLineFault('lost,often=3'), /not 'often=3'/);
});

test('faults hit as many answers as they say, after as many as they say, and several at once', () => {
  const plan = faultPlan([{ kind: 'echo' }, { kind: 'checksum', times: 2, after: 1 }]);
  const hits = Array.from({ length: 5 }, () => [...plan.next()].join());
  assert.deepEqual(hits, ['echo', 'echo,checksum', 'echo,checksum', 'echo', 'echo']);
  plan.add({ kind: 'silence', times: 1 });
  assert.deepEqual([...plan.next()], ['echo', 'silence']);
});
