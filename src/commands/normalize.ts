import { compileBuiltIn } from '../filters/mapping/built-in.ts';
import { type CompileOptions, compile, type JsonPath } from '../filters/mapping/compile.ts';
import { type Mapping, placeOf } from '../filters/mapping/model.ts';
import { lateNormalizer, type Normalizer, normalizer } from '../filters/mapping/normalizer.ts';
import { overlay } from '../filters/mapping/overlay.ts';
import { mappable, readMapping } from '../filters/mapping/read.ts';
import { searchesOf } from '../filters/mapping/references.ts';
import type { Snapshot } from '../filters/mapping/snapshot.ts';
import { presets, presetsFor } from '../filters/presets/index.ts';
import { openEnvelope } from '../protocols/bmw/telematics.ts';
import { isJsonObject } from '../records/json.ts';
import type { VoltRecord } from '../records/record.ts';
import { defineCommand, type Each } from '../runtime/command.ts';
import type { Context } from '../runtime/context.ts';
import { counted } from '../runtime/counted.ts';
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
    summary:
      "whose lines without a type are taken too: bmw reads BMW's own JSON, of its broker, its REST interface or a capture",
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

/** Refuses names that no record has, so that a slip of the pen doesn't let a position through. */
function checkField(flag: string, field: string): void {
  if (!mappable.has(field)) throw fail('usage', `${flag} ${field}: no field of vehicle_telemetry`);
}

