import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { windowSizes } from '../../src/filters/windows/calendar.ts';
import { cleanEnvironment, root, temporaryFolder } from '../support/shell.ts';

const start = Date.parse('2025-01-01T00:00:00Z');
const fields = Object.fromEntries(
  Array.from({ length: 22 }, (_, i) =>
    ['n', 'sum', 'min', 'max', 'mean', 'first', 'last'].map((part) => [`field_${i}_${part}`, part === 'n' ? 360 : i]),
  ).flat(),
);

/** An hour of three batteries. */
const hourOf = (hour: number): string =>
  ['A', 'B', 'C']
    .map((device_id) => {
      const time = new Date(start + hour * 3_600_000).toISOString();
      return `${JSON.stringify({ type: 'battery_reading_1h', time, device_id, n: 360, ...fields })}\n`;
    })
    .join('');

test('eight months of hours of three batteries in days, months and years take no more than 120 MB of memory and a state of 400 kB', {
  skip: !existsSync('/proc/self/status'),
}, async () => {
  const cwd = temporaryFolder('rollup-memory');
  const sizes = windowSizes.slice(1).join(',');
  const child = spawn(process.execPath, [join(root, 'bin/rollup.js'), sizes, '--tz', 'UTC', '--state', 'y'], {
    env: cleanEnvironment(cwd),
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  for (let hour = 0; hour < 5800; hour++) {
    if (!child.stdin.write(hourOf(hour))) await once(child.stdin, 'drain');
  }
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))!;
  child.stdin.end();
  const [status] = await once(child, 'exit');
  assert.equal(status, 0);
  assert.ok(Number(kilobytes) * 1024 < 120_000_000, `${kilobytes} KiB`);
  assert.ok(statSync(join(cwd, 'state/voltpipe/rollup-y.json')).size < 400_000);
});
