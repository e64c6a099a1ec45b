import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliver } from '../../../src/clients/influx/delivery.ts';
import type { Verdict } from '../../../src/protocols/influx/answer.ts';

const line = (n: number): string => `m v=${n} ${n}`;
const linesFrom = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => line(from + i));
const bodyOf = (lines: readonly string[]): Uint8Array => Buffer.from(lines.map((one) => `${one}\n`).join(''));
const textOf = (body: Uint8Array): string[] => Buffer.from(body).toString('utf8').split('\n').slice(0, -1);

/** A server that gives these verdicts, one a request, and what it was sent. */
function server(...verdicts: Verdict[]) {
  const sent: string[][] = [];
  const write = async (body: Uint8Array) => {
    sent.push(textOf(body));
    return { verdict: verdicts[sent.length - 1] ?? { kind: 'taken' as const }, latency: 0 };
  };
  return { sent, write };
}

const named = (count: number, all: boolean): Verdict => ({
  kind: 'named',
  message: 'partial write',
  all,
  rejected: Array.from({ length: count }, (_, n) => ({ line: n + 1, reason: 'no' })),
});

test('where a server names no more lines than it has room for, the others are asked about again', async () => {
  const { sent, write } = server(named(100, false), named(20, true));
  const got = await deliver({ body: bodyOf(linesFrom(0, 150)), lines: 150 }, write, 20);
  assert.deepEqual(sent, [linesFrom(0, 150), linesFrom(100, 150)]);
  assert.deepEqual([got.rejects.length, got.stored, got.stopped], [120, 30, undefined]);
  assert.deepEqual(
    got.rejects.map((reject) => reject.line),
    linesFrom(0, 120),
  );
});

test('where it names all, nothing is sent again', async () => {
  const { sent, write } = server(named(2, true));
  const got = await deliver({ body: bodyOf(linesFrom(0, 10)), lines: 10 }, write, 20);
  assert.deepEqual([sent.length, got.rejects.length, got.stored], [1, 2, 8]);
});

test('when the server goes away in the midst of it, what was rejected is not sent again, and all else is', async () => {
  const { write } = server(named(100, false), { kind: 'later', message: 'gone' });
  const got = await deliver({ body: bodyOf(linesFrom(0, 150)), lines: 150 }, write, 20);
  assert.equal(got.stopped?.kind, 'later');
  assert.deepEqual(textOf(got.left), linesFrom(100, 150));
  assert.equal(got.rejects.length, 100);
});
