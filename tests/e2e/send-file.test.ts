import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { command } from '../../src/commands/send.ts';
import { fakeClock, settle } from '../support/clock.ts';
import { runCommand } from '../support/command.ts';
import { countTo, fedSink, linesOf, numbersIn, readings, until } from '../support/feed.ts';
import { requireSmallDisk } from '../support/services.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const textOf = (path: string): string => readFileSync(path, 'utf8');
const roomOf = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

describe('a log on an SD card (ESP-50)', () => {
  test('every record is a line, delivered when the disk has it; the next run goes on below', async () => {
    const path = join(temporaryFolder('send-file'), 'log.ndjson');
    for (const first of [0, 3]) {
      const { status, delivered, records } = await runCommand(command, {
        args: [`file://${path}`],
        input: readings(3, first),
        flags: { receipts: true },
      });
      assert.equal(status, 0);
      assert.equal(delivered, 3);
      assert.ok(records.every((receipt) => receipt.status === 'synced'));
    }
    assert.equal(textOf(path), linesOf(readings(6)));
  });

  test('--sync: within a second, at once, or never', async () => {
    const path = join(temporaryFolder('send-file'), 'log.ndjson');
    for (const [flags, wait] of [
      [{}, 1000],
      [{ sync: '10s' }, 10_000],
    ] as const) {
      const before = numbersIn(safely(path)).length;
      const clock = fakeClock();
      const sink = fedSink(command, { clock, args: [`file:${path}`], flags: { ...flags, receipts: true } });
      sink.put(...readings(1));
      await until(async () => {
        await settle();
        return numbersIn(safely(path)).length === before + 1;
      });
      await clock.advance(wait - 100);
      assert.equal(sink.receipts.length, 0);
      // The time may count from a moment after the line was seen.
      let passed = 0;
      await until(async () => {
        if (passed < wait) await clock.advance(wait / 10);
        passed += wait / 10;
        return sink.receipts.length === 1;
      });
      sink.end();
      assert.equal((await sink.result).delivered, 1);
    }
    for (const [sync, word] of [
      ['always', 'synced'],
      ['never', 'written'],
    ]) {
      const { records } = await runCommand(command, {
        args: [`file:${path}`],
        input: readings(2),
        flags: { sync, receipts: true },
      });
      assert.ok(records.length > 0 && records.every(({ status }) => status === word));
    }
  });

  test('as a table in the layout of BMSLogEntry, its header once (ESP-79)', async () => {
    const path = join(temporaryFolder('send-file'), 'log.csv');
    const flags = { payload: 'csv', preset: 'bms-log' };
    for (const first of [0, 1]) await runCommand(command, { args: [`file:${path}`], input: readings(1, first), flags });
    const lines = textOf(path).trimEnd().split('\n');
    assert.equal(lines.length, 3);
    assert.match(lines[0]!, /^timestamp,packVoltage,packCurrent,/);
    assert.match(lines[2]!, /^1772366401,13\.2,/);
  });

  test('a table begins with its header though the first record comes long after the file was opened', async () => {
    const clock = fakeClock();
    const path = join(temporaryFolder('send-file'), 'log.csv');
    const sink = fedSink(command, { clock, args: [`file:${path}`], flags: { payload: 'csv', columns: 'cycles' } });
    await until(() => existsSync(path));
    await settle();
    sink.put(...readings(2));
    sink.end();
    assert.equal((await sink.result).status, 0);
    assert.equal(textOf(path), 'cycles\n0\n1\n');
  });

  test('a file is one writer at a time: the second ends with 75', async () => {
    const folder = temporaryFolder('send-file');
    const place = { dataDir: join(folder, 'data'), runtimeDir: join(folder, 'run') };
    const first = fedSink(command, {
      args: [`file:${folder}/log`],
      flags: { receipts: true, sync: 'always' },
      ...place,
    });
    first.put(...readings(1));
    await until(() => first.receipts.length === 1);
    const second = await runCommand(command, { args: [`file:${folder}/./log`], input: readings(1), ...place });
    assert.equal(second.status, 75);
    first.end();
    assert.equal((await first.result).status, 0);
  });

  test('a file that may not grow any further: 74, whole lines, and only those count as delivered', async () => {
    const folder = temporaryFolder('send-file');
    // One block is 1 KiB; about seven readings.
    const got = await shell(`trap '' XFSZ; ulimit -f 1; send file:log.ndjson 3>acks --sync always`, {
      cwd: folder,
      env: { ...cleanEnvironment(folder), VOLTPIPE_ACK_FD: '3' },
      stdin: linesOf(readings(200)),
    });
    assert.equal(got.status, 74, got.stderr);
    assert.match(got.stderr, /log\.ndjson: cannot be written: the file may not grow any further \(EFBIG\)/);
    const text = textOf(join(folder, 'log.ndjson'));
    assert.ok(text === '' || text.endsWith('\n'));
    const safe = Number(textOf(join(folder, 'acks')).trim().split('\n').at(-1));
    assert.ok(safe <= numbersIn(text).length, `${safe} acknowledged, ${numbersIn(text).length} there`);
  });

  test('a full disk: 74 and what to do; what was acknowledged is there, and with room again the rest follows', async (t) => {
    const disk = requireSmallDisk(t);
    if (!disk) return;
    const path = join(disk, 'send.ndjson');
    const filler = join(disk, 'filler');
    try {
      writeFileSync(filler, Buffer.alloc(roomOf(disk) - 400 * 1024));
      const records = readings(6000);
      const run = (from: number) =>
        runCommand(command, { args: [`file://${path}`], input: records.slice(from), flags: { sync: 'always' } });
      const full = await run(0);
      assert.equal(full.status, 74);
      assert.match(full.error?.message ?? '', /the disk is full \(ENOSPC\)/);
      const text = textOf(path);
      assert.ok(text.endsWith('\n'));
      assert.deepEqual(numbersIn(text).slice(0, full.delivered), countTo(full.delivered));
      assert.ok(full.delivered > 0 && full.delivered < 6000);
      rmSync(filler);
      rmSync(path);
      const rest = await run(5000);
      assert.equal(rest.status, 0);
      assert.deepEqual(numbersIn(textOf(path)), countTo(6000).slice(5000));
    } finally {
      rmSync(filler, { force: true });
      rmSync(path, { force: true });
    }
  });
});

const safely = (path: string): string => {
  try {
    return textOf(path);
  } catch {
    return '';
  }
};
