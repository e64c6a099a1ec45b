import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { commands } from '../../src/commands/index.ts';
import { command as add } from '../../src/commands/registry-add.ts';
import { command as assign } from '../../src/commands/registry-assign.ts';
import { command as init } from '../../src/commands/registry-init.ts';
import { command as list } from '../../src/commands/registry-list.ts';
import { command as remove } from '../../src/commands/registry-remove.ts';
import { command as set } from '../../src/commands/registry-set.ts';
import { command as show } from '../../src/commands/registry-show.ts';
import { batteryHawkSystem, leavesOf } from '../../src/registry/system.ts';
import { batteryHawkName } from '../../src/registry/system-options.ts';
import { allOptions, settle } from '../../src/runtime/settings.ts';
import { runCommand } from '../support/command.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';

const mac = '50:54:7B:00:00:01';
const keys = leavesOf(batteryHawkSystem).filter(([key]) => key !== 'version');

/** A value of the same kind that is not the default. */
const other = (value: unknown): string =>
  typeof value === 'boolean'
    ? String(!value)
    : typeof value === 'number'
      ? String(value + 1)
      : value === 'INFO'
        ? 'warn'
        : 'elsewhere';

describe('settings', () => {
  test("init --defaults battery-hawk writes the requirement's whole system.json (HAWK-53 to HAWK-72)", async () => {
    const { dataDir, status } = await runCommand(init, { flags: { defaults: 'battery-hawk' } });
    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(readFileSync(join(dataDir, 'system.json'), 'utf8')), {
      version: '1.0',
      discovery: { initial_scan: true, periodic_interval: 43200, scan_duration: 10 },
      bluetooth: { max_concurrent_connections: 1, connection_timeout: 30 },
      influxdb: { enabled: true, host: 'localhost', port: 8086, database: 'battery_hawk', username: '', password: '' },
      logging: { level: 'INFO', file_logging: false, log_file: '/data/battery_hawk.log' },
      api: { port: 5000, host: '0.0.0.0' },
      mqtt: { enabled: false, broker: 'localhost', port: 1883, topic_prefix: 'battery_hawk' },
    });
    assert.ok(existsSync(join(dataDir, 'devices.json')) && existsSync(join(dataDir, 'vehicles.json')));
  });

  test('init without it writes the version and the keys given, so that the configuration file still holds', async () => {
    const { dataDir } = await runCommand(init, { args: ['mqtt.port=1884'] });
    assert.deepEqual(JSON.parse(readFileSync(join(dataDir, 'system.json'), 'utf8')), {
      version: '1.0',
      mqtt: { port: 1884 },
    });
    const again = await runCommand(init, { dataDir, flags: { defaults: 'battery-hawk' } });
    assert.equal(again.records.find(({ key }) => key === 'mqtt.port')?.value, 1884);
  });

  for (const [key, value] of keys) {
    const name = batteryHawkName(key);
    test(`${name} holds over system.json, and system.json over the configuration file (HAWK-121 to HAWK-123)`, async () => {
      const dataDir = temporaryFolder('settings');
      const config = join(dataDir, 'config.json');
      const wanted = other(value);
      const read = async (env: Record<string, string>): Promise<unknown> => {
        if (key.startsWith('logging.')) {
          const { common } = await settle(list, { flags: { config, dataDir }, args: [] }, env);
          const found = Object.entries(allOptions(list)).find(([, spec]) => spec.key === key);
          return common[found![0] as keyof typeof common];
        }
        const got = await runCommand(show, { args: [key], dataDir, env, flags: { config, noConfig: undefined } });
        assert.equal(got.status, 0, got.log.join('\n'));
        return got.records[0]?.secret ?? got.records[0]?.value;
      };
      const shown = key === 'influxdb.password' ? 'true' : wanted;
      const tree = key.split('.').reduceRight<unknown>((inner, part) => ({ [part]: inner }), wanted);
      writeFileSync(config, JSON.stringify(tree));
      assert.equal(String(await read({})), shown, 'configuration file');
      const first = key.split('.').reduceRight<unknown>((inner, part) => ({ [part]: inner }), value);
      writeFileSync(join(dataDir, 'system.json'), JSON.stringify({ version: '1.0', ...(first as object) }));
      const held = await read({});
      // Its value is masked here; that the right one is used, a test of influx-write shows.
      if (key !== 'influxdb.password')
        assert.equal(String(held).toLowerCase(), String(value).toLowerCase(), 'system.json');
      assert.equal(String(await read({ [name]: wanted })), shown, 'environment');
    });
  }

  test('every command that reads a key of the requirement knows its BATTERYHAWK_ name (HAWK-121, HAWK-123)', async () => {
    const wanted = new Set(keys.map(([key]) => key));
    const seen = new Set<string>();
    for (const { load } of commands) {
      const { command } = await load();
      for (const [option, spec] of Object.entries(allOptions(command))) {
        for (const key of [spec.key, ...(spec.aliases ?? [])]) {
          if (key === undefined || !wanted.has(key)) continue;
          seen.add(key);
          assert.ok(
            spec.env?.includes(batteryHawkName(key)),
            `${command.name}: ${option} lacks ${batteryHawkName(key)}`,
          );
        }
      }
    }
    assert.deepEqual(
      [...wanted].filter((key) => !seen.has(key)),
      [],
    );
  });

  test('a setting is of the type that its key has; nonsense, unknown keys and secrets are refused and write nothing', async () => {
    const { dataDir } = await runCommand(set, {
      args: ['system', 'mqtt.port=1884', 'mqtt.topic_prefix=42', 'discovery.initial_scan=false'],
    });
    const path = join(dataDir, 'system.json');
    const text = readFileSync(path, 'utf8');
    assert.deepEqual(JSON.parse(text), {
      version: '1.0',
      mqtt: { port: 1884, topic_prefix: '42' },
      discovery: { initial_scan: false },
    });
    for (const word of ['mqtt.port=many', 'mqtt.prot=1', 'mqtt=1', 'version=2.0', 'influxdb.password=secret', 'word']) {
      const got = await runCommand(set, { dataDir, args: ['system', 'mqtt.port=1', word] });
      assert.equal(got.status, 64, word);
      assert.equal(readFileSync(path, 'utf8'), text, word);
    }
  });

  test('a system.json that can not be understood, or is of a newer version, ends with 78 and stays', async () => {
    for (const text of ['{"mqtt":', '{"version":"2.0"}']) {
      const dataDir = temporaryFolder('system');
      writeFileSync(join(dataDir, 'system.json'), text);
      for (const [command, args] of [
        [set, ['system', 'mqtt.port=1']],
        [init, []],
      ] as const) {
        const got = await runCommand(command, { dataDir, args });
        assert.equal(got.status, 78, got.error?.message);
        assert.equal(readFileSync(join(dataDir, 'system.json'), 'utf8'), text);
      }
      const got = await shell(`registry list --data-dir ${dataDir}`);
      assert.equal(got.status, 78);
      assert.match(got.stderr, /system\.json/);
    }
  });

  test('a secret of system.json is not shown', async () => {
    const dataDir = temporaryFolder('system');
    writeFileSync(join(dataDir, 'system.json'), '{"influxdb":{"password":"hush-hush"}}');
    for (const [command, args] of [
      [show, ['system']],
      [init, []],
    ] as const) {
      const { items } = await runCommand(command, { dataDir, args, flags: { noConfig: undefined } });
      assert.ok(items.length > 0);
      assert.doesNotMatch(JSON.stringify(items), /hush/);
    }
  });
});

