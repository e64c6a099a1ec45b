// Writes everything that is made from the commands' definitions: manual pages, completions, the configuration schema, the
// README's table, and the bin and man lists of package.json.
//
//   npm run generate                     writes them
//   node scripts/generate.mjs --check    only says which are not up to date, exit status 1 then
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { commandList } from './build.mjs';

const root = join(import.meta.dirname, '..');
/** Folders in which nothing but generated files may be. */
const folders = ['man', 'completions', 'schema'];

/** Bundles the definitions and the renderers and loads them. */
async function loadRenderers() {
  const { commands } = await commandList();
  const files = commands.map(({ name }) => `./src/commands/${name.replaceAll(' ', '-')}.ts`);
  const entry = [
    `export { groups } from './src/commands/index.ts';`,
    `export * as naming from './src/runtime/common-options.ts';`,
    `export { exitMeaning } from './src/runtime/exit.ts';`,
    `export { vocabulary } from './src/records/vocabulary.ts';`,
    `export { commonKeys } from './src/records/common.ts';`,
    `export { generatedFiles } from './src/render/files.ts';`,
    `export { describe } from './src/render/described.ts';`,
    `export { readmeWithTable } from './src/render/readme.ts';`,
    ...files.map((file, index) => `import { command as command${index} } from '${file}';`),
    `export const definitions = [${files.map((_, index) => `command${index}`).join(', ')}];`,
  ];
  mkdirSync(join(root, 'build'), { recursive: true });
  const outfile = join(root, 'build', `generate-${process.pid}.mjs`);
  await build({
    stdin: { contents: entry.join('\n'), resolveDir: root, loader: 'ts' },
    absWorkingDir: root,
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    logLevel: 'warning',
    define: { VOLTPIPE_VERSION: '"0.0.0"' },
  });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile);
  }
}

/** The day of the newest version in the changelog: manual pages carry it. */
function releaseDay() {
  const day = /^## .*?(\d{4}-\d\d-\d\d)/m.exec(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'))?.[1];
  if (!day) throw new Error('CHANGELOG.md: no version with a day');
  return day;
}

/** package.json with its lists of binaries and manual pages. */
function manifestWith(manifest, files) {
  const pages = [...files.keys()].filter((path) => path.startsWith('man/')).sort();
  const binaries = [...files.keys()]
    .filter((path) => path.startsWith('completions/fish/'))
    .map((path) => basename(path, '.fish'))
    .sort();
  const { bin: _bin, man: _man, ...rest } = manifest;
  const entries = Object.entries(rest);
  const at = entries.findIndex(([key]) => key === 'files') + 1;
  const lists = [
    ['bin', Object.fromEntries(binaries.map((name) => [name, `bin/${name}.js`]))],
    ['man', pages],
  ];
  return `${JSON.stringify(Object.fromEntries([...entries.slice(0, at), ...lists, ...entries.slice(at)]), null, 2)}\n`;
}

/** Every generated file by its path, as it should be now. */
async function wanted() {
  const { definitions, groups, naming, exitMeaning, vocabulary, commonKeys, ...render } = await loadRenderers();
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const toolkit = {
    version: manifest.version,
    date: releaseDay(),
    commands: definitions.map((definition) => render.describe(definition, naming)),
    groups,
    exitMeaning,
  };
  const files = render.generatedFiles(toolkit, { families: vocabulary, commonKeys });
  files.set('package.json', manifestWith(manifest, files));
  files.set('README.md', render.readmeWithTable(readFileSync(join(root, 'README.md'), 'utf8'), toolkit));
  return files;
}

/** Files in the generated folders that nothing makes any longer. */
function leftOver(files) {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
    )
    .filter((path) => !files.has(path));
}

const files = await wanted();
const stale = [...files].filter(([path, text]) => {
  const file = join(root, path);
  return !existsSync(file) || readFileSync(file, 'utf8') !== text;
});
const left = leftOver(files);

if (process.argv.includes('--check')) {
  for (const [path] of stale) console.log(`${path}: not up to date`);
  for (const path of left) console.log(`${path}: made by nothing any longer`);
  process.exitCode = stale.length + left.length > 0 ? 1 : 0;
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const path of left) rmSync(join(root, path));
}
