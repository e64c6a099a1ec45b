import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { command } from '../../src/commands/influx-write.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import type { InfluxOptions, InfluxSimulator } from '../../src/simulators/influx/index.ts';
import { fakeClock } from '../support/clock.ts';
import { type RunOptions, runCommand } from '../support/command.ts';
import { type Beside, simulated, start, writing } from '../support/influx-writing.ts';
import { freePort } from '../support/mosquitto.ts';
import { cleanEnvironment, shell, temporaryFolder } from '../support/shell.ts';
import { turned } from '../support/turned.ts';

const reading = (second: number, more: object = {}): VoltRecord => ({
  type: 'battery_reading',
  time: new Date(start + second * 1000).toISOString(),
  device_id: 'AA:BB:CC:DD:EE:FF',
  voltage: 12.5 + second / 1000,
  ...more,
});
const readings = (count: number, more: (second: number) => object = () => ({})): VoltRecord[] =>
  Array.from({ length: count }, (_, second) => reading(second, more(second)));

/** influx-write beside a simulated server, with the organisation that 2.x wants. */
const setUp = (simulator: InfluxOptions = {}, { flags, ...more }: Partial<RunOptions> = {}) =>
  writing(simulator, { flags: { ...((simulator.dialect ?? '2') === '2' && { org: 'home' }), ...flags }, ...more });

/** Writes all records and ends. */
async function written(records: VoltRecord[], simulator?: InfluxOptions, options?: Partial<RunOptions>) {
  const world = await setUp(simulator, options);
  world.put(...records);
  world.end();
  return { ...world, ...(await world.finished()) };
}

