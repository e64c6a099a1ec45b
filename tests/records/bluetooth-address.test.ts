import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inCapitals, isBluetoothAddress } from '../../src/records/bluetooth-address.ts';

test('a Bluetooth address is six bytes with colons, nothing before and nothing behind', () => {
  for (const text of ['50:54:7B:00:00:02', '50:54:7b:00:00:02']) assert.ok(isBluetoothAddress(text), text);
  for (const text of [
    '',
    '50547B000002',
    '50-54-7B-00-00-02',
    '50:54:7B:00:00',
    '50:54:7B:00:00:02:03',
    '50:54:7B:00:00:0G',
    '50:54:7B:00:00:02\n',
    'x50:54:7B:00:00:02',
  ])
    assert.ok(!isBluetoothAddress(text), text);
});

test('an address is brought into capitals, and no other id is', () => {
  assert.equal(inCapitals('50:54:7b:00:00:02'), '50:54:7B:00:00:02');
  assert.equal(inCapitals('serial-usb-a-1'), 'serial-usb-a-1');
});
