import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createAccount } from '../../../src/clients/mqtt/account.ts';
import type { Fate, Job } from '../../../src/clients/mqtt/publisher.ts';
import type { VoltRecord } from '../../../src/records/record.ts';
import { fakeClock } from '../../support/clock.ts';
import { clientContext } from '../bmw/support.ts';

/** An account of so many records, each of one message, and what it was told. */
function accountOf(records: number, each = 1, qos: (at: number) => 0 | 1 = () => 1) {
  const clock = fakeClock();
  const { context, said } = clientContext(clock);
  const delivered: number[] = [];
  const receipts: VoltRecord[] = [];
  const counts: Record<string, number> = {};
  const account = createAccount({
    clock,
    log: context.log,
    onDelivered: (n) => void delivered.push(n),
    onReceipt: (receipt) => void receipts.push(receipt),
    published: {
      add(n = 1, { result } = {}) {
        counts[String(result)] = (counts[String(result)] ?? 0) + n;
      },
      set() {},
    },
  });
  const jobs = Array.from({ length: records }, (): Job => {
    const ordinal = account.open();
    account.made(ordinal, each);
    return { topic: `t/${ordinal}`, payload: '', qos: qos(ordinal), retain: false, ordinal };
  });
  const settle = (at: number, fate: Fate): void => account.settle(jobs[at]!, fate);
  return { account, settle, delivered, receipts, counts, said };
}

test('what the broker took in one turn is one count and one receipt, in order', async () => {
  const { settle, delivered, receipts, counts } = accountOf(3);
  settle(1, 'taken');
  await turn();
  assert.deepEqual(delivered, [], 'the first is still under way');
  settle(0, 'taken');
  settle(2, 'taken');
  await turn();
  assert.equal(
    delivered.reduce((sum, n) => sum + n, 0),
    3,
  );
  assert.deepEqual(
    receipts.map(({ ok, count, status }) => [ok, count, status]),
    [
      [true, 1, 'taken'],
      [true, 2, 'taken'],
    ],
  );
  assert.deepEqual(counts, { taken: 3 });
});

test('a record that became several messages is safe with the last of them', async () => {
  const { settle, delivered } = accountOf(1, 2);
  settle(0, 'taken');
  await turn();
  assert.deepEqual(delivered, []);
  settle(0, 'taken');
  await turn();
  assert.deepEqual(delivered, [1]);
});

test('of several refusals the one that a person must mend is kept: not authorised', () => {
  const { account, settle, receipts, counts } = accountOf(3);
  assert.equal(account.refused, undefined);
  settle(0, 144);
  assert.equal(account.refused, 144);
  settle(1, 135);
  settle(2, 149);
  assert.equal(account.refused, 135);
  assert.deepEqual(
    receipts.map(({ ok, status }) => [ok, status]),
    [
      [false, '144'],
      [false, '135'],
      [false, '149'],
    ],
  );
  assert.deepEqual(counts, { refused: 3 });
});

test('what is dropped is said once, and how many they were when that is over', () => {
  const { account, settle, said } = accountOf(2);
  assert.equal(account.lost, false);
  settle(0, 'dropped');
  settle(1, 'dropped');
  account.sayDropped();
  account.sayDropped();
  assert.equal(account.lost, true);
  assert.equal(said.filter((line) => line.includes('buffer is full')).length, 1);
  assert.equal(said.filter((line) => line.includes('2 messages were dropped')).length, 1);
});

test('records that are refused as not authorised before any is taken stay open until one is', async () => {
  const { settle, delivered } = accountOf(4);
  for (const at of [0, 1]) settle(at, 135);
  await turn();
  assert.deepEqual(delivered, []);
  settle(2, 'taken');
  settle(3, 135);
  await turn();
  assert.equal(
    delivered.reduce((sum, n) => sum + n, 0),
    4,
  );
});

test('a message of QoS 0 that has left is no sign that the broker allows anything', async () => {
  const { settle, delivered } = accountOf(3, 1, (at) => (at === 1 ? 0 : 1));
  settle(0, 135);
  settle(1, 'taken');
  await turn();
  assert.deepEqual(delivered, []);
  settle(2, 'taken');
  await turn();
  assert.deepEqual(delivered, [3]);
});

test('a broker that allows none of a hundred messages ends it with 77, and none of them counts as delivered', async () => {
  const { account, settle, delivered } = accountOf(100);
  const denied = assert.rejects(account.denied, {
    status: 77,
    message: /allows nothing of 100 messages/,
    next: /t\/99/,
  });
  for (let at = 0; at < 100; at++) settle(at, 135);
  await denied;
  await turn();
  assert.deepEqual(delivered, []);
});

test('a record that is refused for what it is does not wait', async () => {
  const { settle, delivered } = accountOf(1);
  settle(0, 149);
  await turn();
  assert.deepEqual(delivered, [1]);
});