const secondsOf = ({ points }: InfluxSimulator): number[] =>
  points()
    .map(({ time }) => (time - start) / 1000)
    .sort((a, b) => a - b);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('influx-write speaks the interface of the server', () => {
  for (const dialect of ['1', '2', '3'] as const) {
    test(`InfluxDB ${dialect}: it is recognised, and the point is stored as it was read (HAWK-10, HAWK-27, HAWK-109)`, async () => {
      const { influx, status, delivered, records, log } = await written([reading(0, { device_name: 'Starter' })], {
        dialect,
      });
      assert.equal(status, 0);
      assert.equal(delivered, 1);
      assert.deepEqual(influx.points(), [
        {
          measurement: 'battery_reading',
          database: 'battery_hawk',
          tags: { device_id: 'AA:BB:CC:DD:EE:FF', device_name: 'Starter' },
          fields: { voltage: { type: 'float', value: 12.5 } },
          timestamp: start,
          time: start,
        },
      ]);
      const [receipt] = records;
      assert.deepEqual(
        { ...receipt, time: '', latency_ms: 0 },
        { type: 'receipt', time: '', sink: 'influx', ok: true, count: 1, status: '204', latency_ms: 0 },
      );
      assert.match(log.join('\n'), new RegExp(`writes to InfluxDB ${dialect}`));
    });
  }

  test('the interface that --api names is not asked for', async () => {
    const { influx, status } = await written([reading(0)], { dialect: '3' }, { flags: { api: 'v3' } });
    assert.equal(status, 0);
    assert.deepEqual(influx.calls, []);
  });

  test('what is neither InfluxDB nor VictoriaMetrics is said, with 78', async () => {
    const other = createHttp((_, response) => response.end('<html>a router</html>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const { status, error, delivered } = await runCommand(command, {
      input: [reading(0)],
      flags: { url: `http://127.0.0.1:${port}` },
    });
    other.close();
    assert.equal(status, 78);
    assert.match(error?.message ?? '', /neither InfluxDB nor VictoriaMetrics/);
    assert.equal(delivered, 0);
  });

  test('user and password, or a token, go with each request and are in no message and no record', async () => {
    for (const [dialect, env] of [
      ['1', { BATTERYHAWK_INFLUXDB_USERNAME: 'hawk', BATTERYHAWK_INFLUXDB_PASSWORD: 'swordfish' }],
      ['2', { VOLTPIPE_INFLUXDB_TOKEN: 'swordfish' }],
      ['3', { VOLTPIPE_INFLUXDB_TOKEN: 'swordfish' }],
    ] as const) {
      const { influx, status, log, items } = await written([reading(0)], { dialect, token: 'swordfish' }, { env });
      assert.equal(status, 0, dialect);
      assert.equal(influx.points().length, 1);
      assert.doesNotMatch(JSON.stringify([log, items]), /swordfish/);
    }
  });

  test('host, port and database come from the configuration, with the names and defaults of the requirement (HAWK-60 to HAWK-63)', async () => {
    const influx = await simulated({ dialect: '1', databases: ['battery_hawk', 'cars'] });
    const config = join(temporaryFolder('config'), 'config.yaml');
    const { port } = new URL(influx.url);
    writeFileSync(
      config,
      `influxdb:\n  enabled: true\n  host: localhost\n  port: ${port}\n  username: ""\n  password: ""\n`,
    );
    assert.equal((await runCommand(command, { input: [reading(0)], flags: { config } })).status, 0);
    writeFileSync(config, `influxdb:\n  host: 127.0.0.1\n  port: ${port}\n  database: cars\n`);
    assert.equal((await runCommand(command, { input: [reading(0)], flags: { config } })).status, 0);
    assert.deepEqual(
      influx.points().map(({ database }) => database),
      ['battery_hawk', 'cars'],
    );
  });

  test('BATTERYHAWK_INFLUXDB_PASSWORD holds over system.json, and system.json over the configuration file (HAWK-121 to HAWK-123)', async () => {
    const influx = await simulated({ dialect: '1', token: 'right' });
    const dataDir = temporaryFolder('password');
    const config = join(dataDir, 'config.yaml');
    const write = async (env?: string) => {
      const environment = env === undefined ? {} : { BATTERYHAWK_INFLUXDB_PASSWORD: env };
      return (await runCommand(command, { input: [reading(0)], flags: { config }, dataDir, env: environment })).status;
    };
    const inConfig = (password: string): void =>
      writeFileSync(config, `influxdb:\n  url: ${influx.url}\n  username: hawk\n  password: ${password}\n`);
    const inSystem = (password: string): void =>
      writeFileSync(join(dataDir, 'system.json'), JSON.stringify({ version: '1.0', influxdb: { password } }));
    inConfig('wrong');
    assert.equal(await write(), 77);
    inConfig('right');
    assert.equal(await write(), 0);
    inSystem('wrong');
    assert.equal(await write(), 77);
    inConfig('wrong');
    inSystem('right');
    assert.equal(await write(), 0);
    assert.equal(await write('wrong'), 77);
    inSystem('wrong');
    assert.equal(await write('right'), 0);
  });

  test('influxdb.enabled: false reads everything and writes nothing (HAWK-59)', async () => {
    const { influx, status, delivered, log } = await written(
      readings(3),
      {},
      { env: { BATTERYHAWK_INFLUXDB_ENABLED: 'false' } },
    );
    assert.equal(status, 0);
    assert.equal(delivered, 0);
    assert.deepEqual(influx.bodies, []);
    assert.match(log.join('\n'), /nothing is written/);
  });

  test('influxdb.enabled: false behind a spool leaves every record in it, and says so (HAWK-59)', async () => {
    const cwd = temporaryFolder('disabled');
    const run = (line: string, off = true) =>
      shell(line, {
        cwd,
        stdin: '',
        env: { ...cleanEnvironment(cwd), ...(off && { BATTERYHAWK_INFLUXDB_ENABLED: 'false' }) },
      });
    const feed = `printf '%s\\n' '${readings(3)
      .map((one) => JSON.stringify(one))
      .join("' '")}' | spool put d`;
    assert.equal((await run(feed)).status, 0);
    for (const line of ['spool get d -- influx-write', "voltpipe run 'spool get d | influx-write'"]) {
      const { status, stderr } = await run(line);
      assert.equal(status, 0, stderr);
      assert.match(stderr, /influxdb\.enabled is false: no record is acknowledged/);
      assert.equal(JSON.parse((await run('spool stat d')).stdout).backlog, 3, line);
    }
    const influx = await simulated({ dialect: '1' });
    const { status, stderr } = await run(`spool get d -- influx-write --url ${influx.url}`, false);
    assert.equal(status, 0, stderr);
    assert.equal(influx.points().length, 3);
  });
});

