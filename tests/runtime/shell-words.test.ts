import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { CommandError } from '../../src/runtime/exit.ts';
import { splitPipeline } from '../../src/runtime/shell-words.ts';

const cases: [string, string[][]][] = [
  ['a', [['a']]],
  ['a|b', [['a'], ['b']]],
  ['  a  -x \t 1 | b\n| c ', [['a', '-x', '1'], ['b'], ['c']]],
  [`a 'x | y' "p | q"`, [['a', 'x | y', 'p | q']]],
  [`a '' ""`, [['a', '', '']]],
  [`a 'it'"'"'s'`, [['a', "it's"]]],
  ['a \\| b\\ c', [['a', '|', 'b c']]],
  [`a "\\"q\\" \\\\ \\x"`, [['a', '"q" \\ \\x']]],
  [`a '\\n'`, [['a', '\\n']]],
  ['a x#y', [['a', 'x#y']]],
  ['a {a,b} x~ ! [::1]:80', [['a', '{a,b}', 'x~', '!', '[::1]:80']]],
  ['a "$.data"', [['a', '$.data']]],
];

for (const [text, words] of cases) {
  test(`the pipeline ${JSON.stringify(text)} is split as a shell would`, () => {
    assert.deepEqual(splitPipeline(text), words);
  });
}

const refused: [string, RegExp][] = [
  ['a || b', /'\|\|'/],
  ['a && b', /'&'/],
  ['a; b', /';'/],
  ['a > file', /'>'/],
  ['a < file', /'<'/],
  ['a $HOME', /'\$'/],
  ['a "$HOME"', /'\$'/],
  ['a "`x`"', /'`'/],
  ['a `x`', /'`'/],
  ['a *.json', /'\*'/],
  ['a ~/x', /'~'/],
  ['a # note', /'#'/],
  ["a 'open", /not closed/],
  ['a "open', /not closed/],
  ['a \\', /backslash/],
  ['', /empty/],
  ['a |', /empty/],
  ['| a', /empty/],
  ['a | | b', /empty/],
];

for (const [text, why] of refused) {
  test(`the pipeline ${JSON.stringify(text)} is a usage error, not text that means something else`, () => {
    assert.throws(
      () => splitPipeline(text),
      (error: unknown) => error instanceof CommandError && error.status === 64 && why.test(error.message),
    );
  });
}

test('words that are accepted are those that sh(1) makes', () => {
  const quoted = fc.oneof(
    fc.stringMatching(/^[a-z0-9=:,./@%+_-]{1,6}$/),
    fc.stringMatching(/^[ -&(-~]{0,6}$/).map((text) => `'${text}'`),
    fc.stringMatching(/^[ #%-[\]-_a-~]{0,6}$/).map((text) => `"${text}"`),
    fc.constantFrom('\\ ', '\\|', '\\"', "\\'", '\\\\', '"\\""', '"\\\\"'),
  );
  const word = fc.array(quoted, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''));
  const lines = fc.sample(fc.array(word, { minLength: 1, maxLength: 4 }), 200).map((words) => words.join(' '));
  const script = lines.map((line) => `printf '%s\\0' ${line}; printf '\\n\\0'`).join('\n');
  const { stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8', cwd: '/proc/self/fdinfo' });
  const expected = stdout.split('\0').slice(0, -1);
  let compared = 0;
  for (const line of lines) {
    const end = expected.indexOf('\n');
    const words = expected.splice(0, end + 1).slice(0, -1);
    try {
      assert.deepEqual(splitPipeline(line), [words], line);
      compared++;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
  }
  assert.ok(compared > 100, `only ${compared} of 200 were accepted`);
});
