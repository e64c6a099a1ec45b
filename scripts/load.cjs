// Starts a bundle by way of the code cache that the build has made of it (decision 008). The build copies this file to dist/.
'use strict';
const { existsSync, readFileSync, statSync } = require('node:fs');
const { Script } = require('node:vm');

/**
 * Where the caches for this very Node are. V8 refuses one of another version or with other flags, but not one of another build of the
 * same version, which is what the size of the binary tells.
 */
const folder = `cache/${process.version}-${process.arch}-${statSync(process.execPath).size}`;

/**
 * A bundle as a script. Bundles are ASCII, which is the quickest to read. A wrapper as Node's own makes a function of them, on a line
 * of its own, so that the bundle's lines keep their numbers.
 */
function scriptOf(name, cachedData) {
  const filename = `${__dirname}/${name}.cjs`;
  const source = `(function (exports, require, module, __filename, __dirname) {\n${readFileSync(filename).latin1Slice()}\n})`;
  return new Script(source, { filename, lineOffset: -1, cachedData });
}

/** Whether the build knew this Node. */
const hasCaches = existsSync(`${__dirname}/${folder}`);

/** The cache of a bundle, if it has one. */
function cacheOf(name) {
  if (!hasCaches) return undefined;
  try {
    return readFileSync(`${__dirname}/${folder}/${name}.cache`);
  } catch {
    return undefined;
  }
}

const loaded = new Map();

/** What a bundle asks for, beside it or below: a vendored package comes by way of its cache, too. */
function requireFrom(directory) {
  return (id) => {
    if (!id.startsWith('./')) return require(id);
    const name = directory + id.slice('./'.length, -'.cjs'.length);
    if (!loaded.has(name)) loaded.set(name, load(name));
    return loaded.get(name);
  };
}

/** Runs `dist/<name>.cjs` and returns its exports. */
function load(name) {
  // Whoever wants source maps needs Node's own loader.
  const cachedData = process.sourceMapsEnabled ? undefined : cacheOf(name);
  if (cachedData === undefined) return require(`./${name}.cjs`);
  const directory = name.slice(0, name.lastIndexOf('/') + 1);
  const module = { exports: {} };
  scriptOf(name, cachedData).runInThisContext()(
    module.exports,
    requireFrom(directory),
    module,
    `${__dirname}/${name}.cjs`,
    `${__dirname}/${directory}`.slice(0, -1),
  );
  return module.exports;
}

/** `voltpipe CMD` is `CMD`: the command's own bundle is a tenth of the one that holds them all. */
function loadVoltpipe() {
  const [, , word = ''] = process.argv;
  const isCommand = /^[a-z-]+$/.test(word) && word !== 'voltpipe' && existsSync(`${__dirname}/../bin/${word}.js`);
  if (isCommand) process.argv.splice(2, 1);
  return load(isCommand ? word : 'voltpipe');
}

module.exports = { load, loadVoltpipe, scriptOf, cacheOf, folder };
