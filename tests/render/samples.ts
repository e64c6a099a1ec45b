import { describe as describeCommand, type Toolkit } from '../../src/render/described.ts';
import { type AnyDefinition, defineCommand } from '../../src/runtime/command.ts';
import * as naming from '../../src/runtime/common-options.ts';

/** A made-up filter with an option of every type. */
const melt = defineCommand({
  name: 'melt-ice',
  kind: 'filter',
  input: 'required',
  reads: ['ice'],
  writes: ['water'],
  format: 'record',
  longRunning: true,
  summary: 'turns ice into water: slowly, with `heat` [and salt]',
  description: `Melts what comes in.

- .first item, which starts with a dot
- second item

  melt-ice | jq .'time' \\
    --raw

It's **done** at 0 °C. Never more.`,
  arguments: [{ name: 'file', summary: 'where the ice is', variadic: true }],
  options: {
    interval: {
      type: 'duration',
      short: 'i',
      default: 90_000,
      key: 'melt.minInterval',
      aliases: ['rateLimitSeconds'],
      summary: 'time between two drops',
      env: ['MELT_EVERY'],
    },
    mode: { type: 'choice', choices: ['slow', 'fast'], default: 'slow', key: 'melt.mode', summary: "how it's done" },
    apiKey: { type: 'secret', key: 'melt.apiKey', summary: 'key of the melting service' },
    salt: { type: 'flag', default: true, summary: 'add salt' },
    dry: { type: 'flag', key: 'melt.dry', summary: 'only say what would melt' },
    room: { type: 'file', value: 'DIR', summary: 'folder of the rooms' },
    plan: { type: 'file', short: 'p', repeatable: true, summary: 'plan of the house' },
    only: { type: 'list', key: 'melt.only', summary: 'rooms to melt in' },
    buffer: { type: 'size', default: 65_536, key: 'melt.buffer', summary: 'bytes to hold' },
    tries: { type: 'integer', default: 3, min: 1, max: 9, key: 'melt.tries', summary: 'attempts before it gives up' },
    url: { type: 'url', key: 'melt.url', summary: 'address of the melting service' },
    tokens: { type: 'map', key: 'melt.tokens', sensitive: true, summary: 'token for each room' },
    mapping: { type: 'object', key: 'mapping', schema: { type: 'object' }, summary: 'what becomes of what' },
    depth: { type: 'number', rare: true, summary: 'how deep it looks' },
  },
  examples: [
    {
      text: 'Melt what comes from the fridge, every minute, and keep what it said',
      command: `fridge --all | melt-ice --interval 1m --mode fast --plan 'my house.yaml' --plan other.yaml | tee -p water.ndjson`,
    },
  ],
  files: [{ path: '~/ice', text: 'the ice' }],
  seeAlso: ['fridge(1)'],
  each: () => (record) => record,
});

const member = (name: string, summary: string): AnyDefinition =>
  defineCommand({
    name,
    kind: 'source',
    input: 'none',
    writes: ['ice'],
    format: 'record',
    countable: true,
    summary,
    description: summary,
    arguments: [{ name: 'shape', summary: 'what shape', choices: ['cube', 'ball'] }],
    options: { size: { type: 'choice', choices: ['small', 'large'], summary: 'how large' } },
    examples: [],
    each: () => () => undefined,
  });

/** The filter, a group of two sources, and a command of the common binary. */
export const toolkit: Toolkit = {
  version: '1.2.3',
  date: '2026-03-01',
  commands: [
    melt,
    member('fridge ice', 'makes ice'),
    member('fridge hail', 'makes hail'),
    member('voltpipe demo', 'shows it all'),
  ].map((definition) => describeCommand(definition, naming)),
  groups: [
    {
      name: 'fridge',
      summary: 'makes cold things',
      description: 'Cold things.',
      examples: [{ text: 'Some ice', command: 'fridge ice' }],
    },
    { name: 'voltpipe', summary: 'runs any of them', description: '`voltpipe CMD …` is `CMD …`.', examples: [] },
  ],
  exitMeaning: { 0: 'done', 64: 'usage' },
};

/** One of the commands above. */
export function sample(name: string): Toolkit['commands'][number] {
  const found = toolkit.commands.find(({ definition }) => definition.name === name);
  if (!found) throw new Error(`no sample ${name}`);
  return found;
}
