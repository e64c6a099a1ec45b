import type { OptionSpec } from '../runtime/options.ts';
import type { DescribedOption, Toolkit } from './described.ts';
import { defaultText } from './described.ts';

/** A JSON Schema, or a part of one. */
export interface Schema {
  properties?: Record<string, Schema>;
  [keyword: string]: unknown;
}

/**
 * JSON Schema (draft 2020-12) of the whole configuration: every key of every command and its aliases, nested as the file is.
 * Unknown keys are errors, so that a misspelt one is seen.
 *
 * @throws when one command uses as a value what another has as a section
 */
export function configSchema(toolkit: Pick<Toolkit, 'commands'>): Schema {
  const root: Schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of voltpipe',
    ...section(),
  };
  const properties = root.properties ?? {};
  properties.$schema = { type: 'string', description: 'the schema that an editor checks this file against' };
  properties.version = { type: 'string', description: 'version of the layout, as system.json has it' };
  for (const { own, common } of toolkit.commands) {
    for (const option of [...own, ...common]) {
      for (const [index, key] of option.keys.entries()) {
        put(properties, key, index === 0 ? valueSchema(option) : aliasSchema(option));
      }
    }
  }
  return sorted(root);
}

function section(): Schema & { properties: Record<string, Schema> } {
  return { type: 'object', additionalProperties: false, properties: {} };
}

function put(properties: Record<string, Schema>, key: string, schema: Schema): void {
  const parts = key.split('.');
  const last = parts.pop() ?? key;
  let here = properties;
  for (const part of parts) {
    here[part] ??= section();
    const inside = here[part].properties;
    if (!inside) throw new Error(`${key}: ${part} is a value elsewhere`);
    here = inside;
  }
  if (here[last]?.additionalProperties === false && here[last]?.description === undefined) {
    throw new Error(`${key} is a section elsewhere`);
  }
  here[last] ??= schema;
}

/** Properties in alphabetical order at every depth, so that the file changes only where a definition did. */
function sorted(schema: Schema): Schema {
  const { properties } = schema;
  if (!properties || schema.additionalProperties !== false) return schema;
  const entries = Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...schema, properties: Object.fromEntries(entries.map(([name, value]) => [name, sorted(value)])) };
}

function aliasSchema(option: DescribedOption): Schema {
  const { default: _default, ...schema } = valueSchema(option);
  return { ...schema, description: `${option.spec.summary}; another name of ${option.keys[0]}` };
}

function valueSchema(option: DescribedOption): Schema {
  const { spec, environment } = option;
  const one = { ...(typed[spec.type](spec) as Schema), ...limits(spec) };
  const schema = spec.repeatable && spec.type !== 'list' ? { anyOf: [one, { type: 'array', items: one }] } : one;
  const also = environment.length > 0 ? ` (environment: ${environment.join(', ')})` : '';
  return { description: `${spec.summary}${also}`, ...schema, ...defaultOf(option) };
}

/** Text with a unit, or a bare number. */
const quantity = (pattern: string): Schema => ({
  anyOf: [
    { type: 'string', pattern },
    { type: 'number', minimum: 0 },
  ],
});

/** What a value of each type looks like in YAML or JSON. */
const typed: Record<OptionSpec['type'], (spec: OptionSpec) => Schema> = {
  flag: () => ({ type: 'boolean' }),
  string: () => ({ type: 'string' }),
  number: () => ({ type: 'number' }),
  integer: () => ({ type: 'integer' }),
  duration: () => quantity('^\\d+(\\.\\d+)?\\s*([mM]?[sS]|[mMhHdD])?$'),
  size: () => quantity('^\\d+(\\.\\d+)?\\s*([bB]|[kKmMgG]([iI][bB])?)?$'),
  choice: ({ choices = [] }) => ({ type: 'string', ...anyCase(choices) }),
  url: () => ({ type: 'string', pattern: '^[A-Za-z][A-Za-z0-9+.-]*:' }),
  file: () => ({ type: 'string' }),
  list: () => ({ anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }),
  secret: ({ open }) => ({ type: 'string', ...(open ? {} : { writeOnly: true }) }),
  map: () => ({ type: 'object', additionalProperties: { type: 'string' } }),
  object: ({ schema }) => (schema ?? {}) as Schema,
};

/** The runtime takes a choice in capitals too, as `INFO`; the list of words is what an editor offers. */
function anyCase(choices: readonly string[]): Schema {
  const upper = choices.map((choice) => choice.toUpperCase()).filter((word) => !choices.includes(word));
  return { enum: [...choices, ...upper] };
}

/** Durations and sizes have their limits in words of their own unit, which JSON Schema can't compare. */
function limits({ type, min, max }: OptionSpec): Schema {
  if (type !== 'number' && type !== 'integer') return {};
  return { ...(min === undefined ? {} : { minimum: min }), ...(max === undefined ? {} : { maximum: max }) };
}

function defaultOf(option: DescribedOption): Schema {
  const { type, default: value } = option.spec;
  if (type === 'flag') return { default: value === true };
  if (value === undefined || type === 'secret' || type === 'map' || type === 'object') return {};
  return { default: type === 'duration' || type === 'size' ? defaultText(option) : value };
}
