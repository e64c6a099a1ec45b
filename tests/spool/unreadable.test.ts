import assert from 'node:assert/strict';
import fs, {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fail } from '../../src/runtime/exit.ts';
import { type Disk, disk } from '../../src/spool/disk.ts';
import { survey } from '../../src/spool/inspect.ts';
import { drop } from '../../src/spool/repair.ts';
import { fakeClock } from '../support/clock.ts';
import {
  fill,
  logFiles,
  numbers,
  range,
  spoolFolder,
  takeAll,
  takeOut,
  work,
  workIn,
  workOut,
} from '../support/spool.ts';

const refusal = (): Error => Object.assign(new Error('EACCES'), { code: 'EACCES' });

/** A spool of which the records 1 to 5 of 8 are delivered. */
async function halfDelivered(): Promise<string> {
  const folder = spoolFolder();
  const first = await workIn({ folder });
  await fill(first, 1, 5);
  const outlet = await workOut({ folder });
  await takeAll(outlet);
  await outlet.close();
  await fill(first, 6, 8);
  await first.close();
  return folder;
}

/** The disk, of which some files and folders cannot be read at the moment. */
function unreadable(isRefused: (path: string) => boolean): Disk {
  const check = (path: string): void => {
    if (isRefused(path)) throw fail('io', `${path}: cannot be read`, 'Chown it.');
  };
  return {
    ...disk,
    load(path) {
      check(path);
      return disk.load(path);
    },
    entries(path) {
      check(path);
      return disk.entries(path);
    },
  };
}

const isCursor = (path: string): boolean => basename(path).startsWith('cursor');

test('a cursor that cannot be read does not keep spool put from taking records; numbers go on, and nothing delivered comes again', async () => {
  const folder = await halfDelivered();
  let refused = true;
  const inlet = await workIn({ folder, disk: unreadable((path) => refused && isCursor(path)) });
  await fill(inlet, 9, 10);
  assert.equal(
    inlet.log.filter((line) => /what is delivered is not known: .*cursor\.json: cannot be read/.test(line)).length,
    1,
  );
  refused = false;
  assert.equal(inlet.status().backlog, 5);
  assert.match(inlet.log.at(-1)!, /cursor\.json can be read again/);
  await inlet.close();
  assert.deepEqual(await takeOut(folder), range(6, 10));
});

test('where nothing else tells which numbers are free, a cursor that cannot be read is status 74 with what to do', async () => {
  const folder = spoolFolder();
  await assert.rejects(workIn({ folder, disk: unreadable(isCursor) }), { status: 74, next: 'Chown it.' });
});

test('a folder that cannot be read for a moment ends no reader: it is said once, and it goes on', async () => {
  const folder = await halfDelivered();
  let refused = false;
  const outlet = await workOut({ folder, disk: unreadable((path) => refused && path === folder) });
  refused = true;
  assert.deepEqual(numbers(await takeAll(outlet)), range(6, 8));
  refused = false;
  const inlet = await workIn({ folder });
  await fill(inlet, 9, 9);
  await inlet.close();
  assert.deepEqual(numbers(await takeAll(outlet)), [9]);
  assert.equal(outlet.log.filter((line) => /cannot be read; tried again/.test(line)).length, 1);
  assert.equal(outlet.log.filter((line) => /can be read again/.test(line)).length, 1);
  await outlet.close();
});

test('behind a segment of another user, which may not be written, a new one is begun', async () => {
  const folder = await halfDelivered();
  const [theirs] = logFiles(folder);
  const inlet = await workIn({
    folder,
    disk: {
      ...disk,
      openToWrite: (path) => (path === theirs ? Promise.reject(refusal()) : disk.openToWrite(path)),
    },
  });
  await fill(inlet, 9, 12);
  await inlet.close();
  assert.deepEqual(
    logFiles(folder).map((file) => basename(file)),
    ['0000000000000001.log', '0000000000000009.log'],
  );
  assert.deepEqual(await takeOut(folder), range(6, 12));
});

test('links in the folder of a spool are not followed: what they lead to stays as it is', async () => {
  const folder = spoolFolder();
  const victim = join(spoolFolder(), 'victim');
  const places = ['cursor.now', 'cursor.json', 'reserve', '0000000000000001.log'];
  for (const name of places) {
    writeFileSync(victim, 'precious', { mode: 0o644 });
    const { uid, mode } = statSync(victim);
    symlinkSync(victim, join(folder, name));
    const opened = await work({ folder, whenFull: 'exit' }).catch(() => undefined);
    if (opened) {
      await fill(opened, 1, 3).catch(() => {});
      await takeAll(opened).catch(() => {});
      await opened.close().catch(() => {});
    }
    assert.equal(readFileSync(victim, 'utf8'), 'precious', name);
    assert.deepEqual([statSync(victim).uid, statSync(victim).mode], [uid, mode], name);
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
  }
});

