import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compile } from '../../../src/filters/mapping/compile.ts';
import { placeOf } from '../../../src/filters/mapping/model.ts';
import { readMapping } from '../../../src/filters/mapping/read.ts';
import { keys, normalizerOf, telematics } from '../../support/normalizer.ts';

const at = '2026-03-01T12:00:00.000Z';
const problemsOf = (document: unknown): string[] => {
  const reading = readMapping(document);
  const { problems } = compile(reading.mapping, { jsonPath: () => () => [] });
  return [...reading.problems, ...problems].map((problem) => `${placeOf(problem)}: ${problem.message}`);
};

test('every problem is found at once, each with its place', () => {
  const problems = problemsOf({
    soc: ['$.data[', { path: '$.ok', unit: 'km' }],
    state_of_charge: ['$.x'],
    is_charging: { paths: ['$.a'], value: { ON: true } },
    speed: { paths: [{ path: '$.v', when: { is_moving: false } }, { paths: [] }], maxAge: 'soon' },
    power: { paths: [{ product: ['_volts', 'amperes'] }] },
    lat: 7,
    heading: ['$.[', { path: '$.h', when: { '$.x[': 1 } }],
  });
  for (const expected of [
    /^soc\[0\]: "\$\.data\[" is no JSONPath from character 7/,
    /^soc\[1\]\.unit: km can't be converted to %/,
    /^state_of_charge: is no field of vehicle_telemetry; known are soc, /,
    /^is_charging\.value: is not known; known are paths, values, /,
    /^speed\.maxAge: expected a duration/,
    /^speed\.paths\[1\]: expected exactly one of path, field, value and product/,
    /^speed\.paths\[0\]\.when\.is_moving: "is_moving" is no field of this mapping/,
    /^power\.paths\[0\]\.product\[1\]: "amperes" is no field of this mapping/,
    /^lat: expected a list of paths/,
    /^heading\[1\]\.when\.\$\.x\[: "\$\.x\[" is no JSONPath/,
  ]) {
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${expected}\n${problems.join('\n')}`,
    );
  }
});

test('fields that look at each other in a circle are a problem', () => {
  const [problem] = problemsOf({
    power: { paths: [{ field: 'charging_power' }] },
    charging_power: { paths: [{ field: 'power' }] },
  });
  assert.match(problem ?? '', /looks at .*, which looks at it in turn/);
});

test('a predicted charge does not feed soc, a target does with a warning (C-1)', () => {
  const { mapping, warnings } = readMapping({ soc: [keys.predicted, `$.data['${keys.target}'].value`] });
  assert.deepEqual(
    mapping.get('soc')?.candidates.map(({ path }) => path),
    [`$.data['${keys.target}'].value`],
  );
  assert.deepEqual(
    warnings.map(({ at: place }) => place),
    [
      ['soc', 0],
      ['soc', 1],
    ],
  );
});

test('a predicted charge reaches soc by no detour', () => {
  const prediction = { soc_predicted: [keys.predicted] };
  assert.deepEqual(problemsOf(prediction), []);
  for (const soc of [{ paths: [{ field: 'soc_predicted' }] }, { paths: [{ product: ['soc_predicted', '_one'] }] }]) {
    assert.match(
      problemsOf({ ...prediction, _one: ['$.one'], soc })[0] ?? '',
      /^soc_predicted\[0\]: .* would become soc/,
    );
  }
});

test('a path finds a key in whatever way it is written (BMW-38)', () => {
  for (const path of [
    keys.soc,
    `$.data['${keys.soc}'].value`,
    `$.telematicData["${keys.soc}"].value`,
    `data['${keys.soc}']`,
  ]) {
    const { take } = normalizerOf({ soc: [path] });
    const record = take(telematics(at, { [keys.soc]: ['66', '%'] }));
    assert.deepEqual([record?.soc, record?.time], [66, at], path);
  }
});

test('a path may lead anywhere in the record, and below data', () => {
  const { take } = normalizerOf({ lat: ['location.latitude'], lon: ['$.data.place.lon'], car_model: ['$.model'] });
  const record = take({
    type: 'x',
    time: at,
    vin: 'A',
    model: 'bmw:i4',
    location: { latitude: 48.2 },
    data: { place: { lon: 11.6 } },
  });
  assert.deepEqual([record?.lat, record?.lon, record?.car_model, record?.time], [48.2, 11.6, 'bmw:i4', at]);
});

test('a path to many places takes the first that is known', () => {
  const jsonPath = (path: string) => (record: unknown) => {
    assert.equal(path, '$..charge');
    return [null, '-NA-', (record as { deep: { charge: number } }).deep.charge];
  };
  const { take } = normalizerOf({ soc: ['$..charge'] }, { jsonPath });
  assert.equal(take({ type: 'x', time: at, deep: { charge: 55 } })?.soc, 55);
});

test('a product may be of paths, and a condition of a path', () => {
  const { take } = normalizerOf({
    charging_power: {
      paths: [{ product: ['$.data.volts', '$.data.amps'], unit: 'W', when: { '$.data.mode': 'charging' } }],
    },
  });
  const record = { type: 'x', time: at, vin: 'A', data: { volts: 230, amps: 16, mode: 'CHARGING' } };
  assert.equal(take(record)?.charging_power, 3.68);
  const { take: other } = normalizerOf({ charging_power: { paths: [{ product: ['$.data.volts', '$.data.amps'] }] } });
  assert.equal(other({ ...record, data: { volts: 230 } }), undefined);
});

test('conditions ask for a value, one of several, none, above and below', () => {
  const holds = (test: unknown, value: unknown): boolean => {
    const { take } = normalizerOf({
      _x: ['$.data.x'],
      car_model: { paths: [{ path: '$.data.y', when: { _x: test } }] },
    });
    return take({ type: 'x', time: at, data: { y: 'seen', ...(value !== undefined && { x: value }) } }) !== undefined;
  };
  assert.deepEqual([holds(true, true), holds(true, false), holds(true, undefined)], [true, false, false]);
  assert.deepEqual([holds(['A', 'B'], 'b'), holds(['A', 'B'], 'c')], [true, false]);
  assert.deepEqual(
    [holds({ not: 'A' }, 'a'), holds({ not: 'A' }, 'b'), holds({ not: 'A' }, undefined)],
    [false, true, true],
  );
  assert.deepEqual(
    [holds({ above: 22 }, 22.1), holds({ above: 22 }, 22), holds({ above: 22 }, undefined)],
    [true, false, false],
  );
  assert.deepEqual([holds({ above: 1, below: 3 }, 2), holds({ above: 1, below: 3 }, 3)], [true, false]);
});

test('a value that holds always is in every record, and makes none by itself', () => {
  const { take } = normalizerOf(
    { soc: [keys.soc], car_model: { paths: [{ value: 'bmw:i4' }] } },
    { maxAge: new Map([['*', 1]]) },
  );
  assert.equal(take(telematics(at, { other: 1 })), undefined);
  assert.equal(take(telematics(at, { [keys.soc]: 66 }))?.car_model, 'bmw:i4');
});

test('any document is read or refused, never thrown at', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom('soc', '_x', 'lat', 'is_charging'), fc.jsonValue())),
      (document) => {
        problemsOf(document);
      },
    ),
    { numRuns: 500 },
  );
});
