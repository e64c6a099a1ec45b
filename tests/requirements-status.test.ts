import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

/** One row of docs/requirements-status.md. */
interface Row {
  line: number;
  id: string;
  asks: string;
  shown: string;
}

const rows: Row[] = readFileSync('docs/requirements-status.md', 'utf8')
  .split('\n')
  .flatMap((text, index) => {
    const cells = text.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const [, id = '', asks = '', shown = ''] = cells;
    return /^[A-Z]+-\d+[a-z]?$/.test(id) ? [{ line: index + 1, id, asks, shown }] : [];
  });

/** `` `tests/x.test.ts` › name of the test `` */
const named = /`([^`]+)` › (.*?)(?=<br>|$)/g;

test('every requirement stands in the table once', () => {
  const seen = new Map<string, number>();
  for (const { id, line } of rows) {
    assert.equal(seen.get(id), undefined, `${id}: lines ${seen.get(id)} and ${line}`);
    seen.set(id, line);
  }
});

test('the table has no gap in its numbers, since each document is in it whole', () => {
  const last: Record<string, number> = { CARD: 6, BMW: 78, HAWK: 166, ESP: 92, TESLA: 80, WALL: 78, C: 30 };
  const ids = new Set(rows.map(({ id }) => id));
  for (const [family, count] of Object.entries(last)) {
    for (let n = 1; n <= count; n++) {
      const id = `${family}-${family === 'C' ? n : String(n).padStart(2, '0')}`;
      assert.ok(ids.has(id), id);
    }
  }
});

test('no row of the table is empty', () => {
  for (const { id, asks, shown } of rows) assert.ok(asks !== '' && shown !== '', id);
});

test('a row names a test, gives a reason, or says which issue will bring it', () => {
  for (const { id, shown } of rows) assert.match(shown, /^`tests\/.*` › |^Reason: |^Later: /, id);
});

test('every test that the table names is in the file that it names', () => {
  const sources = new Map<string, string>();
  for (const { id, shown } of rows) {
    for (const [, file = '', name = ''] of shown.matchAll(named)) {
      if (!sources.has(file))
        sources.set(file, existsSync(file) ? readFileSync(file, 'utf8').replaceAll("\\'", "'") : '');
      const text = name.trim().replaceAll('\\|', '|');
      assert.ok(text.length > 10, `${id}: ${file}: '${text}' is no test's name`);
      assert.ok(isIn(sources.get(file) ?? '', text), `${id}: ${file} has no test '${text}'`);
    }
  }
});

/** The name as it stands in the source, or its parts in order where a `…` stands for what the source puts in. */
function isIn(source: string, name: string): boolean {
  if (source.includes(name)) return true;
  const parts = name.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return parts.length > 1 && new RegExp(parts.join('\\$\\{[^}]*\\}')).test(source);
}
