import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { cleanEnvironment, root, shell, temporaryFolder } from './support/shell.ts';

const casesDir = join(root, 'tests/cases');

const textOf = (folder: string, name: string): string | undefined =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined;

/** Runs `cmd` of a case in a copy of its folder and compares what came of it with the files beside it. */
async function runCase(folder: string): Promise<void> {
  const work = temporaryFolder('case');
  cpSync(folder, work, { recursive: true });
  const line = textOf(folder, 'cmd');
  assert.ok(line, 'a case has a file cmd');
  const stdin = textOf(folder, 'stdin');
  const got = await shell(line, { cwd: work, env: cleanEnvironment(work), ...(stdin === undefined ? {} : { stdin }) });
  const status = Number(textOf(folder, 'status')?.trim() ?? 0);
  assert.equal(got.status, status, `exit status; stderr: ${got.stderr}`);
  assert.equal(got.stdout, textOf(folder, 'stdout') ?? '', `stdout; stderr: ${got.stderr}`);
  const expected = textOf(folder, 'stderr');
  if (expected === undefined) return;
  for (const wanted of expected.split('\n').filter((part) => part !== '')) {
    assert.ok(got.stderr.includes(wanted), `stderr lacks '${wanted}'; it is:\n${got.stderr}`);
  }
}

for (const command of existsSync(casesDir) ? readdirSync(casesDir) : []) {
  describe(`${command} does what its cases say`, () => {
    for (const name of readdirSync(join(casesDir, command))) {
      test(name.replaceAll('-', ' '), () => runCase(join(casesDir, command, name)));
    }
  });
}
