// Builds the commands and the tests, then runs the tests.
//
//   npm test                          all
//   npm test -- tests/filters         those below a path
//   npm test -- --no-build tests/x    without building the commands anew
//   npm run soak                      the long ones, tests/**/*.soak.ts
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildAll } from './build.mjs';

const root = join(import.meta.dirname, '..');
const args = process.argv.slice(2);
const soak = args.includes('--soak');
const suffix = soak ? '.soak.ts' : '.test.ts';
const wanted = args.filter((arg) => !arg.startsWith('--')).map((arg) => arg.replace(/^\.\//, ''));
const forNode = args.filter((arg) => arg.startsWith('--test'));

const files = readdirSync(join(root, 'tests'), { recursive: true, encoding: 'utf8' })
  .map((file) => join('tests', file))
  .filter((file) => file.endsWith(suffix) && !file.includes('node_modules'))
  .filter((file) => wanted.length === 0 || wanted.some((path) => file.startsWith(path)))
  .sort();
if (files.length === 0) {
  console.error(`no test matches ${wanted.join(' ')}`);
  process.exit(64);
}

if (!args.includes('--no-build')) await buildAll();

// Each run builds into a folder of its own, so that several can go on at once.
const out = join('build', `tests-${process.pid}`);
mkdirSync(join(root, out), { recursive: true });
await build({
  entryPoints: files,
  absWorkingDir: root,
  outdir: out,
  outbase: '.',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  sourcemap: 'inline',
  sourcesContent: false,
  logLevel: 'warning',
  define: { VOLTPIPE_VERSION: '"0.0.0-test"' },
});

// What tests leave in their temporary folders goes with the run. The name is short for the sake of sockets in it, and a broker
// that gives up root must be able to pass through.
const temporary = mkdtempSync(join(tmpdir(), 'vp-'));
chmodSync(temporary, 0o711);

const child = spawn(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    `--test-concurrency=${soak ? 1 : 2}`,
    // A test that waits for what never comes shall end with its name, not hold the run for ever.
    ...(soak ? [] : ['--test-timeout=600000']),
    ...forNode,
    ...files.map((file) => join(out, file.replace(/\.ts$/, '.mjs'))),
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, TMPDIR: temporary } },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  rmSync(join(root, out), { recursive: true, force: true });
  rmSync(temporary, { recursive: true, force: true, maxRetries: 3 });
  process.exitCode = signal ? 1 : code;
});
