// Measures against peers in the same run and prints ratios: `npm run bench`, `npm run bench -- normalize start-up`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAll } from './build.mjs';

const folder = join(import.meta.dirname, '../tests/bench');
const wanted = process.argv.slice(2);
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.mjs'))
  .filter((file) => wanted.length === 0 || wanted.some((name) => file.startsWith(name)));

await buildAll();
// What benchmarks leave in their temporary folders goes with the run, as in test.mjs.
const temporary = mkdtempSync(join(tmpdir(), 'vp-bench-'));
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (stopped = true));
for (const file of files) {
  if (stopped) break;
  console.log(`\n# ${file.replace('.bench.mjs', '')}`);
  const env = { ...process.env, TMPDIR: temporary };
  const [status] = await once(spawn(process.execPath, [join(folder, file)], { stdio: 'inherit', env }), 'close');
  if (status !== 0) process.exitCode = 1;
}
rmSync(temporary, { recursive: true, force: true, maxRetries: 3 });
