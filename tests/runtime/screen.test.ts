import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScreen, type Display } from '../../src/runtime/screen.ts';

/** A terminal of a given size that knows as much as a live view needs; `seen` is what is on it and above it. */
function terminal(columns: number, rows: number) {
  let lines = [''];
  let at = 0;
  const put = (character: string): void => {
    if (lines[at]!.length === display.columns) newLine();
    lines[at] += character;
  };
  const newLine = (): void => {
    at++;
    lines[at] ??= '';
  };
  const display = {
    isTerminal: true,
    columns,
    rows,
    write(text: string) {
      for (const mark of text.match(/\u001b\[\d*[A-Z]|\u001b\[[\d;]*m|[^\u001b]/gu) ?? []) {
        if (mark === '\n') newLine();
        else if (mark.endsWith('A') && mark.length > 2) {
          at = Math.max(at - Number(mark.slice(2, -1)), 0, lines.length - rows);
          assert.ok(lines[at] !== undefined);
        } else if (mark === '\u001b[J') {
          assert.ok(at > Math.max(0, lines.length - rows), 'the whole screen is cleared');
          lines = [...lines.slice(0, at), ''];
        } else if (mark === '\u001b[K') lines[at] = '';
        else if (!mark.startsWith('\u001b')) put(mark);
      }
    },
  } satisfies Display;
  return { display, seen: () => lines.join('\n').trimEnd() };
}

test('a view takes the place of the one before it, messages stay above it', () => {
  const { display, seen } = terminal(40, 10);
  const screen = createScreen({ TERM: 'xterm' }, display);
  screen.print('begin');
  screen.draw('one\ntwo');
  screen.draw('three');
  screen.print('said');
  assert.equal(seen(), 'begin\nsaid\nthree');
  screen.draw('four\nfive\nsix');
  screen.draw('seven');
  assert.equal(seen(), 'begin\nsaid\nseven');
});

test('a view larger than the terminal is cut at both edges and leaves nothing behind', () => {
  const { display, seen } = terminal(12, 4);
  const screen = createScreen({ TERM: 'xterm' }, display);
  for (const n of [1, 2, 3]) screen.draw(`${n} is the first of many\n\u001b[36mtwo in colours\u001b[0m\n3\n4\n5\n6`);
  assert.equal(seen(), '3 is the f…\ntwo in col…\n3');
});

test('a terminal that becomes narrower has broken the lines of the view; they go with it', () => {
  const { display, seen } = terminal(12, 8);
  const screen = createScreen({ TERM: 'xterm' }, display);
  screen.draw('abcdefgh\nx');
  Object.assign(display, { columns: 6 });
  const narrow = terminal(6, 8);
  narrow.display.write('abcdefgh\nx\n');
  Object.assign(display, { write: narrow.display.write });
  screen.draw('new');
  assert.equal(narrow.seen(), 'new');
  assert.match(seen(), /^abcdefgh/);
});

test('a terminal that cannot move its cursor gets no live view and no colours', () => {
  const { display, seen } = terminal(40, 10);
  const screen = createScreen({ TERM: 'dumb' }, display);
  assert.deepEqual([screen.interactive, screen.shared, screen.color], [false, false, false]);
  screen.draw('view');
  screen.print('line');
  assert.equal(seen(), 'line');
});
