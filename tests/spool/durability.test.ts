import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { fakeClock, settle, turnUntil } from '../support/clock.ts';
import { type FaultyDisk, faultyDisk } from '../support/faulty-disk.ts';
import { until } from '../support/fixture.ts';
import { fill, logFiles, numbers, range, recordOf, spoolFolder, takeAll, work } from '../support/spool.ts';
import { powerCuts } from './power-cut.ts';

test('the power goes at any step of writing, and nothing that was accepted is lost, doubled out of turn or made up', () =>
  powerCuts(100));

test('a cursor is durable before a segment goes, and the log before the cursor', async () => {
  const disk = faultyDisk();
  const spool = await work({ disk, maxBytes: 1024 * 1024, sync: 60_000 });
  await fill(spool, 1, 1500, 200);
  await takeAll(spool);
  await fill(spool, 1501, 1501);
  disk.steps.length = 0;
  spool.writer.append(JSON.stringify(recordOf(1502)));
  await until(() => disk.steps.some((step) => step.startsWith('write')));
  await takeAll(spool);
  await spool.keeper.save();
  const at = (what: RegExp): number => disk.steps.findIndex((step) => what.test(step));
  assert.ok(at(/^write \d+\.log/) < at(/^sync \d+\.log/), disk.steps.join('\n'));
  assert.ok(at(/^sync \d+\.log/) < at(/^replace cursor\.json/), disk.steps.join('\n'));
  assert.ok(at(/^replace cursor\.json/) < at(/^remove \d+\.log/), disk.steps.join('\n'));
  await spool.close();
});

/** Holds up each save of the cursor until `go`, and notes every segment that goes before a saved cursor covers it. */
function heldCursor(disk: FaultyDisk, folder: string) {
  const held = { saves: 0, removed: 0, tooEarly: [] as string[], free: false, go: (): void => {} };
  const { replace } = disk;
  disk.replace = async (path, text) => {
    if (path.endsWith('cursor.json') && !held.free) {
      held.saves++;
      await new Promise<void>((resolve) => {
        held.go = resolve;
      });
    }
    await replace(path, text);
  };
  disk.fault = (step) => {
    if (!/^remove \d+\.log/.test(step)) return;
    held.removed++;
    const files = logFiles(folder).map((file) => basename(file));
    const next = files[files.indexOf(step.slice('remove '.length)) + 1]!;
    const { upTo } = JSON.parse(readFileSync(join(folder, 'cursor.json'), 'utf8'));
    if (upTo < Number.parseInt(next, 10) - 1) held.tooEarly.push(`${step}, saved up to ${upTo}`);
  };
  return held;
}

test('what is delivered while the cursor is being saved goes only with the next one', async () => {
  const disk = faultyDisk();
  const spool = await work({ disk, clock: fakeClock(), maxBytes: 1024 * 1024 });
  await fill(spool, 1, 1500, 200);
  await takeAll(spool, false);
  spool.keeper.delivered(1, 10);
  const held = heldCursor(disk, spool.folder);
  const saved = spool.keeper.save();
  await until(() => held.saves === 1);
  spool.keeper.delivered(11, 1500);
  held.go();
  await saved;
  assert.deepEqual(held.tooEarly, []);
  assert.equal(JSON.parse(readFileSync(join(spool.folder, 'cursor.json'), 'utf8')).upTo, 10);
  const second = spool.keeper.save();
  await until(() => held.saves === 2);
  held.go();
  await second;
  assert.deepEqual(held.tooEarly, []);
  assert.ok(held.removed >= 2, `${held.removed}`);
  await spool.close();
});

test('a full spool makes room of what a saved cursor covers, not of what was delivered meanwhile', async () => {
  const disk = faultyDisk();
  const spool = await work({ disk, clock: fakeClock(), maxBytes: 1024 * 1024, whenFull: 'drop-oldest' });
  await fill(spool, 1, 3300, 200);
  await takeAll(spool, false);
  spool.keeper.delivered(1, 600);
  const held = heldCursor(disk, spool.folder);
  const filled = fill(spool, 3301, 4200, 200);
  await until(() => held.saves === 1);
  spool.keeper.delivered(601, 3000);
  held.go();
  await until(() => {
    held.go();
    return spool.writer.written === 4200;
  });
  await filled;
  assert.deepEqual(held.tooEarly, []);
  assert.ok(held.removed >= 2, `${held.removed}`);
  assert.deepEqual(spool.dropped, [], 'what is delivered goes before what is not');
  held.free = true;
  disk.fault = () => {};
  await spool.close();
});

