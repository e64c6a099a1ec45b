import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { command } from '../../src/commands/simulate-influx.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { runCommand } from '../support/command.ts';

test('the first record is the endpoint, then each point follows, and a signal ends it', async () => {
  const stop = new AbortController();
  const records: VoltRecord[] = [];
  let written: Promise<Response> | undefined;
  const { status } = await runCommand(command, {
    signal: stop.signal,
    flags: { database: 'x', dialect: '1' },
    onItem(item) {
      records.push(item as VoltRecord);
      const { url } = records[0]!;
      written ??= fetch(`${url}/write?db=x&precision=ms`, {
        method: 'POST',
        body: 'm,device_id=A v=1,ok=t 1772366400000\nm v=2 5',
      });
      if (records.length === 3) stop.abort();
    },
  });
  assert.equal((await written)?.status, 204);
  assert.equal(status, 0);
  assert.equal(records[0]?.type, 'endpoint');
  assert.deepEqual(records[1], {
    type: 'influx_point',
    time: '2026-03-01T12:00:00.000Z',
    database: 'x',
    measurement: 'm',
    tags: { device_id: 'A' },
    fields: { v: 1, ok: true },
  });
});

test('a port that is taken is said, with 69; a fault that is none is a usage error', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const { status, error } = await runCommand(command, { flags: { listen: String(port) } });
  taken.close();
  assert.equal(status, 69);
  assert.match(error?.message ?? '', /cannot listen: the port is in use \(EADDRINUSE\)/);
  assert.equal((await runCommand(command, { flags: { fault: ['status=abc'] } })).status, 64);
});
