import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSaid } from '../../../src/clients/bms/said.ts';
import type { Log } from '../../../src/runtime/log.ts';

test('another master is over when twenty readings went by without it, and is told anew after that', () => {
  const log: string[] = [];
  const say = (text: string): void => void log.push(text);
  const said = createSaid({ info: say, warn: say, debug() {} } as unknown as Log);
  const readings = (count: number): void => {
    for (let n = 0; n < count; n++) said.reading('bus', {}, []);
  };
  for (let n = 0; n < 3; n++) {
    said.stranger('bus', 'requests');
    readings(15);
  }
  assert.equal(log.length, 1);
  readings(30);
  assert.deepEqual(log.slice(1), ['bus: no other master is heard any longer']);
  said.stranger('bus', 'requests');
  assert.match(log[2]!, /^bus: another master asks on this bus \(requests\)/);
});
