import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { createAnnouncer } from '../../../src/protocols/homeassistant/announcer.ts';
import { subjects } from '../../../src/protocols/homeassistant/device.ts';
import { entities } from '../../../src/protocols/homeassistant/entities.ts';
import type { VoltRecord } from '../../../src/records/record.ts';
import { rendered } from '../../support/jinja.ts';
import { goWithout, requireService, runService } from '../../support/services.ts';

/** One rendering: by the jinja2 that Home Assistant uses. What is not defined may be asked for, and nothing more be done with it. */
const program = `
import json, sys
from jinja2 import Environment, StrictUndefined
env = Environment(undefined=StrictUndefined)
def render(template, payload):
    try:
        return env.from_string(template).render(value_json=payload)
    except Exception as error:
        return f'{type(error).__name__}: {error}'
json.dump([render(*one) for one in json.load(sys.stdin)], sys.stdout)
`;

function jinja(
  t: TestContext,
): ((all: readonly (readonly [template: string, payload: object])[]) => string[]) | undefined {
  const python = requireService(t, 'python3');
  if (!python) return undefined;
  if (spawnSync(python, ['-c', 'import jinja2']).status !== 0)
    return goWithout(t, 'jinja2 is not installed: apt install python3-jinja2');
  return (all) => JSON.parse(runService(python, ['-c', program], { input: JSON.stringify(all) })) as string[];
}

/** A record of this type with all that Home Assistant shows of it. */
function full(type: string): VoltRecord {
  const record: VoltRecord = { type, time: '2026-03-01T12:00:00.000Z', [subjects[type]!.at(-1)!]: 'x', lon: 8 };
  for (const { key, list } of entities[type]!) record[key] = list || key === 'alarms' ? [1, 2, 3] : 1;
  return record;
}

/** An alarm record: of a value, unless said otherwise. */
const alarm = (rest: object = {}): VoltRecord => ({
  type: 'alarm',
  time: '2026-03-01T12:30:00.000Z',
  device_id: 'x',
  alarm: 'voltage<12.2',
  state: 'raised',
  value: 12.1,
  threshold: 12.2,
  since: '2026-03-01T12:00:00.000Z',
  ...rest,
});

type Component = { value_template?: string; json_attributes_template?: string };

/** Templates of the message that a record asks for, those of its components apart. */
function templatesOf(record: VoltRecord): { components: [key: string, template: string][]; availability: string[] } {
  const announcer = createAnnouncer(
    { discoveryPrefix: 'h', statusTopic: undefined, expireAfter: 0, omit: new Set(), version: '1' },
    {},
    () => {},
  );
  const payload = announcer.take(record, 'topic', 0)!.payload as {
    components: Record<string, Component>;
    availability?: { value_template: string }[];
  };
  return {
    components: Object.entries(payload.components).flatMap(
      ([key, { value_template: value, json_attributes_template: more }]) =>
        [value, more].filter((template) => template !== undefined).map((template): [string, string] => [key, template]),
    ),
    availability: (payload.availability ?? []).map(({ value_template: template }) => template),
  };
}

test('no template of a discovery message fails, whatever key is absent: an absent one is None, and availability a word that it knows', (t) => {
  const render = jinja(t);
  if (!render) return;
  const asked: { template: string; payload: object; key?: string }[] = [];
  for (const type of Object.keys(entities)) {
    const record = full(type);
    const { components, availability } = templatesOf(record);
    const payloads = [record, {}, ...Object.keys(record).map((gone) => ({ ...record, [gone]: undefined }))];
    for (const payload of payloads) {
      for (const [key, template] of components) asked.push({ template, payload, key });
      for (const template of availability) asked.push({ template, payload });
    }
  }
  const results = render(asked.map(({ template, payload }) => [template, payload]));
  assert.ok(asked.length > 1000);
  for (const [index, { template, payload, key }] of asked.entries()) {
    const result = results[index]!;
    assert.doesNotMatch(result, /Error/, template);
    assert.notEqual(result, '', template);
    if (key === undefined) assert.match(result, /^(online|offline)$/, template);
    else if (Object.keys(payload).length === 0) assert.equal(result, 'None', template);
    // What other tests look at templates with.
    assert.equal(rendered(template, payload), result, template);
  }
});

test('an alarm is on while it is raised, off once it is cleared, unknown without a state; value, threshold and since are its attributes', (t) => {
  const render = jinja(t);
  if (!render) return;
  const [state, attributes] = templatesOf(alarm()).components.map(([, template]) => template) as [string, string];
  const { value, threshold, since } = alarm();
  const gone = { value: undefined, threshold: undefined, since: undefined };
  const payloads: [payload: object, state: string, attributes: object][] = [
    [alarm(), 'ON', { value, threshold, since }],
    [alarm({ state: 'cleared', value: 12.7 }), 'OFF', { value: 12.7, threshold, since }],
    [alarm({ ...gone, state: 'cleared', reason: 'a "<rule>" is gone' }), 'OFF', { reason: 'a "<rule>" is gone' }],
    [alarm({ state: 'else' }), 'None', { value, threshold, since }],
    [{}, 'None', {}],
  ];
  const states = render(payloads.map(([payload]) => [state, payload]));
  const made = render(payloads.map(([payload]) => [attributes, payload]));
  for (const [index, [payload, wantedState, wantedAttributes]] of payloads.entries()) {
    assert.equal(states[index], wantedState);
    assert.equal(rendered(state, payload), wantedState);
    assert.deepEqual(JSON.parse(made[index]!), wantedAttributes);
  }
});
