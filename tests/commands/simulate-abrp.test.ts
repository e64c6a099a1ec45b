import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { command } from '../../src/commands/simulate-abrp.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { httpClient } from '../../src/transports/http/client.ts';
import { runCommand } from '../support/command.ts';

const http = httpClient();
const folder = mkdtempSync(join(tmpdir(), 'voltpipe-abrp-'));
const keyFile = join(folder, 'key');
writeFileSync(keyFile, 'given\n', { mode: 0o600 });
after(async () => {
  await http.close();
  rmSync(folder, { recursive: true });
});

test('the first record is the endpoint, then each point follows, and a signal ends it', async () => {
  const stop = new AbortController();
  const records: VoltRecord[] = [];
  const tlm = { utc: 1772366400, soc: 63, is_charging: true };
  const push = async ({ url }: VoltRecord): Promise<void> => {
    for (const token of ['first', 'second']) {
      const answer = await http.call({
        method: 'POST',
        url: `${url}tlm/send?token=${token}`,
        headers: { Authorization: 'APIKEY given', 'Content-Type': 'application/json' },
        body: JSON.stringify({ tlm }),
      });
      assert.equal(answer.status, 200);
    }
  };
  let pushed: Promise<void> | undefined;
  const result = await runCommand(command, {
    flags: { token: ['first,second'], apiKey: keyFile },
    signal: stop.signal,
    onItem(item) {
      records.push(item as VoltRecord);
      if (records.length === 1) pushed = push(item as VoltRecord);
      if (records.length === 3) stop.abort();
    },
  });
  await pushed;
  assert.equal(result.status, 0);
  assert.deepEqual(
    records.map(({ type, protocol, vehicle, time }) => [type, protocol ?? vehicle, type === 'abrp_point' ? time : '']),
    [
      ['endpoint', 'abrp', ''],
      ['abrp_point', 1, '2026-03-01T12:00:00.000Z'],
      ['abrp_point', 2, '2026-03-01T12:00:00.000Z'],
    ],
  );
  assert.doesNotMatch(JSON.stringify(records), /first|second|given/);
  await assert.rejects(push(records[0] as VoltRecord), 'it does not listen any longer');
});

test('a port that is taken is said, with 69', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const { status, error } = await runCommand(command, { flags: { listen: String(port) } });
  taken.close();
  assert.equal(status, 69);
  assert.match(error?.message ?? '', /cannot listen: the port is in use \(EADDRINUSE\)/);
});

test('a fault that is none is a usage error before anything listens', async () => {
  const { status, records } = await runCommand(command, { flags: { fault: ['status=abc'] } });
  assert.equal(status, 64);
  assert.deepEqual(records, []);
});
