import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { loadCursor } from '../../src/spool/cursor.ts';
import { disk } from '../../src/spool/disk.ts';
import { verify } from '../../src/spool/inspect.ts';
import { fakeClock } from '../support/clock.ts';
import { until } from '../support/fixture.ts';
import {
  cursorIn,
  cursorText,
  fill,
  numbers,
  range,
  spoolFolder,
  takeAll,
  takeOut,
  work,
  workIn,
  workOut,
} from '../support/spool.ts';

/** A spool of 100 records of which the first ten are delivered. */
async function tenOfHundred(): Promise<string> {
  const spool = await work();
  await fill(spool, 1, 100);
  spool.keeper.delivered(1, 10);
  await spool.close();
  return spool.folder;
}

const file = (folder: string): string => join(folder, 'cursor.json');
const slate = (folder: string): string => join(folder, 'cursor.now');

test('the cursor is JSON with the checksum of what is before it', async () => {
  const folder = await tenOfHundred();
  assert.equal(readFileSync(file(folder), 'utf8'), cursorText({ upTo: 10 }));
  assert.deepEqual(cursorIn(folder), { upTo: 10 });
});

test('whichever bit of it is flipped, it says what was delivered or nothing, and never more', () => {
  const folder = spoolFolder();
  for (const cursor of [{ upTo: 10 }, { upTo: 123_456, ranges: [[123_459, 123_470] as [number, number]] }]) {
    const good = Buffer.from(cursorText(cursor));
    writeFileSync(file(folder), good);
    assert.deepEqual(loadCursor(disk, folder, false), { cursor: { ranges: [], ...cursor }, damaged: false });
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bytes = Buffer.from(good);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      writeFileSync(file(folder), bytes);
      assert.deepEqual(loadCursor(disk, folder, false), { damaged: true }, `bit ${bit}: ${bytes}`);
    }
  }
});

test('with a bit flipped, every record that was not delivered is, by one process and by two', async () => {
  const whole = await tenOfHundred();
  const flipped = readFileSync(file(whole), 'utf8').replace('"upTo":10', '"upTo":90');
  for (const keepsSlate of [true, false]) {
    for (const open of [work, workOut]) {
      const folder = spoolFolder();
      cpSync(whole, folder, { recursive: true });
      writeFileSync(file(folder), flipped);
      if (!keepsSlate) rmSync(slate(folder));
      assert.deepEqual(
        (await verify(disk, folder)).faults.map(({ file: name }) => name),
        ['cursor.json'],
      );
      const spool = await open({ folder });
      assert.match(spool.log.join('\n'), /cursor\.json is damaged: what was delivered before may be delivered again/);
      assert.deepEqual(numbers(await takeAll(spool)), range(keepsSlate ? 11 : 1, 100));
      assert.ok(readdirSync(join(folder, 'quarantine')).some((name) => name.startsWith('cursor.json-')));
      await spool.close();
      assert.deepEqual(cursorIn(folder), { upTo: 100 });
    }
  }
});

test('a number without a checksum is nobody’s word: neither what is there nor what comes counts as delivered', async () => {
  const folder = await tenOfHundred();
  for (const side of [file, slate]) rmSync(side(folder), { force: true });
  writeFileSync(file(folder), '{"upTo":9007199254740991}\n');
  const inlet = await workIn({ folder });
  await fill(inlet, 101, 110);
  await inlet.close();
  assert.deepEqual(await takeOut(folder), range(1, 110));
});

test('a cursor ahead of the log, as after a power cut, is true: what comes then has numbers behind it', async () => {
  const folder = await tenOfHundred();
  writeFileSync(file(folder), cursorText({ upTo: 120 }));
  const inlet = await workIn({ folder });
  await fill(inlet, 121, 125);
  await inlet.close();
  assert.deepEqual(await takeOut(folder), range(121, 125));
});

test('a cursor that is damaged is none: everything is delivered again', async () => {
  const spool = await work();
  await fill(spool, 1, 3);
  await takeAll(spool);
  await spool.close();
  writeFileSync(file(spool.folder), '{"upTo":3,');
  writeFileSync(slate(spool.folder), '123 {"upTo":3}\n');
  const again = await work({ folder: spool.folder });
  assert.match(again.log.join('\n'), /cursor\.json is damaged/);
  assert.deepEqual(numbers(await takeAll(again)), [1, 2, 3]);
  await again.close();
});

test('a cursor that is damaged stays until a new one is there: the start takes nothing off the disk', async () => {
  for (const open of [work, workOut]) {
    const folder = await tenOfHundred();
    const damaged = '{"upTo":10,';
    writeFileSync(file(folder), damaged);
    const spool = await open({ folder, clock: fakeClock() });
    assert.equal(readFileSync(file(folder), 'utf8'), damaged);
    const kept = readdirSync(join(folder, 'quarantine')).map((name) =>
      readFileSync(join(folder, 'quarantine', name), 'utf8'),
    );
    assert.deepEqual(kept, [damaged]);
    assert.deepEqual(numbers(await takeAll(spool)), range(11, 100));
    await spool.close();
    assert.deepEqual(cursorIn(folder), { upTo: 100 });
  }
});

test('a cursor that is damaged or old is made good by what was noted last', async () => {
  const spool = await work();
  await fill(spool, 1, 3);
  await takeAll(spool);
  await until(() => readFileSync(slate(spool.folder), 'utf8').includes('"upTo":3'));
  await spool.close();
  for (const text of ['{"upTo":', cursorText({ upTo: 1 })]) {
    writeFileSync(file(spool.folder), text);
    const again = await work({ folder: spool.folder });
    assert.deepEqual(numbers(await takeAll(again, false)), []);
    await again.close();
  }
});

test('a slate that is damaged counts for nothing', async () => {
  const folder = await tenOfHundred();
  writeFileSync(slate(folder), `${crc32('{"upTo":50}')} {"upTo":70}\n`);
  const spool = await workOut({ folder });
  assert.deepEqual(numbers(await takeAll(spool)), range(11, 100));
  await spool.close();
  assert.ok(existsSync(file(folder)));
});
