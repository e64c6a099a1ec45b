import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { command } from '../../src/commands/simulate-bmw.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { runCommand } from '../support/command.ts';
import { temporaryFolder } from '../support/shell.ts';

/** Runs the simulator until `use` is done with the endpoint. */
async function run(flags: Record<string, unknown>, use: (endpoint: VoltRecord, seen: VoltRecord[]) => Promise<void>) {
  const stop = new AbortController();
  const seen: VoltRecord[] = [];
  let using: Promise<void> | undefined;
  const result = await runCommand(command, {
    flags,
    signal: stop.signal,
    onItem(item) {
      if (typeof item === 'string') return;
      seen.push(item);
      using ??= use(item, seen).finally(() => stop.abort());
    },
  });
  await using;
  return result;
}

test('the first record says where everything is, the configuration file too, and both work', async () => {
  const folder = temporaryFolder('simulate');
  const file = join(folder, 'sim.yaml');
  const { status, records } = await run({ writeConfig: file, vin: ['WBYVP000000000005'] }, async (endpoint) => {
    assert.equal(endpoint.type, 'endpoint');
    assert.equal(endpoint.protocol, 'bmw');
    assert.deepEqual(endpoint.vins, ['WBYVP000000000005']);
    const { bmw } = parse(readFileSync(file, 'utf8'));
    assert.deepEqual(bmw, {
      clientId: endpoint.client_id,
      vin: 'WBYVP000000000005',
      authUrl: endpoint.auth_url,
      apiUrl: endpoint.api_url,
      brokerUrl: endpoint.broker_url,
      ca: endpoint.ca,
    });
    assert.match(readFileSync(bmw.ca as string, 'utf8'), /BEGIN CERTIFICATE/);
    assert.equal((await fetch(`${bmw.apiUrl}/customers/vehicles/mappings`)).status, 401);
  });
  assert.equal(status, 0);
  assert.equal(records[1]?.type, 'simulator_event');
  assert.equal(records[1]?.event, 'api_request');
  assert.equal(records[1]?.error, 'CU-100');
});

test('the folder of --write-config is made; one that cannot be is said, with status 74', async () => {
  const folder = temporaryFolder('simulate');
  const file = join(folder, 'config/voltpipe/config.yaml');
  await run({ writeConfig: file }, async () => assert.ok(existsSync(file)));
  writeFileSync(join(folder, 'in-the-way'), '');
  const { status, error } = await runCommand(command, { flags: { writeConfig: join(folder, 'in-the-way/sim.yaml') } });
  assert.equal(status, 74);
  assert.match(error?.message ?? '', /in-the-way.*cannot be written: .*\(E(NOTDIR|EXIST)\)/);
});

test('without a configuration file the authority lies in the data directory while it runs', async () => {
  let ca = '';
  await run({}, async (endpoint) => {
    ca = endpoint.ca as string;
    assert.ok(existsSync(ca));
  });
  assert.ok(!existsSync(ca));
});

test('faults from the command line happen and are told', async () => {
  const { records } = await run({ fault: ['device-server-error', 'api-CU-503:2'] }, async ({ auth_url, api_url }) => {
    assert.equal(
      (await fetch(`${auth_url}/gcdm/oauth/device/code`, { method: 'POST', body: new URLSearchParams() })).status,
      503,
    );
    for (const status of [503, 503, 401]) assert.equal((await fetch(`${api_url}/customers/containers`)).status, status);
  });
  assert.deepEqual(
    records.flatMap(({ fault }) => (fault === undefined ? [] : [fault])),
    ['device-server-error', 'api-CU-503', 'api-CU-503'],
  );
});

test('a fault that does not exist, a VIN that is none and a capture that is not there are usage errors', async () => {
  for (const flags of [{ fault: ['nothing'] }, { vin: ['short'] }, { capture: '/nowhere/capture.ndjson' }]) {
    const { status, records } = await runCommand(command, { flags });
    assert.equal(status, 64, JSON.stringify(flags));
    assert.deepEqual(records, []);
  }
});

test('a port that is taken is said, and nothing stays open', async () => {
  await run({}, async ({ api_url }) => {
    const { status, error } = await runCommand(command, { flags: { apiPort: Number(new URL(String(api_url)).port) } });
    assert.equal(status, 69);
    assert.match(error?.message ?? '', /cannot listen: .*EADDRINUSE/);
  });
});

test('a capture without a message of BMW is refused as bad data', async () => {
  const file = join(temporaryFolder('simulate'), 'empty.ndjson');
  writeFileSync(file, '{"type":"gap"}\nnonsense\n');
  assert.equal((await runCommand(command, { flags: { capture: file } })).status, 65);
});

test('the cars of a capture are the cars of the account', async () => {
  const file = join(temporaryFolder('simulate'), 'capture.ndjson');
  const data = { 'vehicle.isMoving': { value: 'ASN_isTrue' } };
  writeFileSync(file, `${JSON.stringify({ vin: 'WBYVP000000000006', data })}\n`);
  await run({ capture: file }, async (endpoint) => assert.deepEqual(endpoint.vins, ['WBYVP000000000006']));
});
