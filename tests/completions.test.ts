import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { generatedFiles } from '../src/render/files.ts';
import { toolkit } from './render/samples.ts';
import { completionFile, offers, shells } from './support/completion.ts';
import { requireService, runService } from './support/services.ts';

/** A folder with the completions of the made-up commands. */
const samples = mkdtempSync(join(tmpdir(), 'voltpipe-completions-'));
for (const [path, text] of generatedFiles(toolkit, { families: [], commonKeys: [] })) {
  mkdirSync(join(samples, dirname(path)), { recursive: true });
  writeFileSync(join(samples, path), text);
}
mkdirSync(join(samples, 'house', 'rooms'), { recursive: true });
writeFileSync(join(samples, 'house', 'plan one.yaml'), '');
const house = join(samples, 'house');

const flagsOf = (name: string): string[] => {
  const command = toolkit.commands.find(({ definition }) => definition.name === name);
  return [...(command?.own ?? []), ...(command?.common ?? [])].flatMap(({ flag }) => flag ?? []).sort();
};

/** A command line, and what must be offered at its end. */
const lines: Record<string, readonly [line: string, expected: readonly string[]]> = {
  'every long flag of a command': ['melt-ice --', flagsOf('melt-ice')],
  'the choices of an option': ['melt-ice --mode ', ['fast', 'slow']],
  'the choices that start as the word does': ['melt-ice --mode s', ['slow']],
  'the choices behind a common option': ['melt-ice --log-level ', ['debug', 'error', 'info', 'warn']],
  'the commands of a group': ['fridge ', ['hail', 'ice']],
  'the flags of a command in a group': ['fridge ice --', flagsOf('fridge ice')],
  'the choices of an option in a group': ['fridge ice --size ', ['large', 'small']],
  'the choices of an argument': ['fridge hail ', ['ball', 'cube']],
  'every command behind voltpipe': ['voltpipe ', ['demo', 'fridge', 'melt-ice']],
  'the commands of a group behind voltpipe': ['voltpipe fridge ', ['hail', 'ice']],
  'the choices of an option behind voltpipe': ['voltpipe melt-ice --mode ', ['fast', 'slow']],
  'the flags of a command of a group behind voltpipe': ['voltpipe fridge hail --', flagsOf('fridge hail')],
};

for (const shell of shells) {
  const folder = join(samples, 'completions', shell);
  for (const [what, [line, expected]] of Object.entries(lines)) {
    test(`${shell} offers ${what}`, (t) => {
      const path = requireService(t, shell);
      // Some shells show --flag= where a value follows.
      if (path)
        assert.deepEqual(
          offers(shell, path, folder, line).map((word) => word.replace(/=$/, '')),
          expected,
        );
    });
  }

  test(`${shell} offers files for an option that takes one, with their spaces`, (t) => {
    const path = requireService(t, shell);
    if (!path) return;
    const found = offers(shell, path, folder, `melt-ice --plan ${house}/`).map((word) => word.replaceAll('\\', ''));
    assert.deepEqual(found.map((word) => word.replace(/^.*\/(?=.)/, '').replace(/\/$/, '')).sort(), [
      'plan one.yaml',
      'rooms',
    ]);
  });

  test(`${shell} offers folders alone for an option that takes one`, (t) => {
    const path = requireService(t, shell);
    if (!path) return;
    const found = offers(shell, path, folder, `melt-ice --room ${house}/`);
    assert.deepEqual(
      found.map((word) => word.replace(/^.*\/(?=.)/, '').replace(/\/$/, '')),
      ['rooms'],
    );
  });

  test(`${shell} offers files for an argument that is one`, (t) => {
    const path = requireService(t, shell);
    if (!path) return;
    const found = offers(shell, path, folder, `melt-ice ${house}/r`);
    assert.deepEqual(
      found.map((word) => word.replace(/^.*\/(?=.)/, '').replace(/\/$/, '')),
      ['rooms'],
    );
  });

  test(`${shell} offers nothing for a value that can't be known`, (t) => {
    const path = requireService(t, shell);
    if (path) assert.deepEqual(offers(shell, path, folder, 'melt-ice --tries '), []);
  });

  test(`${shell} reads every completion file of the package without a fault`, (t) => {
    const path = requireService(t, shell);
    if (!path) return;
    const files = readdirSync(join('completions', shell));
    assert.ok(files.includes(completionFile[shell]('voltpipe')));
    for (const file of files) runService(path, ['-n', join('completions', shell, file)]);
  });
}

test('bash offers choices behind an equals sign', (t) => {
  const path = requireService(t, 'bash');
  if (!path) return;
  const folder = join(samples, 'completions', 'bash');
  assert.deepEqual(offers('bash', path, folder, 'melt-ice --mode='), ['fast', 'slow']);
  assert.deepEqual(offers('bash', path, folder, 'melt-ice --mode=f'), ['fast']);
});

/** A command that has others behind it: `spool DIR` beside `spool get DIR`. */
const behind: Record<string, readonly [line: string, expected: readonly string[]]> = {
  'the commands behind a command': ['spool g', ['get']],
  'the flags of a command that has others behind it': ['spool --ord', ['--order']],
  'its flags after its folder': ['spool /tmp --when', ['--when-full']],
  'the choices of its options': ['spool --order ', ['fifo', 'live-first']],
  'the flags of the command behind it': ['spool get --fol', ['--follow']],
  'the choices of an option of the command behind it': ['spool put --when-full bl', ['block']],
  'the same behind voltpipe': ['voltpipe spool st', ['stat']],
};

for (const shell of shells) {
  for (const [what, [line, expected]] of Object.entries(behind)) {
    test(`${shell} offers ${what}`, (t) => {
      const path = requireService(t, shell);
      if (!path) return;
      const found = offers(shell, path, join('completions', shell), line).map((word) => word.replace(/=$/, ''));
      assert.deepEqual(
        found.filter((word) => !word.includes('/')),
        expected,
      );
    });
  }
}