test('what the slate says at a start is saved before a segment goes for it', async () => {
  const first = await work({ maxBytes: 1024 * 1024 });
  await fill(first, 1, 1500, 200);
  await first.close();
  const { folder } = first;
  const text = '{"upTo":1400}';
  writeFileSync(join(folder, 'cursor.now'), `${crc32(text)} ${text}\n`);
  rmSync(join(folder, 'cursor.json'), { force: true });
  const clock = fakeClock();
  const disk = faultyDisk();
  const files = logFiles(folder).length;
  const again = await work({ folder, disk, clock, maxBytes: 1024 * 1024 });
  assert.equal(logFiles(folder).length, files);
  await clock.advance(1000);
  await until(() => logFiles(folder).length < files, 'the removal');
  const at = (what: RegExp): number => disk.steps.findIndex((step) => what.test(step));
  assert.ok(at(/^replace cursor\.json/) < at(/^remove \d+\.log/), disk.steps.join('\n'));
  await again.close();
});

test('a cursor that cannot be saved keeps every segment, is said once, and is saved when that works again', async () => {
  const clock = fakeClock();
  const disk = faultyDisk();
  const spool = await work({ disk, clock, maxBytes: 1024 * 1024 });
  await fill(spool, 1, 1500, 200);
  const before = logFiles(spool.folder).length;
  disk.fault = (step) => {
    if (step.startsWith('replace cursor')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  await takeAll(spool);
  for (let i = 0; i < 5; i++) await clock.advance(1000);
  assert.equal(logFiles(spool.folder).length, before);
  assert.equal(spool.log.filter((line) => line.includes('may be sent again after a restart')).length, 1);
  disk.fault = () => {};
  await clock.advance(1000);
  await until(() => logFiles(spool.folder).length === 1, 'the removal');
  assert.match(spool.log.at(-1)!, /the cursor is saved again/);
  await spool.close();
});

test('with --sync always there is one sync a commit group, and nothing is accepted before it', async () => {
  const disk = faultyDisk();
  const spool = await work({ disk });
  const syncs = (): number => disk.steps.filter((step) => /^sync \d+\.log/.test(step)).length;
  for (let group = 0; group < 20; group++) {
    for (let i = 1; i <= 50; i++) spool.writer.append(JSON.stringify(recordOf(group * 50 + i)));
    const before = spool.accepted();
    await spool.writer.flush();
    assert.deepEqual([before, spool.accepted()], [group * 50, group * 50 + 50]);
    assert.equal(syncs(), group + 1);
  }
  assert.deepEqual([spool.writer.counts.groups, spool.writer.counts.syncs], [20, 20]);
  await spool.close();
});

test('what comes while the disk syncs is one group, however many records it is', async () => {
  const disk = faultyDisk();
  const spool = await work({ disk });
  let go = (): void => {};
  const { sync } = disk;
  disk.sync = async (fd) => {
    await new Promise<void>((resolve) => {
      go = resolve;
    });
    await sync(fd);
  };
  spool.writer.append(JSON.stringify(recordOf(1)));
  await until(() => disk.steps.some((step) => step.startsWith('write')));
  for (let n = 2; n <= 500; n++) {
    spool.writer.append(JSON.stringify(recordOf(n)));
    if (n % 50 === 0) await settle();
  }
  const done = spool.writer.flush();
  await until(() => {
    go();
    return spool.accepted() === 500;
  });
  await done;
  assert.equal(spool.writer.counts.syncs, 2);
  disk.sync = sync;
  await spool.close();
});

test('with a duration the log is synced that long after the first record, and accepted then', async () => {
  const clock = fakeClock();
  const disk = faultyDisk();
  const spool = await work({ disk, clock, sync: 1000 });
  spool.writer.append(JSON.stringify(recordOf(1)));
  await until(() => spool.writer.written === 1);
  await clock.advance(600);
  spool.writer.append(JSON.stringify(recordOf(2)));
  await until(() => spool.writer.written === 2);
  await clock.advance(399);
  assert.equal(spool.accepted(), 0);
  await clock.advance(1);
  await until(() => spool.accepted() === 2);
  assert.equal(spool.writer.counts.syncs, 1);
  await clock.advance(10_000);
  assert.equal(spool.writer.counts.syncs, 1, 'nothing is synced that is durable');
  await spool.close();
});

test('a record goes on at once, before it is durable', async () => {
  const clock = fakeClock();
  const spool = await work({ clock, sync: 1000 });
  spool.writer.append(JSON.stringify(recordOf(1)));
  await until(() => spool.writer.written === 1);
  assert.deepEqual(numbers(await takeAll(spool, false)), [1]);
  assert.equal(spool.accepted(), 0);
  await spool.close();
});

test('with --sync never a record is accepted when the system has it', async () => {
  const disk = faultyDisk();
  const spool = await work({ disk, sync: 'never' });
  await fill(spool, 1, 10);
  assert.equal(spool.accepted(), 10);
  await spool.close();
  assert.equal(disk.steps.filter((step) => /^sync \d+\.log/.test(step)).length, 0);
});

test('a sync that fails is exit status 74: nobody knows what is there', async () => {
  const disk = faultyDisk();
  const spool = await work({ disk });
  disk.fault = (step) => {
    if (step.startsWith('sync')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  spool.writer.append(JSON.stringify(recordOf(1)));
  await assert.rejects(spool.writer.flush(), {
    status: 74,
    message: /cannot be made durable: input\/output error \(EIO\)/,
  });
  assert.equal(spool.accepted(), 0);
  await assert.rejects(spool.close(), { status: 74 });
});

test('while the disk takes nothing, records are delivered from memory, and written when it takes them again', async () => {
  const clock = fakeClock();
  const disk = faultyDisk();
  const spool = await work({ disk, clock });
  await fill(spool, 1, 3);
  disk.fault = (step) => {
    if (step.startsWith('write 0')) throw Object.assign(new Error('EROFS'), { code: 'EROFS' });
  };
  for (let n = 4; n <= 6; n++) spool.writer.append(JSON.stringify(recordOf(n)));
  await until(() => spool.writer.stuck() !== undefined);
  const out = await takeAll(spool, false);
  assert.deepEqual(numbers(out), range(1, 6));
  assert.equal(spool.accepted(), 3);
  spool.keeper.delivered(1, 5);
  assert.match(
    spool.log.join('\n'),
    /cannot be written: the disk can only be read \(EROFS\); tried again every second/,
  );
  disk.fault = () => {};
  await clock.advance(1000);
  await until(() => spool.accepted() === 6, 'the write');
  assert.match(spool.log.join('\n'), /can be written again/);
  await spool.close();
  const { folder } = spool;
  const again = await work({ folder });
  assert.deepEqual(numbers(await takeAll(again)), [6]);
  await again.close();
});

test('what was delivered while the disk took nothing is accepted and never written', async () => {
  const clock = fakeClock();
  const disk = faultyDisk();
  const spool = await work({ disk, clock });
  disk.fault = (step) => {
    if (/^(write 0|create)/.test(step)) throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  for (let n = 1; n <= 3; n++) spool.writer.append(JSON.stringify(recordOf(n)));
  await until(() => spool.writer.stuck() !== undefined);
  assert.deepEqual(numbers(await takeAll(spool)), [1, 2, 3]);
  await clock.advance(1000);
  await until(() => spool.accepted() === 3);
  assert.deepEqual([spool.backlog(), spool.writer.stuck()], [0, undefined]);
  await spool.close();
});

test('a disk that stays broken costs the oldest in memory, counted, and no memory', async () => {
  const clock = fakeClock();
  const disk = faultyDisk();
  const spool = await work({ disk, clock, folder: spoolFolder() });
  disk.fault = (step) => {
    if (/^(write 0|create|replace)/.test(step)) throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  let given = 0;
  const feeding = (async () => {
    for (let n = 1; n <= 5000; n++) {
      const full = spool.writer.append(JSON.stringify(recordOf(n, 1000)));
      if (full) await full;
      given = n;
    }
  })();
  await turnUntil(clock, 1000, () => given === 5000, 'the input');
  await feeding;
  const held = spool.writer.stuck()!.reduce((sum, { text }) => sum + text.length, 0);
  assert.ok(held <= 1.2 * 1024 * 1024, `${held} in memory`);
  const out = await takeAll(spool);
  assert.equal(out.at(-1)?.n, 5000);
  const dropped = spool.dropped.reduce((sum, { count }) => sum + count, 0);
  assert.equal(out.filter(({ type }) => type === 'x').length + dropped, 5000);
  assert.equal(spool.dropped[0]?.reason, 'the disk cannot be written');
  await clock.advance(1000);
  disk.fault = () => {};
  await clock.advance(1000);
  await spool.close();
});

test('--when-full exit ends with 74 when the disk takes nothing', async () => {
  const disk = faultyDisk();
  const spool = await work({ disk, whenFull: 'exit' });
  disk.fault = (step) => {
    if (step.startsWith('write 0')) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  };
  spool.writer.append(JSON.stringify(recordOf(1)));
  await assert.rejects(spool.writer.flush(), { status: 74, message: /cannot be written: the disk is full \(ENOSPC\)/ });
  await assert.rejects(spool.close(), { status: 74 });
  assert.equal(readFileSync(join(spool.folder, 'reserve')).length, 16_384);
});

test('a write that the disk cut short leaves no half line behind', async () => {
  const clock = fakeClock();
  const disk = faultyDisk();
  const spool = await work({ disk, clock });
  await fill(spool, 1, 2);
  const { write } = disk;
  let failed = 0;
  disk.write = async (fd, bytes, position) => {
    if (failed++ > 0) return write(fd, bytes, position);
    await write(fd, bytes.subarray(0, bytes.length - 5), position);
    throw Object.assign(new Error('EIO'), { code: 'EIO' });
  };
  spool.writer.append(JSON.stringify(recordOf(3)));
  await turnUntil(clock, 1000, () => spool.accepted() === 3);
  assert.deepEqual(numbers(await takeAll(spool)), [1, 2, 3]);
  assert.deepEqual(spool.damaged, []);
  await spool.close();
});