describe('devices and vehicles on the command line (HAWK-12)', () => {
  test('add, list, set, assign, show, remove', async () => {
    const {
      dataDir,
      records: [added],
    } = await runCommand(add, { args: [mac], flags: { type: 'bm6', interval: '10m' } });
    assert.deepEqual(
      { ...added, time: '', discovered_at: '', configured_at: '' },
      {
        type: 'device',
        time: '',
        device_id: mac,
        device_name: 'BM6 0001',
        device_type: 'bm6',
        vehicle_id: 'vehicle_1',
        vehicle_name: 'Vehicle 1',
        status: 'configured',
        discovered_at: '',
        configured_at: '',
        polling_interval: 600,
        retry_attempts: 3,
        retry_interval: 60,
        reconnection_delay: 300,
      },
    );
    const one = (command: Parameters<typeof runCommand>[0], ...args: string[]) =>
      runCommand(command, { dataDir, args });
    assert.equal((await one(set, mac, 'friendly_name=12', 'retry_interval=5')).records[0]?.device_name, '12');
    assert.equal((await one(set, 'vehicle_1', 'name=Boat')).records[0]?.vehicle_name, 'Boat');
    await runCommand(assign, { dataDir, args: [mac, 'Van'], flags: { new: true } });
    assert.deepEqual(
      (await one(list, 'vehicles')).records.map((v) => [v.vehicle_name, v.device_count]),
      [
        ['Boat', 0],
        ['Van', 1],
      ],
    );
    assert.deepEqual(
      (await one(show, 'Van')).records.map(({ type }) => type),
      ['vehicle', 'device'],
    );
    assert.equal((await one(remove, 'Van')).status, 64);
    assert.equal((await one(remove, mac, 'Van', 'Boat')).status, 0);
    assert.deepEqual((await one(list)).records, []);
  });

  test('several changes are made together or not at all', async () => {
    const { dataDir } = await runCommand(add, { args: [mac] });
    const got = await runCommand(set, { dataDir, args: [mac, 'friendly_name=A', 'polling_interval=never'] });
    assert.equal(got.status, 64);
    assert.match(got.error?.message ?? '', /polling_interval/);
    assert.equal((await runCommand(list, { dataDir })).records[0]?.device_name, 'Monitor 0001');
    assert.equal((await runCommand(remove, { dataDir, args: [mac, 'nobody'] })).status, 64);
    assert.equal((await runCommand(list, { dataDir })).records.length, 1);
  });
});

