import { type CompileOptions, compile, type JsonPath, searchesOf } from '../filters/mapping/compile.ts';
import { type Mapping, placeOf } from '../filters/mapping/model.ts';
import { type Normalizer, normalizer } from '../filters/mapping/normalizer.ts';
import { overlay } from '../filters/mapping/overlay.ts';
import { readMapping } from '../filters/mapping/read.ts';
import type { Snapshot } from '../filters/mapping/snapshot.ts';
import { type Preset, presets } from '../filters/presets/index.ts';
import { openEnvelope } from '../protocols/bmw/telematics.ts';
import { identityKeys, type VoltRecord } from '../records/record.ts';
import { defineCommand, type Each } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { parseDuration } from '../runtime/values.ts';
import { mappingOfConfig, mappingOfFile, type OuterMapping } from './normalize-mapping.ts';

const bmwType = 'bmw_telematics';

const options = {
  map: {
    type: 'file',
    summary: 'mapping file, YAML or JSON, laid over the preset field by field',
    value: 'FILE',
  },
  preset: {
    type: 'choice',
    choices: [...presets.map(({ name }) => name), 'none'],
    summary: 'built-in mapping to begin with, instead of the one that belongs to the record type',
  },
  mapping: {
    type: 'object',
    key: 'mapping',
    summary: 'mapping in the configuration file, in the form of a mapping file; --map goes over it',
    schema: { type: 'object', additionalProperties: { type: ['array', 'object', 'string'] } },
  },
  from: {
    type: 'choice',
    choices: ['auto', 'bmw'],
    default: 'auto',
    summary: "whose lines without a type are taken too: bmw reads BMW's own JSON as it comes from a broker",
  },
  explain: { type: 'flag', summary: 'say in each record where its values came from, under the key explain' },
  drop: { type: 'list', value: 'FIELD,…', summary: 'fields to leave out, such as lat,lon' },
  maxAge: {
    type: 'list',
    value: '[FIELD=]DURATION,…',
    summary: 'leave out values that are older than this, against the newest one of the vehicle',
  },
  merge: { type: 'flag', default: true, summary: 'remember the last values of each vehicle' },
  state: { type: 'string', value: 'NAME', summary: 'keep what is remembered over restarts, under this name' },
} as const satisfies Options;

type Values = Context<typeof options>['opts'];

/** `30m` for all fields, `lat=10m` for one; by field, with `*` for all. */
function agesOf(list: readonly string[]): Map<string, number> {
  return new Map(
    list.map((item) => {
      const [field, duration] = item.includes('=') ? item.split('=', 2) : ['*', item];
      try {
        return [field ?? '', parseDuration(duration ?? '')];
      } catch {
        throw fail('usage', `--max-age ${item}: expected a duration such as 30m, or field=duration`);
      }
    }),
  );
}

/** jsonpath-plus, set so that no expression in a path is ever evaluated; loaded only for a mapping that needs it. */
async function jsonPathFor(mapping: Mapping): Promise<JsonPath> {
  if (searchesOf(mapping).length === 0) return () => () => [];
  const { JSONPath } = await import('jsonpath-plus');
  return (path) => {
    const search = JSONPath({ path, json: {}, autostart: false, wrap: true, eval: false });
    return (record) => {
      const found: unknown = search.evaluate(path, record as object, undefined, undefined);
      return Array.isArray(found) ? found : [];
    };
  };
}

/** Says every problem in a line of its own, then ends with one that counts them. */
function refuse(ctx: Context<typeof options>, problems: readonly { place: string; message: string }[]): void {
  if (problems.length === 0) return;
  for (const { place, message } of problems) ctx.log.error(`${place}: ${message}`);
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  throw fail('config', `mapping: ${count}`, 'Mend what the lines above name; normalize(1) describes the form.');
}

async function outerMappings(opts: Values): Promise<OuterMapping[]> {
  return [
    ...(opts.mapping === undefined ? [] : [mappingOfConfig(opts.mapping)]),
    ...(opts.map === undefined ? [] : [await mappingOfFile(opts.map)]),
  ];
}