describe('influx-write batches', () => {
  test('by count', async () => {
    const { influx, status } = await written(readings(10), {}, { flags: { batch: '4' } });
    assert.equal(status, 0);
    assert.deepEqual(
      influx.bodies.map((body) => body.split('\n').length - 1),
      [4, 4, 2],
    );
    assert.deepEqual(secondsOf(influx), range(0, 10));
  });

  test('and by time: a line waits no longer than --flush for others', async () => {
    const world = await setUp({}, { flags: { flush: '2s' } });
    world.put(...readings(3));
    await world.until(() => world.records.length === 1, 5000);
    assert.equal(world.influx.points().length, 3);
    world.put(reading(9));
    await world.until(() => world.records.length === 2, 5000);
    world.end();
    assert.equal((await world.finished()).delivered, 4);
  });

  test('and by bytes: a request is no longer than four MiB and a line', async () => {
    const wide = 'x'.repeat(600_000);
    const records = readings(20, () => ({ note: wide }));
    const { influx, status } = await written(records, {}, { flags: { stringFields: ['note'], flush: '1h' } });
    assert.equal(status, 0);
    assert.equal(influx.points().length, 20);
    assert.ok(influx.bodies.length > 1);
    for (const body of influx.bodies) assert.ok(body.length < 4 * 1024 * 1024 + 700_000, String(body.length));
  });

  test('records without a line count as delivered in their order, and are said once', async () => {
    const without: VoltRecord = { type: 'gap', time: reading(0).time!, source: 'x', reason: 'text alone' };
    const { delivered, influx, log } = await written([without, reading(1), without, without]);
    assert.equal(delivered, 4);
    assert.deepEqual(secondsOf(influx), [1]);
    assert.equal(log.filter((line) => line.includes('nothing to write')).length, 1);
    assert.match(log.join('\n'), /3 records were skipped/);
  });

  test('compressed, when it is asked for', async () => {
    const { influx, status } = await written(readings(100), { dialect: '1' }, { flags: { gzip: true } });
    assert.equal(status, 0);
    assert.deepEqual(secondsOf(influx), range(0, 100));
  });

  test('a second request is on its way while the first is answered, but not when both hold the same point', async () => {
    const world = await setUp({}, { flags: { batch: '2', flush: '100ms' } });
    world.put(...readings(2));
    await world.until(() => world.records.length === 1);
    world.influx.fault({ delay: 10_000 });
    world.put(...readings(4).slice(2));
    await world.until(() => world.influx.bodies.length === 2);
    world.put(reading(4), reading(5));
    await world.until(() => world.records.length === 2, 5000);
    assert.match(world.influx.bodies[2] ?? '', /voltage=12.504/);
    assert.equal(world.records[1]?.count, 2, 'the later one was answered first');
    // Second 3 again, corrected: it must come after the first that is still on its way.
    world.put(reading(3, { voltage: 99 }), reading(6));
    await world.until(() => world.records.length === 4, 30_000);
    world.end();
    const { delivered } = await world.finished();
    assert.equal(delivered, 8);
    const corrected = world.influx.points().find(({ time }) => time === start + 3000);
    assert.equal(corrected?.fields.voltage?.value, 99);
  });
});