/** Takes this process for root, whoever runs it, and notes what it gives away and to whom: names in the spool, by number of user. */
function asRoot(t: TestContext): Map<string, number> {
  const given = new Map<string, number>();
  const note = (path: string, uid: number): void => void given.set(basename(path), uid);
  const { open } = fs.promises;
  t.mock.method(process as { getuid(): number }, 'getuid', () => 0);
  t.mock.method(fs, 'fchownSync', (fd: number, uid: number) => note(readlinkSync(`/proc/self/fd/${fd}`), uid));
  t.mock.method(fs, 'lchownSync', note);
  t.mock.method(fs.promises, 'open', async (...args: Parameters<typeof open>) => {
    const file = await open(...args);
    // A file that replaces another one has its name behind that one's until it does.
    t.mock.method(file, 'chown', async (uid: number) => note(String(args[0]).replace(/\.\d+\.\w+\.tmp$/, ''), uid));
    return file;
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return given;
}

test('what root makes in the spool of another user is given to that one, and nothing that was there before', async (t) => {
  const folder = spoolFolder();
  const before = await workIn({ folder });
  await fill(before, 1, 3);
  await before.close();
  const old = readdirSync(folder);
  const given = asRoot(t);
  await drop(disk, folder, 1);
  const again = await workIn({ folder, segmentBytes: 1 });
  await fill(again, 4, 5);
  await again.close();
  const made = readdirSync(folder).filter((name) => !old.includes(name));
  assert.ok(made.includes('cursor.json') && made.some((name) => name.endsWith('.log')), made.join());
  const { uid } = statSync(folder);
  for (const name of made) assert.equal(given.get(name), uid, name);
  for (const name of old) if (!name.endsWith('.lock')) assert.equal(given.has(name), false, name);
});

test('what kill -9 left of a replacement goes at the next start of the side that writes it, and nothing else', async () => {
  const folder = await halfDelivered();
  const cursor = 'cursor.json.123.1abc2.tmp';
  const gap = '0000000000000001-0000000000000004.gap.123.1abc2.tmp';
  for (const name of [cursor, gap, 'mine.tmp']) writeFileSync(join(folder, name), '');
  const left = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.tmp'));
  await (await workIn({ folder })).close();
  assert.deepEqual(left(), [cursor, 'mine.tmp']);
  await (await workOut({ folder })).close();
  assert.deepEqual(left(), ['mine.tmp']);
});

test('a copy of a spool in use is a spool', async () => {
  const folder = spoolFolder();
  const inlet = await workIn({ folder });
  await fill(inlet, 1, 3);
  const copy = join(spoolFolder(), 'copy');
  cpSync(folder, copy, { recursive: true });
  const other = await workIn({ folder: copy });
  await fill(other, 4, 4);
  await other.close();
  assert.deepEqual(await takeOut(copy), range(1, 4));
  await fill(inlet, 4, 5);
  await inlet.close();
});

test('what has the name of a file of a spool and is none does no harm', async () => {
  const folder = spoolFolder();
  mkdirSync(join(folder, 'reserve'));
  writeFileSync(join(folder, 'quarantine'), 'mine');
  writeFileSync(join(folder, '9999999999999999.log'), 'mine');
  writeFileSync(join(folder, '9999999999999998-9999999999999999.gap'), 'mine');
  const inlet = await workIn({ folder });
  await fill(inlet, 1, 3);
  await inlet.close();
  assert.deepEqual(await takeOut(folder), range(1, 3));
  assert.equal(readFileSync(join(folder, 'quarantine'), 'utf8'), 'mine');
  assert.ok(existsSync(join(folder, 'reserve')));
});

test('where every segment is gone, spool stat tells the newest number out of the cursor', async () => {
  const folder = spoolFolder();
  writeFileSync(join(folder, 'cursor.now'), '');
  const inlet = await workIn({ folder });
  await fill(inlet, 1, 7);
  await inlet.close();
  const outlet = await workOut({ folder });
  await takeAll(outlet);
  await outlet.close();
  for (const file of logFiles(folder)) disk.remove(file);
  const { newest, backlog } = survey(disk, folder);
  assert.deepEqual([newest, backlog], [7, 0]);
});

test('how many records were dropped in all is said at the end', async () => {
  const clock = fakeClock();
  const inlet = await workIn({ clock, maxBytes: 1024 * 1024, sync: 'never' });
  await fill(inlet, 1, 3000, 1000);
  await inlet.close();
  const all = inlet.dropped.reduce((sum, { count }) => sum + count, 0);
  assert.match(inlet.log.at(-1)!, new RegExp(`warning: ${all} undelivered records dropped in all$`));
});
