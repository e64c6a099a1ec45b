// Starts a bundle by way of the code cache that the build has made of it (decision 008). The build copies this file to dist/.
'use strict';
const { readFileSync, statSync } = require('node:fs');
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

/** The cache of a bundle; undefined for a Node that the build did not know. */
function cacheOf(name) {
  try {
    return readFileSync(`${__dirname}/${folder}/${name}.cache`);
  } catch {
    return undefined;
  }
}

const loaded = new Map();

/** What a bundle asks for: a vendored package comes by way of its cache, too. */
function requireIn(id) {
  if (!id.startsWith('./vendor/')) return require(id);
  if (!loaded.has(id)) loaded.set(id, load(id.slice('./'.length, -'.cjs'.length)));
  return loaded.get(id);
}

/** Runs `dist/<name>.cjs` and returns its exports. */
function load(name) {
  // Whoever wants source maps needs Node's own loader.
  const cachedData = process.sourceMapsEnabled ? undefined : cacheOf(name);
  if (cachedData === undefined) return require(`./${name}.cjs`);
  const filename = `${__dirname}/${name}.cjs`;
  const directory = filename.slice(0, filename.lastIndexOf('/'));
  const module = { exports: {} };
  scriptOf(name, cachedData).runInThisContext()(module.exports, requireIn, module, filename, directory);
  return module.exports;
}

module.exports = { load, scriptOf, cacheOf, folder };