describe('influx-write is exact about lines that are rejected', () => {
  for (const dialect of ['1', '2', '3'] as const) {
    test(`InfluxDB ${dialect}: only the lines of another type are given up, with the reason, all others are stored; 76`, async () => {
      const folder = temporaryFolder('rejects');
      const rejects = join(folder, 'rejects.ndjson');
      const records = readings(50, (second) => ([7, 23, 24].includes(second) ? { voltage: true } : {}));
      const {
        influx,
        status,
        delivered,
        records: receipts,
      } = await written(records, { dialect }, { flags: { rejects } });
      assert.equal(status, 76);
      assert.equal(delivered, 50);
      assert.deepEqual(
        secondsOf(influx),
        range(0, 50).filter((second) => ![7, 23, 24].includes(second)),
      );
      const kept = readFileSync(rejects, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      assert.deepEqual(
        kept.map(({ line }) => Number(line.split(' ').at(-1)) - start),
        [7000, 23_000, 24_000],
      );
      for (const { reason } of kept) assert.match(reason, /type/);
      assert.deepEqual([receipts[0]?.ok, receipts[0]?.count, receipts[0]?.rejected], [false, 47, 3]);
    });

    test(`InfluxDB ${dialect}: lines that the answer does not name are found by halves`, async () => {
      const folder = temporaryFolder('rejects');
      const rejects = join(folder, 'rejects.ndjson');
      const records = readings(64, (second) => ({ device_name: [5, 60].includes(second) ? 'BAD' : 'good' }));
      const { influx, status } = await written(
        records,
        { dialect, faults: [{ reject: 'BAD', times: 1000 }] },
        { flags: { rejects } },
      );
      assert.equal(status, 76);
      assert.equal(readFileSync(rejects, 'utf8').trim().split('\n').length, 2);
      assert.deepEqual(
        secondsOf(influx),
        range(0, 64).filter((second) => ![5, 60].includes(second)),
      );
      assert.ok(influx.bodies.length <= 2 * 2 * 6 + 2, `${influx.bodies.length} requests`);
    });
  }

  test('a batch that is rejected as a whole costs one request', async () => {
    const { influx, status, log } = await written(
      readings(500, () => ({ device_name: 'BAD' })),
      { faults: [{ reject: 'BAD', times: 1000 }] },
    );
    assert.equal(status, 76);
    assert.equal(influx.bodies.length, 1);
    assert.equal(log.filter((line) => line.includes('rejects a line')).length, 5);
  });

  test('--max-bisect ends the search; what was not isolated is kept with the rejected lines', async () => {
    const rejects = join(temporaryFolder('rejects'), 'rejects.ndjson');
    const records = readings(64, (second) => ({ device_name: second % 2 === 0 ? 'BAD' : 'good' }));
    const { influx, status, delivered } = await written(
      records,
      { faults: [{ reject: 'BAD', times: 1000 }] },
      { flags: { rejects, maxBisect: '4' } },
    );
    assert.equal(status, 76);
    assert.equal(delivered, 64);
    assert.ok(influx.bodies.length <= 8, `${influx.bodies.length} requests`);
    const kept = readFileSync(rejects, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).line as string);
    for (const record of records) {
      const line = `${Date.parse(record.time!)}`;
      const stored = influx.points().some(({ time }) => String(time) === line);
      assert.ok(stored || kept.some((one) => one.endsWith(line)), 'every line is stored or kept');
    }
  });

  test('an integer that was a float once is no conflict, since every number is a float', async () => {
    const { status, influx } = await written([
      reading(0, { voltage: 12 }),
      reading(1, { voltage: 12.5 }),
      reading(2, { voltage: 13 }),
    ]);
    assert.equal(status, 0);
    assert.equal(influx.points().length, 3);
  });

  test('413 splits the batch until it fits; a line that never fits is rejected', async () => {
    const records = [...readings(40), reading(40, { note: 'x'.repeat(2000) })];
    const flags = { stringFields: ['note'] };
    const { influx, status, delivered } = await written(
      records,
      { faults: [{ tooLarge: 1000, times: 1000 }] },
      { flags },
    );
    assert.equal(status, 76);
    assert.equal(delivered, 41);
    assert.deepEqual(secondsOf(influx), range(0, 40));
  });

  test('a rejects file that can not be written ends the run with 74, and the line is not acknowledged', async () => {
    const { status, delivered } = await written(
      [reading(0)],
      { faults: [{ reject: 'voltage', times: 9 }] },
      { flags: { rejects: '/nowhere/at/all' } },
    );
    assert.equal(status, 74);
    assert.equal(delivered, 0);
  });
});

