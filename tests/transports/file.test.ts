import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { asidesOf } from '../../src/transports/file/names.ts';
import { openRotating, type RotatingOptions } from '../../src/transports/file/rotating.ts';
import { type FakeClock, fakeClock, settle } from '../support/clock.ts';
import { temporaryFolder } from '../support/shell.ts';

const fresh = (more: Partial<RotatingOptions> & { clock?: FakeClock } = {}): RotatingOptions & { folder: string } => {
  const folder = temporaryFolder('file');
  return {
    folder,
    path: join(folder, 'log.ndjson'),
    mode: 0o644,
    rotateSize: undefined,
    rotateEvery: undefined,
    compress: false,
    keep: undefined,
    clock: fakeClock(new Date(2026, 2, 1, 23, 59).getTime()),
    onTrouble: (why) => assert.fail(why),
    ...more,
  };
};
const textOf = (path: string): string => readFileSync(path, 'utf8');

describe('a file that grows', () => {
  test('goes on where it ended; a line that was cut is ended first; the head stands at the start of a new one alone', async () => {
    const options = fresh();
    writeFileSync(options.path, '{"a":1}\n{"a":');
    const file = await openRotating(options);
    await file.append(Buffer.from('{"a":2}\n'), Buffer.from('head\n'));
    await file.close();
    assert.equal(textOf(options.path), '{"a":1}\n{"a":\n{"a":2}\n');
    const other = fresh();
    const empty = await openRotating(other);
    await empty.append(Buffer.from('x\n'), Buffer.from('head\n'));
    await empty.append(Buffer.from('y\n'), Buffer.from('head\n'));
    await empty.close();
    assert.equal(textOf(other.path), 'head\nx\ny\n');
  });

  test('a day that is over gets its name, also when it ended while nothing ran; a second one of that name a number', async () => {
    const clock = fakeClock(new Date(2026, 2, 1, 23, 59).getTime());
    const options = fresh({ rotateEvery: 'day', clock });
    const file = await openRotating(options);
    await file.append(Buffer.from('a\n'), Buffer.from('head\n'));
    await clock.advance(120_000);
    await file.append(Buffer.from('b\n'), Buffer.from('head\n'));
    await file.close();
    assert.equal(textOf(join(options.folder, 'log-2026-03-01.ndjson')), 'head\na\n');
    assert.equal(textOf(options.path), 'head\nb\n');
    writeFileSync(join(options.folder, 'log-2026-03-02.ndjson'), 'there already\n');
    await clock.advance(86_400_000);
    const again = await openRotating({ ...options, clock });
    await again.append(Buffer.from('c\n'));
    await again.close();
    // Its last write, by the file's own time, which is that of this machine.
    const aside = asidesOf(options.path, readdirSync(options.folder)).map(({ name }) =>
      textOf(join(options.folder, name)),
    );
    assert.ok(aside.includes('head\nb\n'));
    assert.ok(aside.includes('there already\n'));
    assert.equal(textOf(options.path), 'c\n');
  });

  test('no file grows beyond its size, and what is put in one call is never divided', async () => {
    const options = fresh({ rotateSize: 1024, compress: true, keep: 3 });
    const file = await openRotating(options);
    const block = Buffer.from(`${'x'.repeat(299)}\n`);
    for (let i = 0; i < 20; i++) await file.append(block);
    await file.close();
    const names = readdirSync(options.folder).toSorted();
    assert.equal(names.length, 4, names.join());
    for (const name of names) {
      const path = join(options.folder, name);
      const text = name.endsWith('.gz') ? gunzipSync(readFileSync(path)).toString() : textOf(path);
      assert.ok(text.length <= 1024 && text.length % 300 === 0, `${name}: ${text.length}`);
      assert.equal(name.endsWith('.gz'), name !== 'log.ndjson');
    }
  });

  test('--keep keeps the newest, however many are put aside within one second', async () => {
    const options = fresh({ rotateSize: 10, keep: 3 });
    const file = await openRotating(options);
    for (let i = 0; i < 60; i++) {
      await file.append(Buffer.from(`${i}\n`.padStart(10)));
      // Removing goes on beside writing.
      await settle();
    }
    await file.close();
    const aside = asidesOf(options.path, readdirSync(options.folder)).map(({ name }) =>
      Number(textOf(join(options.folder, name))),
    );
    assert.deepEqual(aside, [56, 57, 58]);
    assert.equal(Number(textOf(options.path)), 59);
  });

  test('what a run that was cut off had not compressed is compressed by the next one', async () => {
    const options = fresh({ compress: true });
    writeFileSync(join(options.folder, 'log-2026-02-28.ndjson'), 'old\n');
    const file = await openRotating(options);
    await file.close();
    assert.ok(!existsSync(join(options.folder, 'log-2026-02-28.ndjson')));
    assert.equal(gunzipSync(readFileSync(join(options.folder, 'log-2026-02-28.ndjson.gz'))).toString(), 'old\n');
  });

  test('a file that logrotate moved away is left alone, and a new one is made', async () => {
    const options = fresh();
    const file = await openRotating(options);
    await file.append(Buffer.from('a\n'));
    renameSync(options.path, `${options.path}.1`);
    await file.append(Buffer.from('b\n'));
    await file.close();
    assert.equal(textOf(`${options.path}.1`), 'a\n');
    assert.equal(textOf(options.path), 'b\n');
  });

  test('a file that logrotate emptied (copytruncate) begins with its head again, and counts from nothing', async () => {
    const options = fresh({ rotateSize: 20 });
    const file = await openRotating(options);
    await file.append(Buffer.from('aaaaaaa\n'), Buffer.from('head\n'));
    truncateSync(options.path);
    await file.append(Buffer.from('bbbbbbb\n'), Buffer.from('head\n'));
    await file.close();
    assert.equal(textOf(options.path), 'head\nbbbbbbb\n');
    assert.deepEqual(readdirSync(options.folder), ['log.ndjson']);
  });

  test('what hinders the tidying up is said in words, and the writing goes on', async () => {
    const trouble: string[] = [];
    const options = { ...fresh({ compress: true }), onTrouble: (why: string) => void trouble.push(why) };
    writeFileSync(join(options.folder, 'log-2026-02-28.ndjson'), 'old\n');
    mkdirSync(join(options.folder, 'log-2026-02-28.ndjson.gz'));
    const file = await openRotating(options);
    await file.append(Buffer.from('a\n'));
    await file.close();
    assert.deepEqual(trouble, ['it is a folder (EISDIR)']);
    assert.equal(textOf(options.path), 'a\n');
  });

  test('a folder that is not there is no place, and is not made', async () => {
    const options = fresh();
    const path = join(options.folder, 'sdcard', 'log.ndjson');
    await assert.rejects(openRotating({ ...options, path }), /cannot be written: the folder is not there \(ENOENT\)/);
    assert.ok(!existsSync(join(options.folder, 'sdcard')));
    mkdirSync(join(options.folder, 'folder.ndjson'));
    await assert.rejects(openRotating({ ...options, path: join(options.folder, 'folder.ndjson') }), /it is a folder/);
  });
});

test('files put aside are told from others, and their age from their names', () => {
  const names = [
    'log.ndjson',
    'log-2026-03-02.ndjson',
    'log-2026-03-01-2.ndjson.gz',
    'log-2026-03-01-10.ndjson',
    'log-2026-03-01.ndjson',
    'log-2026-03-01T10-00-00.ndjson',
    'log-other.ndjson',
    'blog-2026-03-01.ndjson',
    'log-2026-03-01.csv',
  ];
  assert.deepEqual(
    asidesOf('/x/log.ndjson', names).map(({ name, packed }) => `${name}${packed ? '+' : ''}`),
    [
      // Within the day first, then the day.
      'log-2026-03-01T10-00-00.ndjson',
      'log-2026-03-01.ndjson',
      'log-2026-03-01-2.ndjson+',
      'log-2026-03-01-10.ndjson',
      'log-2026-03-02.ndjson',
    ],
  );
});
