import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { command } from '../../src/commands/influx-setup.ts';
import { type InfluxSimulator, startInflux } from '../../src/simulators/influx/index.ts';
import { runCommand } from '../support/command.ts';

const running: InfluxSimulator[] = [];
after(() => Promise.all(running.map((influx) => influx.close())));
const start = async (...args: Parameters<typeof startInflux>): Promise<InfluxSimulator> => {
  const influx = await startInflux(...args);
  running.push(influx);
  return influx;
};

test('InfluxDB 2: buckets, mappings and tasks are made, and a second run changes nothing', async () => {
  const influx = await start({ dialect: '2', databases: [], token: 'secret' });
  const run = async (more: object = {}): Promise<string[]> => {
    const { items, status, error } = await runCommand(command, {
      flags: { url: influx.url, org: 'home', apply: true, ...more },
      env: { VOLTPIPE_INFLUXDB_TOKEN: 'secret' },
    });
    assert.equal(status, 0, error?.message);
    return items as string[];
  };
  const first = await run();
  assert.equal(first.length, 9);
  assert.ok(
    first.every((line) => line.startsWith('created')),
    first.join(),
  );
  assert.ok((await run()).every((line) => line.startsWith('unchanged')));
  assert.deepEqual(
    (await run({ weeks: '4w' })).filter((line) => !line.startsWith('unchanged')),
    ['changed bucket battery_hawk'],
  );
  assert.deepEqual(
    (await run({ weeks: '4w', fields: ['voltage'] })).filter((line) => line.startsWith('changed')).length,
    3,
  );
});

test('tasks of 2.x begin where a window does, and mark windows by their start', async () => {
  const { items } = await runCommand(command, { flags: { api: 'v2', fields: ['voltage'] } });
  const text = items.join('\n');
  assert.match(text, /range\(start: date\.truncate\(t: -3h, unit: 1h\)\)/);
  assert.match(text, /every: 1mo, fn: fn, createEmpty: false, timeSrc: "_start"/);
  assert.match(text, /influx bucket create --org 'home' --name 'battery_hawk_yearly' --retention 0/);
});

test('InfluxDB 3 and VictoriaMetrics are told what to do, and nothing is applied', async () => {
  const three = await runCommand(command, { flags: { api: 'v3' } });
  assert.match(
    three.items.join('\n'),
    /create database --retention-period 1344h 'battery_hawk'\n.*\n.*--retention-period none/,
  );
  const vm = await runCommand(command, { flags: { api: 'vm' } });
  assert.match(vm.items.join('\n'), /-retentionPeriod/);
  for (const api of ['v3', 'vm']) assert.equal((await runCommand(command, { flags: { api, apply: true } })).status, 64);
});

test('what is wrong is said: a duration, a type, the organisation, the token, a server that is not there', async () => {
  for (const weeks of ['8 weeks', '0d', '0h', '00w', '2562048h'])
    assert.equal((await runCommand(command, { flags: { api: 'v1', weeks } })).status, 64, weeks);
  assert.equal((await runCommand(command, { flags: { api: 'v1', types: ['nothing'] } })).status, 64);
  const influx = await start({ dialect: '2', token: 'secret' });
  const env = { VOLTPIPE_INFLUXDB_TOKEN: 'secret' };
  for (const org of [undefined, ''])
    assert.equal((await runCommand(command, { flags: { url: influx.url, apply: true, org }, env })).status, 78);
  assert.equal((await runCommand(command, { flags: { url: influx.url, apply: true, org: 'nobody' }, env })).status, 78);
  assert.equal((await runCommand(command, { flags: { url: influx.url, apply: true, org: 'home' } })).status, 77);
  const gone = await runCommand(command, { flags: { url: 'http://127.0.0.1:1' } });
  assert.equal(gone.status, 69);
  for (const url of ['http://hawk:swordfish@127.0.0.1:1', 'http://127.0.0.1:1/?x=1']) {
    const { status, error } = await runCommand(command, { flags: { url } });
    assert.equal(status, 78, url);
    assert.doesNotMatch(error?.message ?? '', /swordfish/);
  }
  assert.match(gone.error?.message ?? '', /connection refused/);
});

test('a page of somebody else in the place of an answer is 78, whatever --api says', async () => {
  for (const body of ['<html>a router</html>', '', 'null']) {
    const router = createServer((request, response) => request.resume().on('end', () => response.end(body)));
    await new Promise<void>((resolve) => router.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(router.address() as { port: number }).port}`;
    for (const api of ['auto', 'v1', 'v2']) {
      const { status, error } = await runCommand(command, { flags: { url, api, org: 'home', apply: true } });
      assert.equal(status, 78, `${api}: ${error?.message}`);
    }
    await new Promise((resolve) => router.close(resolve));
  }
});
