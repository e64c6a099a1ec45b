import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeAdvertisedReading, decodeBeacon } from '../../../src/protocols/bms/bm-advertisement.ts';
import { type Advertised, candidates, identify } from '../../../src/protocols/bms/identify.ts';
import { codecs } from '../../../src/protocols/bms/index.ts';
import { bytesOf } from '../../support/bms-vectors.ts';
import { vectorsIn } from '../../support/ndjson.ts';

interface AdvertVector {
  name: string;
  family: string;
  address?: string;
  hex: string;
  expect: Record<string, unknown>;
}

const vectors = vectorsIn<AdvertVector>('bms/adverts.ndjson');
const isBeacon = ({ hex }: AdvertVector): boolean => hex.startsWith('4c000215');
const blocks = vectors.filter((vector) => !isBeacon(vector));

const device = (more: Partial<Advertised>): Advertised => ({ services: [], manufacturerData: [], ...more });

test('each recorded advertisement matches exactly one family', () => {
  assert.ok(vectors.length >= 10);
  for (const { name, family, address, hex } of vectors) {
    const found = candidates(device({ address, manufacturerData: [bytesOf(hex)] }));
    assert.deepEqual(
      found.map((candidate) => candidate.family),
      [family],
      name,
    );
  }
});

test('an encrypted advertisement gives voltage, state of charge and state with no connection', () => {
  for (const { name, family, address, hex, expect } of blocks) {
    const reading = decodeAdvertisedReading(bytesOf(hex), address);
    assert.deepEqual(reading?.fields, expect, name);
    assert.equal(reading?.family, family, name);
    assert.equal(reading?.proven, address !== undefined, name);
  }
});

test('the address inside must be that of the advertiser', () => {
  for (const { name, address, hex } of blocks.filter((vector) => vector.address)) {
    assert.equal(decodeAdvertisedReading(bytesOf(hex), '50:54:7B:00:00:99'), undefined, name);
    assert.ok(decodeAdvertisedReading(bytesOf(hex), address!.toLowerCase().replaceAll(':', '')), name);
  }
});

test('where the system hides addresses the shape of the block must do', () => {
  for (const { name, family, hex } of blocks) {
    for (const hidden of [undefined, '2b1f3c5e-8d1a-4a53-9b0e-000000000000']) {
      const reading = decodeAdvertisedReading(bytesOf(hex), hidden);
      assert.equal(reading?.family, family, name);
      assert.equal(reading?.proven, false, name);
    }
  }
});

test('random records are never taken for a reading', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      assert.equal(decodeAdvertisedReading(bytes, '50:54:7B:00:00:02'), undefined);
      assert.equal(decodeAdvertisedReading(bytes), undefined);
    }),
    { numRuns: 5000 },
  );
  for (const length of [0, 1, 15, 17, 25]) assert.equal(decodeAdvertisedReading(new Uint8Array(length)), undefined);
});

test('the beacon beside it gives the state of charge', () => {
  for (const { name, family, hex, expect } of vectors.filter(isBeacon)) {
    assert.deepEqual(decodeBeacon(bytesOf(hex)), { family, fields: expect }, name);
  }
  const bm2 = bytesOf(`4c000215655f83caae16a10a702e31f30d58dd820000000${'0'}5d`);
  assert.deepEqual(decodeBeacon(bm2), { family: 'bm2', fields: { state_of_charge: 93 } });
  assert.equal(decodeBeacon(bytesOf(`4c000215${'0'.repeat(42)}`)), undefined, "somebody else's beacon");
});

test('a service alone decides nothing', () => {
  for (const services of [['fff0'], ['ff00'], ['fff0', 'ff00']]) {
    assert.equal(identify(device({ address: '11:22:33:44:55:66', services })), undefined, services.join());
  }
});

test('names, makers and company identifiers decide, the surest first', () => {
  const cases: [Partial<Advertised>, string | undefined][] = [
    [{ name: 'BM6', services: ['fff0'] }, 'bm6'],
    [{ name: 'Battery Guard' }, 'bm6'],
    [{ name: 'Battery Monitor', services: ['fff0'] }, 'bm2'],
    [{ name: 'ZX-1689' }, 'bm2'],
    [{ name: 'BM300 Pro', services: ['fff0'] }, 'bm7'],
    [{ name: 'xiaoxiang BMS', services: ['ff00'] }, 'jbd'],
    [{ name: 'DL-40001', services: ['fff0'] }, 'daly'],
    [{ name: 'JHB-1', services: ['ff00'] }, 'daly'],
    [{ name: 'SP04S', services: ['ff00'] }, 'jbd'],
    [{ name: 'SP04S' }, undefined],
    [{ name: 'Links', services: ['ff00'], address: 'A4:C1:37:00:5E:08' }, 'jbd'],
    [{ name: 'Links', address: 'A4:C1:37:00:5E:08', manufacturerData: [bytesOf('085e0037c1a4')] }, 'jbd'],
    [{ services: ['fff0'], manufacturerData: [bytesOf('0201aabb')] }, 'daly'],
    [{ manufacturerData: [bytesOf('0201aabb')] }, undefined],
    [{ name: 'BM6 of a neighbour', services: ['180f'] }, undefined],
  ];
  for (const [facts, family] of cases) assert.equal(identify(device(facts)), family, JSON.stringify(facts));
});

test('what weighs equally is left to be asked, with every candidate named', () => {
  const both = device({ services: ['fff0'], address: '50:54:7B:00:00:07', manufacturerData: [bytesOf('0201aabb')] });
  assert.equal(identify(both), undefined);
  assert.deepEqual(
    candidates(both)
      .map(({ family }) => family)
      .sort(),
    ['bm6', 'daly'],
  );
});

test('every family that an advertisement can name has a codec', () => {
  const families = new Set(codecs.map(({ family }) => family));
  for (const name of ['BM6', 'Battery Monitor', 'BM7', 'JBD-1']) {
    assert.ok(families.has(identify(device({ name }))!), name);
  }
});
