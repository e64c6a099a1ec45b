// How many frames a core decodes: parser and decoder of each codec, over recorded answers as they came, and a JBD stream in serial
// reads of 64 bytes. Counts of one run, on this machine.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { goal, root, sumUp } from './harness.mjs';

const seconds = Number(process.env.SECONDS_EACH ?? 1);
const folder = mkdtempSync(join(tmpdir(), 'voltpipe-bench-'));
const outfile = join(folder, 'codecs.mjs');
await build({
  entryPoints: [join(root, 'src/protocols/bms/index.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  logLevel: 'warning',
});
const { codecs } = await import(pathToFileURL(outfile));
rmSync(folder, { recursive: true });

const vectorsOf = (name) =>
  readFileSync(join(root, `tests/vectors/bms/${name}.ndjson`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Frames a second through `push` and a decode of what each push brought. */
function rate(codec, chunks) {
  const parser = codec.parser({});
  let frames = 0;
  const started = process.cpuUsage();
  const spent = () => {
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1e6;
  };
  while (spent() < seconds) {
    for (let round = 0; round < 20; round++) {
      for (const chunk of chunks) {
        const parsed = parser.push(chunk);
        if (parsed.frames.length === 0) continue;
        frames += parsed.frames.length;
        codec.reading.decode(parsed.frames, {});
      }
    }
  }
  return frames / spent();
}

const shown = (n) => `${Math.round(n / 1000)} k frames/s`;
const bytes = (text) => Uint8Array.from(Buffer.from(text, 'hex'));
const known = new Set(readdirSync(join(root, 'tests/vectors/bms')).map((file) => file.replace('.ndjson', '')));

for (const codec of codecs.filter(({ name }) => known.has(name))) {
  const chunks = vectorsOf(codec.name).flatMap(({ exchanges }) =>
    exchanges.flatMap(({ response }) => response.map(bytes)),
  );
  rate(codec, chunks);
  console.log(`  ${codec.name}: ${shown(rate(codec, chunks))}, recorded answers as they came`);
}

const jbd = codecs.find(({ name }) => name === 'jbd');
const recorded = vectorsOf('jbd')
  .filter(
    ({ kind, exchanges }) =>
      kind.startsWith('recorded') && exchanges.every(({ request }) => /^dda50[34]/.test(request)),
  )
  .flatMap(({ exchanges }) => exchanges.map(({ response }) => response.join('')));
const stream = bytes(recorded.join(''));
const pieces = Array.from({ length: Math.ceil(stream.length / 64) }, (_, n) => stream.slice(64 * n, 64 * n + 64));
rate(jbd, pieces);
const speed = rate(jbd, pieces);
goal('JBD readings and cells, parsed and decoded, a core', shown(speed), speed >= 500_000, '>= 500 k frames/s');
sumUp();
