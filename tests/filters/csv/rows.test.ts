import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Cell, lineWriter } from '../../../src/filters/csv/dialect.ts';
import { type Row, rowReader } from '../../../src/filters/csv/rows.ts';

const read = (text: string, delimiter = ','): Row[] => {
  const reader = rowReader(delimiter);
  return [...reader.push(text), ...reader.end()];
};
const cellsOf = (text: string): Row['cells'][] => read(text).map(({ cells }) => cells);
const plain = { delimiter: ',', escapeFormulas: false };

describe('CSV is read and written after RFC 4180', () => {
  test('rule by rule', () => {
    assert.deepEqual(cellsOf('aaa,bbb,ccc\r\nzzz,yyy,xxx'), [
      ['aaa', 'bbb', 'ccc'],
      ['zzz', 'yyy', 'xxx'],
    ]);
    assert.deepEqual(cellsOf('"aaa","b\r\nbb","ccc"\nzzz,yyy,xxx\n'), [
      ['aaa', 'b\r\nbb', 'ccc'],
      ['zzz', 'yyy', 'xxx'],
    ]);
    assert.deepEqual(cellsOf('"aaa","b""bb","c,c"\r\n'), [['aaa', 'b"bb', 'c,c']]);
    assert.deepEqual(cellsOf('a, b ,c'), [['a', ' b ', 'c']]);
  });

  test('nothing is unknown, a quoted nothing is an empty text; blank lines and a byte-order mark are dropped', () => {
    assert.deepEqual(cellsOf('\ufeffa,b\n\n,""\n'), [
      ['a', 'b'],
      [undefined, ''],
    ]);
  });

  test('what a reader might take white space from is quoted; what is no UTF-8 is a fault of its row alone', () => {
    assert.equal(lineWriter(plain)([' a', 'b ', 'c d', '\te']), '" a","b ",c d,"\te"');
    assert.deepEqual(
      read('a,b\nc,\ufffd\nd,e\n').map(({ fault }) => fault),
      [undefined, 'not UTF-8', undefined],
    );
  });

  test('lines may end with CR alone, as old Macs have it', () => {
    assert.deepEqual(read('a,b\r1,"x\ry"\r\r2,3'), [
      { cells: ['a', 'b'], line: 1 },
      { cells: ['1', 'x\ry'], line: 2 },
      { cells: ['2', '3'], line: 5 },
    ]);
  });

  test('a row says the line that it begins on', () => {
    assert.deepEqual(
      read('a\n"b\nb"\nc\n').map(({ line }) => line),
      [1, 2, 4],
    );
    assert.deepEqual(
      read('a\r\n"b\r\nb"\r\n\r\nc\r\n').map(({ line }) => line),
      [1, 2, 5],
    );
  });

  test('a quote that is not closed, text behind one and a row without end are faults, and the next row is read', () => {
    assert.equal(read('a,"b\n')[0]?.fault, 'a quote is not closed');
    const [bad, good] = read('"a"b,c\nd,e\n');
    assert.equal(bad?.fault, 'text behind a closing quote');
    assert.deepEqual(good, { cells: ['d', 'e'], line: 2 });
    const [long, next] = read(`${'x'.repeat(1 << 21)}\nd\n`);
    assert.match(long?.fault ?? '', /^longer than/);
    assert.deepEqual(next?.cells, ['d']);
  });

  test('what is written is read back, however it comes in pieces', () => {
    const cell = fc.oneof(
      fc.constant(undefined),
      fc.string(),
      fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', ' ', 'a', '=') }),
    );
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 });
    fc.assert(
      fc.property(table, fc.nat(20), fc.constantFrom(',', ';', '\t'), (rows, size, delimiter) => {
        const write = lineWriter({ delimiter, escapeFormulas: false });
        const text = rows.map((row) => `${write(row)}\r\n`).join('');
        const reader = rowReader(delimiter);
        const got: Row[] = [];
        for (let at = 0; at < text.length; at += size + 1) got.push(...reader.push(text.slice(at, at + size + 1)));
        got.push(...reader.end());
        const isBlank = (row: Cell[]): boolean => row.length === 1 && row[0] === undefined;
        assert.deepEqual(
          got.map(({ cells }) => cells),
          rows.filter((row) => !isBlank(row)),
        );
      }),
    );
  });

  test('no text of any kind makes the reader throw', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void read(text)));
  });
});

test('text that a spreadsheet would run is escaped on request, numbers are not', () => {
  const write = lineWriter({ ...plain, escapeFormulas: true });
  assert.equal(write(['=HYPERLINK("x")', '+1', '-2', '@a', 'a=1', -2]), '"\'=HYPERLINK(""x"")",\'+1,\'-2,\'@a,a=1,-2');
  assert.equal(lineWriter(plain)(['=1+1']), '=1+1');
});