/** The presets in use: for each type the first that reads it, unless another was asked for; and one for a type of the user's own. */
function chosen(opts: Values, outer: readonly OuterMapping[]): Preset[] {
  const named = presets.find(({ name }) => name === opts.preset);
  const types = [...new Set([...presets.map(({ reads }) => reads), ...outer.map(({ reads }) => reads ?? bmwType)])];
  return types.map((type) => {
    const usual = presets.find(({ reads }) => reads === type);
    const preset = named?.reads === type ? named : usual;
    if (preset && opts.preset !== 'none') return preset;
    return { name: type, reads: type, identity: usual?.identity ?? identityKeys, mapping: {} };
  });
}

/** Builds the normalizer of each record type. Every problem of every mapping is said before anything is refused. */
async function build(ctx: Context<typeof options>, opts: Values): Promise<Map<string, Normalizer>> {
  const outer = await outerMappings(opts);
  const found = outer.flatMap(({ problems, place }) => problems.map((one) => ({ ...one, place: place(one) })));
  for (const { warnings, place } of outer) for (const one of warnings) ctx.log.warn(`${place(one)}: ${one.message}`);

  const settings: Omit<CompileOptions, 'jsonPath'> = { drop: new Set(opts.drop), maxAge: agesOf(opts.maxAge) };
  const made = new Map<string, Normalizer>();
  for (const preset of chosen(opts, outer)) {
    const base = readMapping(preset.mapping);
    for (const { at, message } of base.warnings)
      ctx.log.warn(`preset ${preset.name}: ${placeOf({ at, message })}: ${message}`);
    const over = outer.filter(({ reads }) => (reads ?? bmwType) === preset.reads);
    const mapping = overlay(base.mapping, ...over.map((one) => one.mapping));
    const { program, problems } = compile(mapping, { ...settings, jsonPath: await jsonPathFor(mapping) });
    for (const problem of problems) {
      const owner = over.findLast((one) => one.mapping.has(String(problem.at[0])));
      found.push({ ...problem, place: owner ? owner.place(problem) : `preset ${preset.name}: ${placeOf(problem)}` });
    }
    made.set(
      preset.reads,
      normalizer(program, { merge: opts.merge, explain: opts.explain, identity: preset.identity }),
    );
  }
  refuse(ctx, found);
  return made;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const nothing = {};

/** Renames and converts vendor data. */
export const command = defineCommand({
  name: 'normalize',
  kind: 'filter',
  input: 'required',
  untyped: true,
  writes: ['vehicle_telemetry'],
  format: 'record',
  longRunning: true,
  summary: 'turns vendor data into vehicle_telemetry: common names, common units, one state per vehicle',
  description: '',
  options,
  examples: [],

  async each(ctx): Promise<Each> {
    let made = await build(ctx, ctx.opts);
    if (ctx.opts.state !== undefined) {
      const state = ctx.state<Record<string, Snapshot>>(ctx.opts.state);
      const saved = await state.read();
      for (const [type, one] of made) if (saved?.[type]) one.load(saved[type]);
      state.keep(() => Object.fromEntries([...made].map(([type, one]) => [type, one.save()])));
    }
    ctx.onReload(async (opts) => {
      const fresh = await build(ctx, opts);
      for (const [type, one] of fresh) {
        const known = made.get(type);
        if (known) one.load(known.save());
      }
      made = fresh;
    });

    const foreign = ctx.opts.from === 'bmw';
    const method = ctx.opts.explain ? 'apply' : 'applyLine';
    return (record: VoltRecord) => {
      const { type } = record;
      if (type === undefined) {
        const envelope = foreign ? openEnvelope(record) : undefined;
        if (envelope) {
          const { vin, sentAt, data } = envelope;
          return made.get(bmwType)?.[method]({ record: { ...record, vin, data }, data, time: sentAt, arrived: sentAt });
        }
        ctx.reject(foreign ? "none of BMW's shapes" : 'no "type" (--from bmw takes BMW\'s own lines)');
        return undefined;
      }
      const one = made.get(type);
      if (one === undefined) return record;
      const { data } = record;
      return one[method]({
        record,
        data: isObject(data) ? data : nothing,
        time: record.time,
        arrived: record.received_at ?? record.sent_at,
      });
    };
  },
});