describe('influx-write in an outage', () => {
  const fill = async (world: Beside, count: number): Promise<void> => {
    for (let second = 0; second < count; second += 10) {
      world.put(...readings(count).slice(second, second + 10));
      await world.clock.advance(1000);
    }
  };

  test('a server that is away for ten minutes costs nothing while the queue holds: once lost, once back (HAWK-140)', async () => {
    const clock = fakeClock(start);
    const port = await freePort();
    const world = turned(command, { flags: { url: `http://127.0.0.1:${port}`, api: 'v2', org: 'home' } }, clock);
    world.put(...readings(600));
    for (let minute = 0; minute < 10; minute++) await world.clock.advance(60_000);
    const influx = await simulated({ port });
    await world.until(() => influx.points().length === 600);
    world.end();
    const { status, delivered, log } = await world.finished();
    assert.equal(status, 0);
    assert.equal(delivered, 600);
    assert.deepEqual(secondsOf(influx), range(0, 600));
    assert.equal(log.filter((line) => /warning.*takes no records/.test(line)).length, 1);
    assert.equal(log.filter((line) => line.includes('takes records again')).length, 1);
  });

  test('without a spool the oldest are dropped when the queue is full, with a warning and their count (HAWK-108, C-19)', async () => {
    const world = await setUp({ faults: [{ status: 503, retryAfter: 100 }] }, { flags: { queue: '100', batch: '10' } });
    await fill(world, 500);
    await world.until(() => world.influx.points().length > 0);
    await world.until(() => secondsOf(world.influx).includes(499));
    world.end();
    const { status, delivered, log } = await world.finished();
    assert.equal(delivered, 500);
    assert.equal(status, 69);
    const stored = secondsOf(world.influx);
    assert.ok(stored.length < 500);
    assert.deepEqual(stored.slice(-90), range(410, 500), 'the newest are kept');
    const total = Number(/dropped=(\d+)/.exec(log.find((line) => line.includes('takes records again')) ?? '')?.[1]);
    assert.equal(total + stored.length, 500, 'each is stored or counted');
    assert.match(log.join('\n'), /warning: \d+ records dropped/);
  });

  test('behind a spool nothing is dropped: no more is read, and all arrives when the server is back (C-19)', async () => {
    const influx = await simulated({ dialect: '1' });
    const cwd = temporaryFolder('behind-a-spool');
    const sink = `influx-write --url ${influx.url} --batch 10 --flush 50ms --queue 20`;
    for (const [index, line] of [`spool a -- ${sink}`, `voltpipe run 'spool b | ${sink}'`].entries()) {
      influx.fault({ status: 503, times: 2 });
      const before = influx.points().length;
      const { status, stderr } = await shell(line, {
        cwd,
        env: cleanEnvironment(cwd),
        stdin: readings(200, () => ({ device_id: `pack${index}` }))
          .map((record) => `${JSON.stringify(record)}\n`)
          .join(''),
      });
      assert.equal(status, 0, stderr);
      assert.match(stderr, /takes records again/, line);
      assert.equal(influx.points().length - before, 200, line);
    }
  });

  test('with --on-unavailable block nothing is dropped without one, either', async () => {
    const world = await setUp(
      { faults: [{ status: 503, retryAfter: 100 }] },
      { flags: { queue: '100', batch: '10', onUnavailable: 'block' } },
    );
    await fill(world, 500);
    await world.until(() => world.influx.points().length === 500);
    world.end();
    const { status, delivered } = await world.finished();
    assert.equal(status, 0);
    assert.equal(delivered, 500);
    assert.deepEqual(secondsOf(world.influx), range(0, 500));
  });

  test('a slow server never makes anything drop', async () => {
    const { influx, status, delivered } = await written(
      readings(500),
      { faults: Array.from({ length: 20 }, () => ({ delay: 5000 })) },
      { flags: { queue: '50', batch: '25' } },
    );
    assert.equal(status, 0);
    assert.equal(delivered, 500);
    assert.deepEqual(secondsOf(influx), range(0, 500));
  });

  test('Retry-After is honoured, up to ten minutes', async () => {
    const open = await setUp({
      faults: [
        { status: 429, retryAfter: 120 },
        { status: 503, retryAfter: 86_400 },
      ],
    });
    open.put(reading(0));
    await open.until(() => open.influx.bodies.length === 1);
    const first = open.clock.now();
    await open.until(() => open.influx.bodies.length === 2, 200_000, 500);
    const second = open.clock.now();
    await open.until(() => open.influx.bodies.length === 3, 700_000, 1000);
    const third = open.clock.now();
    assert.ok(second - first >= 119_000 && second - first < 150_000, `${second - first}`);
    assert.ok(third - second >= 599_000 && third - second < 640_000, `${third - second}`);
    open.end();
    assert.equal((await open.finished()).status, 0);
  });

  test('a Retry-After of nothing is no reason to hurry', async () => {
    const world = await setUp({ faults: [{ status: 503, retryAfter: 0, times: 1000 }] });
    world.put(reading(0));
    const start = world.clock.now();
    await world.until(() => world.clock.now() - start > 60_000, 70_000, 250);
    assert.ok(world.influx.bodies.length > 1 && world.influx.bodies.length < 60, `${world.influx.bodies.length}`);
    world.end();
    world.stop.abort();
    await world.until(() => world.clock.now() - start > 80_000, 90_000, 250);
    assert.equal((await world.finished()).status, 69);
  });

  test('waits double to a minute at most, with full jitter', async () => {
    const world = await setUp({ faults: [{ status: 500, times: 12 }] });
    world.put(reading(0));
    const at: number[] = [];
    await world.until(
      () => {
        if (world.influx.bodies.length > at.length) at.push(world.clock.now());
        return at.length === 12;
      },
      600_000,
      250,
    );
    const waits = at.slice(1).map((time, index) => time - at[index]!);
    for (const [index, wait] of waits.entries())
      assert.ok(wait <= Math.min(60_000, 1000 * 2 ** index) + 1000, `${index}: ${wait}`);
    world.end();
    assert.equal((await world.finished()).status, 0);
  });

  test('a connection that breaks after the lines were stored makes no point twice', async () => {
    const { influx, status, delivered } = await written(readings(20), {
      faults: [{ drop: 'during' }, { drop: 'before' }],
    });
    assert.equal(status, 0);
    assert.equal(delivered, 20);
    assert.deepEqual(secondsOf(influx), range(0, 20));
    assert.ok(influx.bodies.length >= 3);
  });

  test('after the end of input a dead server is tried for a minute, then 69; nothing is acknowledged', async () => {
    const port = await freePort();
    const world = turned(command, { flags: { url: `http://127.0.0.1:${port}` } });
    world.put(...readings(3));
    world.end();
    const { status, error, delivered } = await world.finished();
    assert.equal(status, 69);
    assert.match(error?.message ?? '', /3 records not delivered: connection refused/);
    assert.equal(delivered, 0);
    assert.ok(world.clock.monotonic() >= 60_000);
  });

  test('a server that accepts and never answers is given up after --read-timeout', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const world = turned(command, { flags: { url: `http://127.0.0.1:${port}`, readTimeout: '5s' } });
    world.put(reading(0));
    world.end();
    const { status, error } = await world.finished();
    silent.close();
    assert.equal(status, 69);
    assert.match(error?.message ?? '', /no answer within 5 s/);
  });
});

