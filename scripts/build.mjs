// Builds dist/: one CommonJS bundle a command, third-party packages once each under dist/vendor, their code cache, the stubs in bin/.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, transformSync } from 'esbuild';
import { lightCommander, lightMqtt } from './light-packages.mjs';

const root = join(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Native code stays outside the bundles: these are the only packages that a user's install fetches. */
const native = Object.keys(manifest.dependencies);
/** Small enough to be part of every bundle. */
const inlined = [];
/** A vendored package of which we take a part. */
const vendorEntries = { undici: 'scripts/vendor/undici.mjs' };
/** Bundles that are no commands: children that a command starts. */
const children = { 'ble-child': 'src/transports/ble/child.ts' };

/** The list of commands, read from src/commands/index.ts without loading any of them. */
export async function commandList() {
  const source = readFileSync(join(root, 'src/commands/index.ts'), 'utf8');
  mkdirSync(join(root, 'build'), { recursive: true });
  const file = join(root, 'build', `list-${process.pid}.mjs`);
  writeFileSync(file, transformSync(source, { loader: 'ts' }).code);
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(file);
  }
}

const fileOf = (name) => `${name.replaceAll(' ', '-')}.ts`;
const isBare = (path) => !path.startsWith('.') && !path.startsWith('/') && !path.startsWith('node:');
const packageOf = (path) =>
  path
    .split('/')
    .slice(0, path.startsWith('@') ? 2 : 1)
    .join('/');
const vendorFile = (path) =>
  `${path
    .replace('@', '')
    .replace(/\.c?js$/, '')
    .replaceAll('/', '-')}.cjs`;

/** Sends every third-party import to dist/vendor and notes which packages were asked for. */
function vendorPlugin(wanted) {
  return {
    name: 'vendor',
    setup(b) {
      b.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
        if (kind === 'entry-point' || !isBare(path)) return undefined;
        const name = packageOf(path);
        if (inlined.includes(name)) return undefined;
        if (native.includes(name)) return { path, external: true };
        if (!(name in manifest.devDependencies)) return undefined;
        wanted.add(path);
        return { path: `./vendor/${vendorFile(path)}`, external: true };
      });
    },
  };
}

/** A vendored package carries what it needs, so that one file is all there is to load; native code alone stays outside. */
const nativeOnly = {
  name: 'native-only',
  setup(b) {
    b.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
      if (kind === 'entry-point') return undefined;
      const name = packageOf(path);
      const real = name === '@abandonware/bluetooth-hci-socket' ? '@stoprocent/bluetooth-hci-socket' : name;
      return native.includes(real) ? { path: real === name ? path : real, external: true } : undefined;
    });
  },
};

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  // `import()` of a CommonJS file would start Node's ES module loader, which costs 3 ms; `require` inside a promise does not.
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
  metafile: true,
  absWorkingDir: root,
  legalComments: 'none',
  define: { 'process.env.NODE_ENV': '"production"', VOLTPIPE_VERSION: JSON.stringify(manifest.version) },
};

/** Entry texts of the binaries: one command each, or a group of them behind a common first word. */
function entries({ commands, groups }) {
  const binaries = new Map();
  for (const { name } of commands) {
    const binary = name.split(' ')[0];
    if (!binaries.has(binary)) binaries.set(binary, []);
    binaries.get(binary).push(name);
  }
  return [...binaries].map(([binary, names]) => {
    const lines = [`import { start } from './src/main.ts';`];
    if (binary === 'voltpipe') {
      lines.push(`import { commands, groups } from './src/commands/index.ts';`, `start('voltpipe', commands, groups);`);
    } else if (names.length > 1 || groups.some((group) => group.name === binary)) {
      const list = names.map((n) => `{ name: '${n}', load: () => import('./src/commands/${fileOf(n)}') }`);
      lines.push(`import { groups } from './src/commands/index.ts';`);
      lines.push(`start('${binary}', [${list.join(', ')}], groups.filter((g) => g.name === '${binary}'));`);
    } else {
      lines.push(`import { command } from './src/commands/${fileOf(binary)}';`);
      lines.push(`start('${binary}', [{ name: '${binary}', load: () => Promise.resolve({ command }) }], []);`);
    }
    return { binary, contents: lines.join('\n') };
  });
}

/** Bundles the packages that were asked for, and those that they ask for in turn as files of their own; all end up in `wanted`. */
async function vendor(wanted, packages) {
  mkdirSync(join(root, 'dist/vendor'), { recursive: true });
  const apart = (name) => {
    if (!wanted.has(name)) made.push(vendorOne(name, apart, packages));
    wanted.add(name);
    return `./${vendorFile(name)}`;
  };
  const made = [...wanted].map((name) => vendorOne(name, apart, packages));
  // The list grows while its packages are being made.
  for (const one of made) await one;
}

