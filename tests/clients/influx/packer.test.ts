import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPacker } from '../../../src/clients/influx/packer.ts';
import { createEncoder } from '../../../src/protocols/influx/encoder.ts';

/** Whether the second of two batches, with one record of one series each, waits for the first. */
function waits(precision: 'ms' | 's', first: string, second: string): boolean {
  const encoder = createEncoder({ precision });
  const packer = createPacker(encoder);
  packer.add(encoder.encode({ type: 'x', time: first, device_id: 'a', v: 1 })!);
  packer.cut();
  packer.add(encoder.encode({ type: 'x', time: second, device_id: 'a', v: 2 })!);
  return packer.cut().mustFollow;
}

test('a batch waits for the one before it when both hold one point, by the time as it is written', () => {
  const at = (ms: string): string => `2026-03-01T12:00:${ms}Z`;
  assert.equal(waits('ms', at('00.100'), at('00.100')), true);
  assert.equal(waits('ms', at('00.100'), at('00.900')), false);
  assert.equal(waits('s', at('00.100'), at('00.900')), true);
  assert.equal(waits('s', at('00.900'), at('01.100')), false);
});