describe('influx-write tells what a person must do', () => {
  test('credentials that are refused at once: 77, nothing acknowledged', async () => {
    for (const dialect of ['1', '2', '3'] as const) {
      const { status, error, delivered } = await written(
        [reading(0)],
        { dialect, token: 'right' },
        { env: { VOLTPIPE_INFLUXDB_TOKEN: 'wrong' } },
      );
      assert.equal(status, 77, dialect);
      assert.equal(delivered, 0);
      assert.match(error?.message ?? '', /refuses the credentials/);
    }
  });

  test('credentials that are refused at once end a live pipeline too, without a wait', async () => {
    const world = await setUp({ token: 'right' }, { env: { VOLTPIPE_INFLUXDB_TOKEN: 'wrong' } });
    world.put(reading(0));
    const { status, delivered } = await world.finished();
    assert.equal(status, 77);
    assert.equal(delivered, 0);
    assert.equal(world.influx.bodies.length, 1);
  });

  test('credentials that had worked are asked again, read anew, and nothing is lost', async () => {
    const file = join(temporaryFolder('token'), 'token');
    writeFileSync(file, 'first');
    const influx = await simulated({ dialect: '2', token: 'first' });
    const world = turned(command, { flags: { url: influx.url, org: 'home', token: file } });
    world.put(reading(0));
    await world.until(() => influx.points().length === 1);
    influx.fault({ status: 401 });
    world.put(reading(1));
    await world.until(() => influx.points().length === 2, 120_000);
    world.end();
    const { status, delivered, log } = await world.finished();
    assert.equal(status, 0);
    assert.equal(delivered, 2);
    assert.match(log.join('\n'), /refuses the credentials; asked again in/);
  });

  test('a changed configuration brings another user and password, without a restart', async () => {
    const influx = await simulated({ dialect: '1', token: 'new' });
    const home = temporaryFolder('config');
    const config = join(home, 'config.yaml');
    const configure = (password: string): void =>
      writeFileSync(config, `influxdb:\n  url: ${influx.url}\n  username: hawk\n  password: ${password}\n`);
    configure('new');
    const reloads: (() => Promise<void>)[] = [];
    const world = turned(command, { flags: { config }, onReload: (fn) => void reloads.push(fn) });
    world.put(reading(0));
    await world.until(() => influx.points().length === 1);
    configure('old');
    for (const reload of reloads) await reload();
    world.put(reading(1));
    await world.until(() => influx.bodies.length === 2);
    configure('new');
    for (const reload of reloads) await reload();
    await world.until(() => influx.points().length === 2, 120_000);
    world.end();
    assert.equal((await world.finished()).status, 0);
  });

  test('refused to the end: 77', async () => {
    const world = await setUp();
    world.put(reading(0));
    await world.until(() => world.influx.points().length === 1);
    world.influx.fault({ status: 403, times: 100 });
    world.put(reading(1));
    await world.until(() => world.influx.bodies.length === 2);
    world.end();
    const { status, delivered } = await world.finished();
    assert.equal(status, 77);
    assert.equal(delivered, 1);
  });

  test('a database that is not there: 78, or it is made once with --create-db', async () => {
    const missing = await written([reading(0)], { dialect: '1', databases: [] });
    assert.equal(missing.status, 78);
    assert.match(missing.error?.message ?? '', /database not found: "battery_hawk"/);
    assert.equal(missing.delivered, 0);
    const made = await written([reading(0)], { dialect: '1', databases: [] }, { flags: { createDb: true } });
    assert.equal(made.status, 0);
    assert.deepEqual(
      made.influx.calls.filter((call) => call.includes('query')),
      ['POST /query'],
    );
    const bucket = await written([reading(0)], { dialect: '2', databases: [] }, { flags: { createDb: true } });
    assert.equal(bucket.status, 78);
    const unknownOrg = await written([reading(0)], { dialect: '2' }, { flags: { org: 'nobody' } });
    assert.equal(unknownOrg.status, 78);
  });

  test('a database that cannot be made yet is asked for again with the next attempt', async () => {
    const made: string[] = [];
    const busy = createHttp((request, response) => {
      const isWrite = request.url?.startsWith('/write');
      if (!isWrite) made.push(request.method!);
      const status = isWrite ? (made.length < 2 ? 404 : 204) : made.length < 2 ? 503 : 200;
      const error = isWrite ? 'database not found: "battery_hawk"' : 'starting';
      request.resume().on('end', () => {
        response.writeHead(status).end(status === 204 ? undefined : JSON.stringify(status < 300 ? {} : { error }));
      });
    });
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    const { port } = busy.address() as { port: number };
    const flags = { url: `http://127.0.0.1:${port}`, api: 'v1', createDb: true, readTimeout: '30m' };
    const world = turned(command, { flags }, fakeClock(start));
    world.put(reading(0));
    world.end();
    const { status, delivered } = await world.finished();
    busy.close();
    assert.deepEqual([status, delivered, made], [0, 1, ['POST', 'POST']]);
  });

  test('a retention policy that is not there is permanent although it is a 500: 78', async () => {
    const { status, influx } = await written([reading(0)], {
      dialect: '1',
      faults: [{ status: 500, message: 'retention policy not found: nope' }],
    });
    assert.equal(status, 78);
    assert.equal(influx.bodies.length, 1);
  });

  test('a redirect is no success', async () => {
    const { status, error } = await written([reading(0)], { faults: [{ status: 302 }] });
    assert.equal(status, 78);
    assert.match(error?.message ?? '', /302/);
  });
});