async function vendorOne(name, apart, packages) {
  const entry = vendorEntries[name];
  const result = await build({
    ...common,
    stdin: entry
      ? undefined
      : { contents: `module.exports = require(${JSON.stringify(name)});`, resolveDir: root, loader: 'js' },
    entryPoints: entry ? [join(root, entry)] : undefined,
    outfile: join(root, 'dist/vendor', vendorFile(name)),
    minify: true,
    keepNames: true,
    plugins: [lightCommander, lightMqtt(apart), nativeOnly],
  });
  notePackages(result.metafile, packages);
}

function notePackages(metafile, packages) {
  for (const input of Object.keys(metafile.inputs)) {
    const match = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(input);
    if (match) packages.set(match[1], match[2]);
  }
}

/** The licences of all that is bundled, as their terms ask. */
function notices(packages) {
  const parts = ['# Third-party notices', '', 'voltpipe bundles the following packages.', ''];
  for (const [folder, name] of [...packages].sort((a, b) => (a[1] < b[1] ? -1 : 1))) {
    const about = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((f) => /^(licen[cs]e|copying)/i.test(f));
    parts.push(`## ${name} ${about.version} (${about.license ?? 'see text'})`, '');
    if (file)
      parts.push(
        '```',
        readFileSync(join(root, folder, file), 'utf8')
          .trim()
          .replaceAll('```', "'''"),
        '```',
        '',
      );
    else parts.push(typeof about.author === 'string' ? about.author : (about.author?.name ?? ''), '');
  }
  writeFileSync(join(root, 'dist/THIRD-PARTY-NOTICES.md'), `${parts.join('\n')}\n`);
}

/** The three lines that npm links into PATH. */
function stubs(binaries) {
  mkdirSync(join(root, 'bin'), { recursive: true });
  const start = (name) => (name === 'voltpipe' ? 'loadVoltpipe()' : `load('${name}')`);
  const stub = (name) => `#!/usr/bin/env node\n'use strict';\nrequire('../dist/load.cjs').${start(name)};\n`;
  const files = new Map(binaries.map((name) => [`${name}.js`, stub(name)]));
  files.set('package.json', '{ "type": "commonjs" }\n');
  for (const stale of readdirSync(join(root, 'bin'))) if (!files.has(stale)) rmSync(join(root, 'bin', stale));
  for (const [file, text] of files) {
    const path = join(root, 'bin', file);
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
    if (file.endsWith('.js') && (statSync(path).mode & 0o111) !== 0o111) chmodSync(path, 0o755);
  }
}

/** V8's code cache of every bundle, for this version of Node; see scripts/load.cjs. */
function codeCache(bundles) {
  copyFileSync(join(root, 'scripts/load.cjs'), join(root, 'dist/load.cjs'));
  const { NODE_OPTIONS: _, ...env } = process.env;
  execFileSync(process.execPath, [join(root, 'scripts/code-cache.mjs'), ...bundles], { stdio: 'inherit', env });
}

/** Builds everything. */
export async function buildAll() {
  // An old cache above all must go: V8 knows a bundle by its length alone, and would take it for the new code.
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const list = await commandList();
  const wanted = new Set();
  const packages = new Map();
  const binaries = entries(list);
  await Promise.all([
    ...binaries.map(async ({ binary, contents }) => {
      const result = await build({
        ...common,
        stdin: { contents, resolveDir: root, sourcefile: `${binary}.entry.ts`, loader: 'ts' },
        outfile: join(root, 'dist', `${binary}.cjs`),
        sourcemap: true,
        sourcesContent: false,
        minifySyntax: true,
        minifyWhitespace: true,
        plugins: [lightCommander, vendorPlugin(wanted)],
      });
      notePackages(result.metafile, packages);
    }),
    ...Object.entries(children)
      .filter(([, file]) => existsSync(join(root, file)))
      .map(async ([name, file]) => {
        const result = await build({
          ...common,
          entryPoints: [join(root, file)],
          outfile: join(root, 'dist', `${name}.cjs`),
          sourcemap: true,
          sourcesContent: false,
          plugins: [lightCommander, vendorPlugin(wanted)],
        });
        notePackages(result.metafile, packages);
      }),
  ]);
  await vendor(wanted, packages);
  notices(packages);
  codeCache([
    ...binaries.map(({ binary }) => binary),
    ...[...wanted].map((name) => `vendor/${vendorFile(name).replace(/\.cjs$/, '')}`),
  ]);
  stubs(binaries.map(({ binary }) => binary));
  return { binaries: binaries.map(({ binary }) => binary), vendors: [...wanted] };
}

if (process.argv[1] && basename(process.argv[1]) === 'build.mjs') await buildAll();
