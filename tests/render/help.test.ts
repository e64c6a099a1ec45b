import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { colourful, commandHelp, groupHelp, plain } from '../../src/render/help.ts';
import { sample, toolkit } from './samples.ts';

const help = (columns = 80): string => commandHelp(sample('melt-ice'), { columns, paint: plain });

test('help starts with what the command does and shows examples before options', () => {
  const text = help();
  assert.match(text, /^melt-ice: turns ice into water: slowly, with heat/);
  const places = ['Usage:', 'Examples:', 'Arguments:', 'Options:', 'Common options:', 'Manual: man melt-ice'];
  const found = places.map((title) => text.indexOf(`\n${title}`));
  assert.deepEqual(
    found,
    [...found].sort((a, b) => a - b),
  );
  assert.ok(found.every((at) => at > 0));
});

test('help keeps to the width it is given', () => {
  for (const columns of [60, 80, 132]) {
    const longest = Math.max(
      ...help(columns)
        .split('\n')
        .map((line) => line.length),
    );
    assert.ok(longest <= columns, `${longest} > ${columns}`);
  }
});

test('an option is shown with its short form, value, choices and default', () => {
  const lines = help(120).split('\n');
  const line = (flag: string): string => lines.find((text) => text.includes(`${flag} `) && !text.includes('|')) ?? '';
  assert.match(line('--interval'), /^ {2}-i, --interval DURATION {2,}time between two drops \(default 90s\)$/);
  assert.match(line('--mode'), /^ {6}--mode MODE {2,}how it's done \(slow, fast; default slow\)$/);
  assert.match(line('--buffer'), /\(default 64KiB\)$/);
  assert.match(line('--plan'), /may be repeated/);
});

test('a flag that is on by default is offered as --no-…, a secret as a file', () => {
  assert.match(help(), /--no-salt +do not add salt$/m);
  assert.match(help(), /--api-key-file FILE/);
});

test('an example that reads records says where they come from; the manual has them beside it', () => {
  const examples = [
    { text: 'one', command: 'melt-ice --all' },
    { text: 'two', command: 'melt-ice | tee x' },
    { text: 'three', command: "melt-ice 'a > b' && tail x" },
    { text: 'four', command: 'melt-ice > x; tail x' },
    { text: 'five', command: 'melt-ice "a|b" <<< 1' },
    { text: 'six', command: 'melt-ice-tray | cat' },
    { text: 'seven', command: 'melt put | cat', stdin: '{}' },
  ];
  const { definition, ...rest } = sample('melt-ice');
  const filter = { ...rest, definition: { ...definition, input: 'required' as const, examples } };
  const shown = commandHelp(filter, { columns: 80, paint: plain });
  assert.match(shown, /^ {2}melt-ice --all < FILE$/m);
  assert.match(shown, /^ {2}melt-ice < FILE \| tee x$/m);
  assert.match(shown, /^ {2}melt-ice 'a > b' < FILE && tail x$/m);
  assert.match(shown, /^ {2}melt-ice < FILE > x; tail x$/m);
  assert.match(shown, /^ {2}melt-ice "a\|b" <<< 1$/m);
  assert.match(shown, /^ {2}melt-ice-tray \| cat$/m);
  assert.match(shown, /^ {2}melt put < FILE \| cat$/m);
});

test('help leaves out rare options and what only the configuration file can say', () => {
  assert.doesNotMatch(help(), /--depth|--tokens|--mapping/);
});

test('a long example is broken where a shell still reads it as one command', () => {
  const example = help(60)
    .split('\n')
    .filter((_line, index, lines) => index > lines.indexOf('Examples:') && index < lines.indexOf('Arguments:'))
    .filter((line) => line.trim() !== '' && !line.startsWith('  #'))
    .join('\n');
  assert.ok(example.split('\n').length > 1);
  const script = `fridge() { printf '%s,' "$@" >&2; }\nmelt-ice() { cat >/dev/null; printf '%s,' "$@" >&2; }\ntee() { cat; }\n${example}`;
  const { status, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stderr, /--interval,1m,--mode,fast,--plan,my house\.yaml,--plan,other\.yaml,/);
  assert.match(stderr, /--all,/);
});

test('colours are codes around the same text', () => {
  const coloured = commandHelp(sample('melt-ice'), { columns: 80, paint: colourful });
  assert.notEqual(coloured, help());
  assert.equal(coloured.replace(/\u001b\[\d+m/g, ''), help());
});

test('the help of a group lists its commands by their own word', () => {
  const [fridge, voltpipe] = toolkit.groups;
  const listed = toolkit.commands.map(({ definition }) => definition);
  const layout = { columns: 80, paint: plain };
  const text = groupHelp(fridge!, listed.slice(1, 3), layout);
  assert.match(text, /^Examples:\n {2}# Some ice\n {2}fridge ice$/m);
  assert.match(text, /^ {2}ice {3}makes ice$/m);
  assert.match(text, /^ {2}hail {2}makes hail$/m);
  assert.match(groupHelp(voltpipe!, listed, layout), /^ {2}fridge hail +makes hail$/m);
});
