import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRejects } from '../../../src/clients/influx/rejects.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { createLog, createRedactor } from '../../../src/runtime/logger.ts';
import { temporaryFolder } from '../../support/shell.ts';

const log = createLog(
  'influx-write',
  { level: 'error', format: 'text', journal: false },
  { clock: systemClock, redactor: createRedactor(), write() {} },
);

test('a descriptor that is a full pipe and does not wait gets every line whole', async () => {
  const fifo = join(temporaryFolder('rejects'), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  const reader = spawn('sh', ['-c', 'exec < "$0"; sleep 0.3; exec wc -l -c', fifo], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let counted = '';
  reader.stdout.on('data', (bytes) => {
    counted += bytes;
  });
  const rejects = createRejects(String(fd), log, systemClock, new AbortController().signal);
  const one = { line: 'x'.repeat(1000), reason: 'no' };
  const closed = once(reader, 'close');
  try {
    await rejects.keep(
      Array.from({ length: 300 }, () => one),
      'now',
    );
  } catch (error) {
    reader.kill();
    throw error;
  } finally {
    // The reader has opened the pipe by now: more went through than it holds.
    closeSync(fd);
  }
  await closed;
  const length = JSON.stringify({ time: 'now', reason: 'no', line: one.line }).length + 1;
  assert.deepEqual(counted.trim().split(/\s+/).map(Number), [300, 300 * length]);
});

test('a full pipe that nobody reads is given up at the deadline with 74, whether it waits or not', async () => {
  for (const flags of [constants.O_RDWR, constants.O_RDWR | constants.O_NONBLOCK]) {
    const fifo = join(temporaryFolder('rejects'), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const fd = openSync(fifo, flags);
    const deadline = new AbortController();
    const rejects = createRejects(String(fd), log, systemClock, deadline.signal);
    const kept = rejects.keep([{ line: 'x'.repeat(200_000), reason: 'no' }], 'now');
    setImmediate(() => deadline.abort());
    await assert.rejects(kept, { status: 74, message: /its reader takes nothing/ });
    // Frees the thread that a pipe which waits still holds.
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const bytes = Buffer.alloc(65_536);
    for (let idle = 0; idle < 5; idle++) {
      await systemClock.sleep(5);
      try {
        while (readSync(reader, bytes) > 0) idle = 0;
      } catch {
        // Empty for now.
      }
    }
    closeSync(reader);
    closeSync(fd);
  }
});

test('a disk that is full and a folder in the place of the file are said in words (74)', async () => {
  const { signal } = new AbortController();
  const one = { line: 'x', reason: 'no' };
  for (const [where, why] of [
    ['/dev/full', 'the disk is full (ENOSPC)'],
    [temporaryFolder('rejects'), 'it is a folder (EISDIR)'],
  ] as const) {
    const rejects = createRejects(where, log, systemClock, signal);
    await assert.rejects(rejects.keep([one], 'now'), {
      status: 74,
      message: `--rejects ${where}: cannot be written: ${why}`,
    });
    rejects.close();
  }
});
