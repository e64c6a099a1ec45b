import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type Disk, disk as realDisk } from '../../src/spool/disk.ts';
import { fakeClock, turnUntil } from '../support/clock.ts';
import { until } from '../support/fixture.ts';
import { fill, numbers, range, spoolFolder, takeAll, work, workIn, workOut } from '../support/spool.ts';

interface Broken {
  /** What a write of records fails with; absent: none fails. */
  code?: string;
  /** So much of them is on the disk by then. */
  share: number;
  /** Nothing can be noted either. */
  mute?: boolean;
}

const failed = (code: string): Error => Object.assign(new Error(code), { code });

/** A disk that takes but a share of what is written; `seen` runs before what is there is cut off again. */
function partly(broken: Broken, seen: () => Promise<void>): Disk {
  return {
    ...realDisk,
    async write(fd, bytes, position) {
      const { code, share } = broken;
      if (!code || !Buffer.from(bytes).includes('"n"')) return realDisk.write(fd, bytes, position);
      await realDisk.write(fd, bytes.subarray(0, Math.floor(bytes.length * share)), position);
      await seen();
      throw failed(code);
    },
    async openToWrite(path) {
      if (broken.mute && path.endsWith('.withdrawn')) throw failed('EIO');
      return realDisk.openToWrite(path);
    },
  };
}

const notes = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.withdrawn'));

const once = (work: () => Promise<void>) => {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
};

const gapOf = (count: number): string[] => (count > 0 ? [`gap ${count}`] : []);

/** Records 1 to 9 are delivered, then twenty meet the broken disk while somebody reads: what that reader got, all in all. */
async function readWhileItFails(
  t: TestContext,
  broken: Broken,
  pad: number,
  whenFull: 'exit' | 'drop-newest',
  before = 9,
) {
  const folder = spoolFolder();
  const out = await workOut({ folder });
  const close = once(() => out.close());
  t.after(close);
  const got: unknown[] = [];
  const read: [number, number][] = [];
  const drain = async (): Promise<void> => {
    for (let chunk = await out.feed.next(); chunk; chunk = await out.feed.next()) {
      read.push([chunk.first, chunk.last]);
      const lines = chunk.bytes.toString('utf8').trimEnd().split('\n');
      got.push(...numbers(lines.map((line) => JSON.parse(line))));
    }
  };
  const deliver = async (): Promise<void> => {
    for (const [first, last] of read.splice(0)) out.keeper.delivered(first, last);
    await out.keeper.save();
  };
  const disk = partly(broken, drain);
  const inlet = await workIn({ folder, disk, whenFull });
  await fill(inlet, 1, before);
  await drain();
  await deliver();
  broken.code = 'ENOSPC';
  await fill(inlet, before + 1, before + 20, pad).catch(() => {});
  delete broken.code;
  return { folder, damaged: out.damaged, close, got, drain, deliver, inlet };
}

for (const share of [0.3, 0.7, 1]) {
  for (const pad of [0, 1500]) {
    const how = `${share} of a commit${pad ? ', too long to be padded,' : ''}`;

    test(`a reader that saw ${how} and could not deliver it loses nothing of the writer that comes after`, async (t) => {
      const { folder, damaged, close, got, drain, deliver, inlet } = await readWhileItFails(t, { share }, pad, 'exit');
      const seen = got.length;
      assert.deepEqual(got, range(1, seen));
      assert.ok(share === 1 ? seen === 29 : seen > 9 && seen < 29, `it saw ${seen}`);
      await inlet.close().catch(() => {});
      const again = await workIn({ folder });
      assert.equal(again.writer.next, 30);
      await fill(again, 100, 129);
      await drain();
      await deliver();
      assert.deepEqual(got.slice(seen), [...gapOf(29 - seen), ...range(100, 129)]);
      assert.deepEqual([damaged, notes(folder)], [[], []]);
      await again.close();
      await close();
      const last = await work({ folder });
      assert.deepEqual(numbers(await takeAll(last)), []);
      await last.close();
    });

    test(`a reader that saw ${how} of which the rest is refused gets what comes behind it`, async (t) => {
      const { folder, got, drain, deliver, inlet } = await readWhileItFails(t, { share }, pad, 'drop-newest');
      await fill(inlet, 30, 59);
      await drain();
      await deliver();
      const seen = got.indexOf(30) - (share === 1 ? 0 : 1);
      assert.deepEqual(got, [...range(1, seen), ...gapOf(29 - seen), ...range(30, 59)]);
      assert.deepEqual([inlet.accepted(), notes(folder)], [59, []]);
      await inlet.close();
    });
  }
}

