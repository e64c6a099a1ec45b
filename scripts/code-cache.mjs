// Makes V8's code cache of the named bundles: `node scripts/code-cache.mjs normalize vendor/mqtt`. A process of its own, because
// the flag that it sets is the whole process's.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

const dist = join(import.meta.dirname, '../dist');
const { folder, scriptOf } = createRequire(import.meta.url)('../dist/load.cjs');

/** esbuild escapes all but what stands in regular expressions, where the same escapes are allowed. */
function toAscii(file) {
  const text = readFileSync(file, 'utf8');
  const ascii = text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  if (ascii !== text) writeFileSync(file, ascii);
}

for (const name of process.argv.slice(2)) {
  toAscii(join(dist, `${name}.cjs`));
  // Functions are compiled now and not when they are first called: nothing has to be run here to have them in the cache.
  setFlagsFromString('--no-lazy');
  const script = scriptOf(name);
  // V8 takes a cache only with the flags that it was made with.
  setFlagsFromString('--lazy');
  const file = join(dist, folder, `${name}.cache`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, script.createCachedData());
}
