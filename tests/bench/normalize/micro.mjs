// What normalize itself costs a line, without reading, parsing and writing: `node micro.mjs lines.ndjson`.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../../..');
const outfile = join(mkdtempSync(join(tmpdir(), 'voltpipe-bench-')), 'normalize.mjs');
await build({
  stdin: {
    contents: `
      export { compile } from './src/filters/mapping/compile.ts';
      export { normalizer } from './src/filters/mapping/normalizer.ts';
      export { readMapping } from './src/filters/mapping/read.ts';
      export { bmw } from './src/filters/presets/bmw.ts';`,
    resolveDir: root,
    loader: 'ts',
  },
  bundle: true,
  format: 'esm',
  platform: 'node',
  outfile,
});
const { bmw, compile, normalizer, readMapping } = await import(outfile);
rmSync(outfile);

const lines = readFileSync(process.argv[2], 'utf8').trimEnd().split('\n');
const { program } = compile(readMapping(bmw).mapping, { jsonPath: () => () => [] });
const batch = 100;
for (let round = 0; round < 5; round++) {
  const subject = normalizer(program, { merge: true, explain: false, identity: ['vin'] });
  let spent = 0;
  let made = 0;
  for (let at = 0; at < lines.length; at += batch) {
    const records = lines.slice(at, at + batch).map((line) => JSON.parse(line));
    const began = performance.now();
    for (const record of records) {
      const line = subject.applyLine({ record, data: record.data, time: record.time, arrived: record.received_at });
      if (line !== undefined) made++;
    }
    spent += performance.now() - began;
  }
  console.log(`${Math.round((spent * 1e6) / lines.length)} ns a line, ${made} records`);
}
