// What third-party packages load at start though hardly anybody uses it is made to load late, or not at all: esbuild plugins.
// A package that has changed so that its part is not found any more stops the build.
import { readFileSync } from 'node:fs';

/** Commander loads node:child_process (3 ms) for a feature that we don't use: programs as subcommands. */
export const lightCommander = {
  name: 'light-commander',
  setup(b) {
    b.onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes('/node_modules/commander/') ? { path, namespace: 'nothing' } : undefined,
    );
    b.onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** What mqtt.js loads with its first connection: WebSocket costs 12 ms, SOCKS 7, the aliases of MQTT 5 one. */
const lateInMqtt = [
  {
    file: 'connect/index',
    eager: /= require\('(\.\/(?:ws|tcp|tls))'\)\.(streamBuilder|default);/g,
    times: 6,
    late: "= (...args) => require('$1').$2(...args);",
  },
  {
    file: 'connect/tcp',
    eager: /= __importDefault\(require\("\.\/socks"\)\);/g,
    times: 1,
    late: '= { get default() { return require("./socks").default; } };',
  },
  {
    file: 'connect/tls',
    eager: /= __importDefault\(require\("\.\/socks"\)\);/g,
    times: 1,
    late: '= { get default() { return require("./socks").default; } };',
  },
  {
    file: 'topic-alias-send',
    eager: /= require\("lru-cache"\);/g,
    times: 1,
    late: '= { get LRUCache() { return require("lru-cache").LRUCache; } };',
  },
];

/** Half of mqtt.js with all that it needs: files of their own, so that a plain connection does not even read them. */
const apartFromMqtt = /^(ws|socks)$/;

/** Packages of which mqtt.js needs nothing here, and what stands for them. */
const replacedInMqtt = {
  // Its own messages for developers, switched on with DEBUG: they load node:tty to find their colours.
  debug: 'const silent = () => {}; module.exports = () => silent;',
  // Timers of browsers.
  'worker-timers': 'module.exports = {};',
};

const isMqtt = (importer) => /\/node_modules\/mqtt(-packet)?\//.test(importer);

/** @param apart gives a package a file of its own; returns how that is required from beside it */
export const lightMqtt = (apart) => ({
  name: 'light-mqtt',
  setup(b) {
    for (const { file, eager, times, late } of lateInMqtt) {
      b.onLoad({ filter: new RegExp(`/mqtt/build/lib/${file}\\.js$`) }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        if (text.match(eager)?.length !== times) throw new Error(`${path} has changed: look at lateInMqtt anew`);
        return { contents: text.replace(eager, late), loader: 'js' };
      });
    }
    b.onResolve({ filter: apartFromMqtt }, ({ path, importer }) =>
      isMqtt(importer) ? { path: apart(path), external: true } : undefined,
    );
    b.onResolve({ filter: new RegExp(`^(${Object.keys(replacedInMqtt).join('|')})$`) }, ({ path, importer }) =>
      isMqtt(importer) ? { path, namespace: 'replaced' } : undefined,
    );
    b.onLoad({ filter: /.*/, namespace: 'replaced' }, ({ path }) => ({ contents: replacedInMqtt[path] }));
    // npm's copy of Node's own streams.
    b.onResolve({ filter: /^readable-stream$/ }, () => ({ path: 'node:stream', external: true }));
  },
});
