import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logOptions, reading, readOptions, writing } from '../../src/commands/spool-options.ts';

const written = (more: object = {}) =>
  logOptions({
    sync: writing.sync.default,
    maxBytes: writing.maxBytes.default,
    maxAge: undefined,
    minFree: undefined,
    whenFull: writing.whenFull.default,
    ...more,
  });
const read = (more: object = {}) =>
  readOptions({ order: reading.order.default, drainRate: undefined, keepSent: reading.keepSent.default, ...more });

test('unless said a spool takes 64 MiB, is durable within a second, gives up the oldest, and sends in order (ESP-89, ESP-91)', () => {
  assert.deepEqual(written(), {
    sync: 1000,
    maxBytes: 64 * 1024 * 1024,
    maxAge: undefined,
    minFree: undefined,
    whenFull: 'drop-oldest',
  });
  assert.deepEqual(read(), { order: 'fifo', drainRate: undefined, keepSent: 0 });
});

test('--sync is a word or a time, of which none is always', () => {
  assert.deepEqual(
    ['always', 'never', '500ms', '0'].map((sync) => written({ sync }).sync),
    ['always', 'never', 500, 'always'],
  );
});

test('--min-free is a size, or a share of the file system', () => {
  assert.deepEqual(written({ minFree: '5%' }).minFree, { share: 0.05 });
  assert.deepEqual(written({ minFree: '100M' }).minFree, { bytes: 100 * 1024 * 1024 });
  assert.throws(() => written({ minFree: '100%' }), { status: 64 });
});

test('--drain-rate is for live-first alone', () => {
  assert.deepEqual(read({ order: 'live-first', drainRate: 5 }), { order: 'live-first', drainRate: 5, keepSent: 0 });
  assert.throws(() => read({ drainRate: 5 }), { status: 64 });
});