test('registry set by many processes at once loses nothing', { timeout: 180_000 }, async () => {
  const home = temporaryFolder('together');
  const env = cleanEnvironment(home, { VOLTPIPE_DATA_DIR: join(home, 'data') });
  const count = 6;
  const id = (n: number): string => `50:54:7B:00:00:0${n}`;
  const numbers = Array.from({ length: count }, (_, n) => n);
  await Promise.all(numbers.map((n) => shell(`registry add ${id(n)} >/dev/null`, { env })));
  const got = await Promise.all(
    numbers.flatMap((n) => [
      shell(`registry set ${id(n)} polling_interval=${100 + n}`, { env }),
      shell(`registry set ${id(n)} friendly_name=name${n}`, { env }),
      shell(`registry set system ${['mqtt.port', 'influxdb.port', 'api.port'][n % 3]}=${2000 + (n % 3)}`, { env }),
    ]),
  );
  for (const { status, stderr } of got) assert.equal(status, 0, stderr);
  const read = (name: string) => JSON.parse(readFileSync(join(home, 'data', `${name}.json`), 'utf8'));
  const { devices } = read('devices');
  for (const n of numbers) {
    assert.equal(devices[id(n)].polling_interval, 100 + n);
    assert.equal(devices[id(n)].friendly_name, `name${n}`);
  }
  assert.equal(
    new Set(Object.values(devices).map((device) => (device as { vehicle_id: string }).vehicle_id)).size,
    count,
  );
  assert.equal(Object.keys(read('vehicles').vehicles).length, count);
  assert.deepEqual(read('system'), {
    version: '1.0',
    ...read('system'),
    mqtt: { port: 2000 },
    influxdb: { port: 2001 },
    api: { port: 2002 },
  });
});
