import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands } from '../src/commands/index.ts';
import { splitPipeline } from '../src/runtime/shell-words.ts';
import { requireService } from './support/services.ts';

const folder = 'examples/systemd';
const units = readdirSync(folder).filter((file) => file.endsWith('.service'));

for (const unit of units) {
  const text = readFileSync(join(folder, unit), 'utf8');

  test(`systemd takes ${unit} without a word (CARD-05, BMW-02)`, (t) => {
    const systemd = requireService(t, 'systemdAnalyze');
    if (!systemd) return;
    const { status, stderr } = spawnSync(systemd, ['verify', '--man=no', join(folder, unit)], { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.equal(status, 0);
  });

  test(`${unit} is locked in: an exposure of at most 2 of 10`, (t) => {
    const systemd = requireService(t, 'systemdAnalyze');
    if (!systemd) return;
    const args = ['security', '--offline=true', '--threshold=20', '--no-pager', join(folder, unit)];
    const { status, stdout } = spawnSync(systemd, args, { encoding: 'utf8' });
    assert.equal(status, 0, stdout.trim().split('\n').at(-1));
  });

  test(`${unit} runs commands that the toolkit has, and one process tells systemd how it is`, () => {
    const [, pipeline = ''] = /^ExecStart=\/usr\/bin\/env voltpipe run '(.*)'$/m.exec(text) ?? [];
    const names = commands.map(({ name }) => name);
    for (const [name = ''] of splitPipeline(pipeline)) assert.ok(names.includes(name), name);
    assert.match(text, /^Type=notify$/m);
    assert.match(text, /^NotifyAccess=all$/m);
    assert.match(text, /^RestartPreventExitStatus=64 77 78$/m);
  });
}
