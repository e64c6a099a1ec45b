import assert from 'node:assert/strict';
import { test } from 'node:test';
import qrcode from 'qrcode-generator';
import { qrCode } from '../../../src/clients/bmw/qr-code.ts';

test('the QR code on the terminal has every module in its place, and a quiet zone (BMW-20)', async () => {
  const link = 'https://customer.bmwgroup.com/oneid/link?user_code=dEmOcOdE';
  const lines = (await qrCode(link)).split('\n');
  const expected = qrcode(0, 'L');
  expected.addData(link);
  expected.make();
  const size = expected.getModuleCount();
  const isDark = (row: number, column: number): boolean => {
    const block = lines[(row + 2) >> 1]![column + 2]!;
    return block === ' ' || block === (row % 2 === 0 ? '▄' : '▀');
  };
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) assert.equal(isDark(row, column), expected.isDark(row, column));
  }
  assert.match(lines[0]!, /^█+$/);
  assert.ok(lines.every((line) => line.length === size + 4 && line.startsWith('██') && line.endsWith('██')));
});
