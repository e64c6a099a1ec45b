import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { root } from './support/shell.ts';

/** Who may import whom: the table of the design. `types` may be imported as types alone. */
const rules: Record<string, { imports: readonly string[]; types?: readonly string[] }> = {
  records: { imports: [] },
  protocols: { imports: ['records'] },
  filters: { imports: ['records', 'protocols'] },
  runtime: { imports: ['records'] },
  transports: { imports: ['runtime', 'records'] },
  spool: { imports: ['runtime', 'records'] },
  registry: { imports: ['runtime', 'records'] },
  clients: { imports: ['records', 'protocols', 'filters', 'runtime', 'transports', 'spool', 'registry'] },
  servers: { imports: ['records', 'protocols', 'filters', 'runtime', 'transports', 'spool', 'registry'] },
  simulators: { imports: ['records', 'protocols', 'filters', 'runtime', 'transports', 'spool', 'registry'] },
  web: { imports: [], types: ['records'] },
  render: { imports: [], types: ['runtime', 'records'] },
  commands: {
    imports: [
      'records',
      'protocols',
      'filters',
      'runtime',
      'transports',
      'spool',
      'registry',
      'clients',
      'servers',
      'simulators',
    ],
  },
  main: { imports: ['runtime', 'render', 'commands'] },
};

/** Folders that do no I/O: no Node module, no package, no clock, no environment. */
const pure = ['records', 'protocols', 'filters', 'render'];

/** Modules that only compute, for the folder that needs them: ciphers (docs/decisions/013-ciphers-in-codecs.md). */
const computing: Record<string, readonly string[]> = { protocols: ['node:crypto'] };

/** Packages and the folders that alone may import them. */
const heavy: Record<string, readonly string[]> = {
  mqtt: ['transports'],
  'mqtt-packet/constants.js': ['transports'],
  aedes: ['simulators'],
  undici: ['transports'],
  ws: ['transports'],
  '@abandonware/noble': ['transports'],
  '@stoprocent/noble': ['transports'],
  serialport: ['transports'],
  '@serialport/bindings-cpp/dist/serialport-bindings.js': ['runtime'],
  'prom-client': ['runtime'],
  '@peculiar/x509': ['simulators'],
};

interface Import {
  file: string;
  from: string;
  path: string;
  typeOnly: boolean;
  lazy: boolean;
}

const folderOf = (file: string): string => {
  const parts = file.split('/');
  return parts.length === 2 ? 'main' : parts[1]!;
};

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join('src', file));

const pattern = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\s+from\s+)?'([^']+)'|import\('([^']+)'\)/g;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(pattern)].map(([, type, path, lazy]) => ({
    file,
    from: folderOf(file),
    path: path ?? lazy!,
    typeOnly: type !== undefined,
    lazy: lazy !== undefined,
  }));
}

const all = sources.flatMap(importsOf);
const isOurs = ({ path }: Import): boolean => path.startsWith('.');
const targetOf = ({ file, path }: Import): string => normalize(join(dirname(file), path));

test('each folder of src imports only what the design allows', () => {
  const breaches = all.filter(isOurs).filter((one) => {
    const to = folderOf(targetOf(one));
    const rule = rules[one.from];
    assert.ok(rule, `${one.from} has no rule`);
    if (to === one.from || rule.imports.includes(to)) return false;
    return !(one.typeOnly && rule.types?.includes(to));
  });
  assert.deepEqual(
    breaches.map(({ file, path }) => `${file} imports ${path}`),
    [],
  );
});

test('records, protocols, filters and render do no input or output and know no clock', () => {
  const breaches: string[] = all
    .filter((one) => pure.includes(one.from) && !isOurs(one) && !one.typeOnly)
    .filter((one) => !computing[one.from]?.includes(one.path))
    .map(({ file, path }) => `${file} imports ${path}`);
  for (const file of sources.filter((one) => pure.includes(folderOf(one)))) {
    const code = readFileSync(join(root, file), 'utf8').replaceAll(
      /\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g,
      '',
    );
    for (const found of code.match(
      /\bprocess\.\w+|\bDate\.now\b|\bnew Date\(\)|\bconsole\.\w+|\bsetTimeout\b|\bMath\.random\b/g,
    ) ?? []) {
      breaches.push(`${file} uses ${found}`);
    }
  }
  assert.deepEqual(breaches, []);
});

test('only the runtime touches the process', () => {
  const breaches = sources
    .filter((file) => !['runtime', 'main'].includes(folderOf(file)))
    .flatMap((file) => {
      const code = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      return (code.match(/\bprocess\.(?:env|stdin|stdout|stderr|argv|exit|exitCode|on|kill|getuid)\b/g) ?? []).map(
        (found) => `${file} uses ${found}`,
      );
    });
  // The Bluetooth child is a process of its own, with a runtime of its own: a few lines.
  assert.deepEqual(
    breaches.filter((line) => !line.startsWith('src/transports/ble/child')),
    [],
  );
});

test('no signal is made of several by AbortSignal.any, which leaves something behind at each', () => {
  const uses = sources.filter((file) =>
    readFileSync(join(root, file), 'utf8')
      .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
      .includes('AbortSignal.any'),
  );
  assert.deepEqual(uses, [], 'abortWithin() of the runtime does it: docs/decisions/042-signals-within-signals.md');
});

test('a heavy package is imported by its transport, client or simulator alone, and lazily', () => {
  const breaches = all.filter((one) => {
    const folders = heavy[one.path];
    return folders && !one.typeOnly && !(folders.includes(one.from) && (one.lazy || one.file.includes('/child')));
  });
  assert.deepEqual(
    breaches.map(({ file, path }) => `${file} imports ${path}`),
    [],
  );
});

test('no module of src takes part in a cycle', () => {
  const graph = new Map<string, string[]>();
  for (const one of all.filter((candidate) => isOurs(candidate) && !candidate.typeOnly && !candidate.lazy)) {
    graph.set(one.file, [...(graph.get(one.file) ?? []), targetOf(one)]);
  }
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(file), `cycle: ${[...trail.slice(trail.indexOf(file)), file].join(' → ')}`);
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
});
