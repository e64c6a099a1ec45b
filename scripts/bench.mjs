// Measures against peers in the same run and prints ratios: `npm run bench`, `npm run bench -- normalize start-up`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildAll } from './build.mjs';

const folder = join(import.meta.dirname, '../tests/bench');
const wanted = process.argv.slice(2);
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.mjs'))
  .filter((file) => wanted.length === 0 || wanted.some((name) => file.startsWith(name)));

await buildAll();
for (const file of files) {
  console.log(`\n# ${file.replace('.bench.mjs', '')}`);
  const { status } = spawnSync(process.execPath, [join(folder, file)], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