test('a writer that comes after and finds the disk full once more goes on in its new segment', async (t) => {
  const { folder, got, drain, inlet } = await readWhileItFails(t, { share: 0.7 }, 0, 'exit');
  const seen = got.length;
  await inlet.close().catch(() => {});
  const broken: Broken = { share: 0.7, code: 'EIO' };
  const clock = fakeClock();
  const again = await workIn({ folder, disk: partly(broken, drain), whenFull: 'block', clock });
  const filled = fill(again, 100, 129);
  await until(() => got.length > seen + 1);
  delete broken.code;
  await turnUntil(clock, 1000, () => again.accepted() === 30);
  await filled;
  await drain();
  assert.deepEqual(got.slice(seen), [...gapOf(29 - seen), ...range(100, 129)]);
  await again.close();
});

test('a segment of which all is withdrawn goes, and its gap says why', async (t) => {
  const { folder, close, got, inlet } = await readWhileItFails(t, { share: 0.7 }, 0, 'exit', 0);
  const seen = got.length;
  await inlet.close().catch(() => {});
  await close();
  const again = await workIn({ folder });
  await fill(again, 100, 129);
  const later = await workOut({ folder });
  const [gap, ...records] = await takeAll(later);
  assert.deepEqual(gap && { ...gap, time: 0 }, {
    type: 'gap',
    time: 0,
    source: 'spool',
    count: 20,
    reason: 'their writer ended before the disk took them',
  });
  assert.deepEqual(numbers(records), range(100, 129));
  assert.ok(seen > 0);
  await later.close();
  await again.close();
});

test('lines that were seen stay where it cannot be noted that they are withdrawn', async (t) => {
  const { folder, got, drain, inlet } = await readWhileItFails(t, { share: 0.7, mute: true }, 0, 'exit');
  const seen = got.length;
  await inlet.close().catch(() => {});
  const again = await workIn({ folder });
  assert.equal(again.writer.next, seen + 1);
  await fill(again, 100, 129);
  await drain();
  assert.deepEqual(got.slice(seen), range(100, 129));
  await again.close();
});

test('the gap of withdrawn numbers that finds no room is a hole in them, and their note goes with the first record behind it', async (t) => {
  const { folder, got, drain, inlet } = await readWhileItFails(t, { share: 0.7 }, 0, 'exit');
  const seen = got.length;
  await inlet.close().catch(() => {});
  assert.deepEqual(notes(folder), ['0000000000000010-0000000000000029.withdrawn']);
  const replace = async (path: string, text: string): Promise<void> => {
    if (path.endsWith('.gap')) throw failed('ENOSPC');
    await realDisk.replace(path, text);
  };
  for (const next of [30, 30]) {
    const idle = await workIn({ folder, disk: { ...realDisk, replace } });
    assert.equal(idle.writer.next, next);
    await idle.close();
  }
  const again = await workIn({ folder, disk: { ...realDisk, replace } });
  await fill(again, 100, 129);
  await drain();
  assert.deepEqual(got.slice(seen), [...gapOf(29 - seen), ...range(100, 129)]);
  assert.deepEqual(notes(folder), []);
  await again.close();
});

test('what one process writes and reads needs no note: nobody sees but what was written', async () => {
  const broken: Broken = { share: 0.7 };
  const spool = await work({ disk: partly(broken, async () => {}), whenFull: 'exit' });
  await fill(spool, 1, 9);
  broken.code = 'ENOSPC';
  await assert.rejects(fill(spool, 10, 29), { status: 74 });
  assert.deepEqual(notes(spool.folder), []);
  await spool.close().catch(() => {});
  const again = await work({ folder: spool.folder });
  await fill(again, 100, 129);
  assert.deepEqual(numbers(await takeAll(again)), [...range(1, 9), ...range(100, 129)]);
  await again.close();
});