/** `30m` for all fields, `lat=10m` for one; by field, with `*` for all. */
function agesOf(list: readonly string[]): Map<string, number> {
  return new Map(
    list.map((item) => {
      const [field = '', duration = ''] = item.includes('=') ? item.split('=', 2) : ['*', item];
      if (field !== '*') checkField('--max-age', field);
      try {
        return [field, parseDuration(duration)];
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
  const count = counted(problems.length, 'problem');
  throw fail('config', `mapping: ${count}`, 'Mend what the lines above name; normalize(1) describes the form.');
}

async function outerMappings(opts: Values): Promise<OuterMapping[]> {
  return [
    ...(opts.mapping === undefined ? [] : [mappingOfConfig(opts.mapping)]),
    ...(opts.map === undefined ? [] : [await mappingOfFile(opts.map)]),
  ];
}

/**
 * Builds the normalizer of each record type. Every problem of every mapping is said before anything is refused; a preset that is taken
 * as it is has none, and is compiled when a record of its type comes.
 */
async function build(ctx: Context<typeof options>, opts: Values): Promise<Map<string, Normalizer>> {
  for (const field of opts.drop) checkField('--drop', field);
  const outer = await outerMappings(opts);
  const found = outer.flatMap(({ problems, place }) => problems.map((one) => ({ ...one, place: place(one) })));
  for (const { warnings, place } of outer) for (const one of warnings) ctx.log.warn(`${place(one)}: ${one.message}`);

  const settings: Omit<CompileOptions, 'jsonPath'> = { drop: new Set(opts.drop), maxAge: agesOf(opts.maxAge) };
  const made = new Map<string, Normalizer>();
  const types = outer.map(({ reads }) => reads ?? bmwType);
  for (const preset of presetsFor(types, opts.preset)) {
    const manner = { merge: opts.merge, explain: opts.explain, identity: preset.identity };
    if (opts.preset === undefined && !types.includes(preset.reads)) {
      made.set(
        preset.reads,
        lateNormalizer(() => normalizer(compileBuiltIn(preset.mapping, settings), manner)),
      );
      continue;
    }
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
    made.set(preset.reads, normalizer(program, manner));
  }
  refuse(ctx, found);
  return made;
}

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
  description: `Reads vendor records and puts out what they say about a vehicle as vehicle_telemetry, with the same names and units for every make. Records of types that no mapping reads pass untouched.

For each vehicle the last value of every field is remembered, with the time at which it was measured. A record comes out when a mapped value is new: it changed, or was measured again. It holds all that is known of the vehicle; utc and time are those of the newest value in it, never the present time and never that of the message; one that comes late doesn't turn them back; soc_age_s says how much older the state of charge is. Duplicates and values that arrive late make no record. What the car does not know (-NA-, INVALID, empty text, null) and what can not be meant (a charge of 254 %) is left out, and the last known value stays.

Latitude and longitude are taken only together, with one and the same time: BMW sends them in two messages, and a pair of two times would be a place where the car never was.

Charging states that BMW predicts (charging.level) become soc_predicted, never soc. power is out of the battery: negative while it charges, 0 when parked, and absent while driving, since CarData does not have it; speed is 0 at a standstill and absent otherwise.`,
  options,
  sections: [
    {
      title: 'MAPPING',
      text: `A mapping says for each field where its value comes from. In its short form that is a list of paths, of which the first that is known wins:

  soc:
    - vehicle.drivetrain.batteryManagement.header
    - $.data['vehicle.powertrain.electric.battery.stateOfCharge.displayed'].value

A path is a JSONPath, in dots or brackets, or the bare name of a key; a key of CarData is found in the stream's data and in the REST interface's telematicData alike, with its time stamp and unit. Filters and scripts in a path are refused.

In its long form a field is an object with the list in paths and more beside it, which then holds for all candidates; a candidate may be an object, too:

- values: what the source's words mean, in any case of letters; * stands for any characters, and alone for any other word; null means unknown
- unit: the unit where the source names none; values are converted to the field's own (see voltpipe-records(5))
- scale: a factor after that; -1 turns a sign
- min, max: the range of what can be meant
- when: conditions, field: value, or a list of values, or an object with not, above, below; while a field is unknown, only not holds of it
- maxAge: how old a value may be, against the newest one of the vehicle (of the field)
- hold: a later candidate takes over when its value is newer by more than this; 5m unless said (of the field)
- odometer: true for a distance whose unit is sometimes missing: the reading that continues the last one is taken (of the field)

In the place of path a candidate may have field (another field), value (what follows from its conditions) or product (a list of fields or paths, all of which must be known). Fields whose names begin with _ are helpers: remembered, never put out.

  is_charging:
    paths: [vehicle.drivetrain.electricEngine.charging.status]
    values: { CHARGINGACTIVE: true, '*': false }
  power:
    paths:
      - { field: charging_power, scale: -1, when: { is_charging: true } }

The file of --map, and the section mapping of the configuration below it, are laid over the preset: a field that they name replaces the preset's, an empty list removes it. With --preset none they stand alone. A key reads in the file names the record type that it is for, if that is not bmw_telematics.

All problems of a mapping are said at once, each with its line and place, and end the command with status 78. A target that feeds soc is allowed, with a warning.`,
    },
    {
      title: 'PRESETS',
      text: `- bmw: BMW CarData, the one in use for bmw_telematics
- bmw-spec: the five fields of the original specification word for word; its soc is the charge target`,
    },
    {
      title: 'STATE',
      text: `With --state NAME what is remembered outlives a restart, in normalize-NAME.json in the data directory. Without it a restart begins with nothing, and a field comes back with its next value.`,
    },
  ],
  examples: [
    {
      text: 'A live BMW in A Better Routeplanner',
      command: 'bmw-stream | normalize | abrp-push',
      needs: ['bmw', 'abrp', 'login'],
      interruptAfter: 3,
    },
    {
      text: "BMW's own lines, as they come from a broker",
      command: 'normalize --from bmw',
      stdin:
        '{"vin":"WBY1","data":{"vehicle.drivetrain.batteryManagement.header":{"timestamp":"2026-03-01T12:00:00Z","value":"66","unit":"percent"}}}\n',
      stdout:
        '{"type":"vehicle_telemetry","time":"2026-03-01T12:00:00.000Z","vin":"WBY1","utc":1772366400,"soc":66,"soc_age_s":0}',
    },
    {
      text: 'Without the position, and with no state of charge older than two hours',
      command: 'normalize --drop lat,lon --max-age soc=2h',
    },
    {
      text: 'Which candidate gave the state of charge',
      command: "normalize --from bmw --explain | jq -c '.explain.soc'",
      stdin:
        '{"vin":"WBY1","data":{"vehicle.powertrain.electric.battery.stateOfCharge.displayed":{"timestamp":"2026-03-01T12:00:00Z","value":66}}}\n',
      stdout:
        '{"from":"vehicle.powertrain.electric.battery.stateOfCharge.displayed","time":"2026-03-01T12:00:00.000Z"}',
    },
    {
      text: 'A field of your own over the preset',
      command:
        "echo 'soc: [vehicle.powertrain.electric.battery.stateOfCharge.displayed]' > my.yaml; normalize --map my.yaml",
    },
  ],
  files: [
    { path: 'examples/mappings/', text: "mapping files to begin with, in the package's folder" },
    { path: '<data dir>/normalize-NAME.json', text: 'what --state NAME remembers' },
  ],
  seeAlso: ['bmw-stream(1)', 'bmw-poll(1)', 'abrp-push(1)', 'voltpipe-records(5)'],

  check({ state }) {
    if (state === undefined || /^[\w-]+$/.test(state as string)) return;
    throw fail('usage', `--state ${state}: no name`, 'A name is made of letters, digits, _ and -.');
  },

  async each(ctx): Promise<Each> {
    let made = await build(ctx, ctx.opts);
    if (ctx.opts.state !== undefined) {
      const state = ctx.state<Record<string, Snapshot>>(`normalize-${ctx.opts.state}`);
      const saved = await state.read();
      for (const [type, one] of made) if (saved?.[type]?.version === 1) one.load(saved[type]);
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
        data: isJsonObject(data) ? data : nothing,
        time: record.time,
        arrived: record.received_at ?? record.sent_at,
      });
    };
  },
});
