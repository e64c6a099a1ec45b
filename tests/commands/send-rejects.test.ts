import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { command } from '../../src/commands/send.ts';
import { runCommand } from '../support/command.ts';
import { countTo, fedSink, linesOf, numbersIn, readings, until } from '../support/feed.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

/** A server that takes what has no unwanted number in it. */
async function choosy(unwanted: (n: number) => boolean): Promise<{ url: string; taken: number[] }> {
  const taken: number[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    const numbers = numbersIn(body);
    const refuses = numbers.some(unwanted);
    if (!refuses) taken.push(...numbers);
    response.writeHead(refuses ? 422 : 204).end(refuses ? 'unknown device' : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`, taken };
}

const between = (from: number, to: number) => (n: number) => n >= from && n < to;
const without = (count: number, unwanted: (n: number) => boolean): number[] =>
  countTo(count).filter((n) => !unwanted(n));

interface Kept {
  time: string;
  reason: string;
  line: string;
}
const keptIn = (path: string): Kept[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Kept);

describe('records that the far side does not want', () => {
  test('more than ten in a row, between others that it takes, hold up nothing', async () => {
    const unwanted = between(100, 115);
    const peer = await choosy(unwanted);
    const { status, delivered, log } = await runCommand(command, {
      args: [peer.url],
      input: readings(300),
      flags: { batch: '50' },
    });
    assert.deepEqual(peer.taken, without(300, unwanted));
    assert.deepEqual([status, delivered], [76, 300]);
    assert.match(log.join('\n'), /15 records were rejected/);
  });

  test('more than ten at the end of input are not given up: 76, and they do not count as delivered', async () => {
    const peer = await choosy((n) => n >= 20);
    const { status, delivered, error } = await runCommand(command, { args: [peer.url], input: readings(35) });
    assert.deepEqual(peer.taken, countTo(20));
    assert.deepEqual([status, delivered], [76, 20]);
    assert.match(error?.message ?? '', /^15 records in a row rejected, and none taken: answered 422: unknown device/);
    assert.match(String((error as { next?: string }).next), /--rejects/);
  });

  test('--rejects keeps each with the reason before it counts as delivered, also when none was ever taken', async () => {
    const path = join(temporaryFolder('rejects'), 'rejects.ndjson');
    const unwanted = between(0, 25);
    const peer = await choosy(unwanted);
    const { status, delivered } = await runCommand(command, {
      args: [peer.url],
      input: readings(40),
      flags: { rejects: path },
    });
    assert.deepEqual([status, delivered], [76, 40]);
    assert.deepEqual(peer.taken, without(40, unwanted));
    const kept = keptIn(path);
    assert.equal(kept.map(({ line }) => `${line}\n`).join(''), linesOf(readings(25)));
    assert.ok(kept.every(({ reason, time }) => reason === 'answered 422: unknown device' && Date.parse(time) > 0));
  });

  test('--rejects that cannot be written is 74, and the record does not count as delivered', async () => {
    const peer = await choosy((n) => n === 3);
    const { status, delivered, error } = await runCommand(command, {
      args: [peer.url],
      input: readings(6),
      flags: { rejects: join(temporaryFolder('rejects'), 'no', 'folder'), body: 'object' },
    });
    assert.deepEqual([status, delivered], [74, 3]);
    assert.match(error?.message ?? '', /--rejects .*: cannot be written/);
  });

  test('--rejects means nothing where nothing is rejected', async () => {
    for (const url of ['tcp://127.0.0.1:1', 'serial:///dev/x', 'file:x']) {
      assert.equal((await runCommand(command, { args: [url], flags: { rejects: 'x' } })).status, 64, url);
    }
  });

  test('a spool before it is emptied, a restart in the midst of them included; from the file they go to another try', async () => {
    const folder = temporaryFolder('rejects');
    const unwanted = between(0, 15);
    const peer = await choosy(unwanted);
    const env = cleanEnvironment(folder);
    writeFileSync(join(folder, 'in'), linesOf(readings(60)));
    const line = `spool box -- send ${peer.url} --rejects rejects.ndjson --retry-for 0 < in; spool stat box`;
    const { stdout, stderr } = await shell(line, { cwd: folder, env });
    assert.match(stdout, /"backlog":0\b/, stderr);
    assert.deepEqual(peer.taken, without(60, unwanted));
    assert.deepEqual(
      numbersIn(
        keptIn(join(folder, 'rejects.ndjson'))
          .map((one) => one.line)
          .join(''),
      ),
      countTo(15),
    );
    const other = await choosy(() => false);
    const again = await shell(`jq -r .line rejects.ndjson | send ${other.url}`, { cwd: folder, env });
    assert.equal(again.status, 0, again.stderr);
    assert.deepEqual(other.taken, countTo(15));
  });
});

test('with nothing to send, a far side that is away is not waited for, nor one that never answers', async () => {
  const silent = createServer(() => {});
  silent.on('upgrade', () => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    silent.close();
    silent.closeAllConnections();
  });
  const { port } = silent.address() as AddressInfo;
  for (const url of ['tcp://127.0.0.1:1', 'serial:///dev/nonexistent', `ws://127.0.0.1:${port}/`]) {
    const sink = fedSink(command, { args: [url], flags: { retryFor: '1h', readTimeout: '1h' } });
    let status: number | undefined;
    void sink.result.then((result) => {
      status = result.status;
    });
    sink.end();
    await until(() => status !== undefined, `${url} ends`);
    assert.equal(status, 0, url);
  }
});
