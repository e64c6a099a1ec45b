import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { command } from '../../src/commands/abrp-push.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { createHealth } from '../../src/runtime/health.ts';
import {
  type AbrpOptions,
  type AbrpSimulator,
  simulatedKey,
  simulatedToken,
  startAbrp,
} from '../../src/simulators/abrp.ts';
import { exchanged, type FakeClock, fakeClock, settle } from '../support/clock.ts';
import { type RunOptions, type RunResult, runCommand } from '../support/command.ts';
import { openInput } from '../support/open-input.ts';

const running: AbrpSimulator[] = [];
const folder = mkdtempSync(join(tmpdir(), 'voltpipe-abrp-'));
after(async () => {
  await Promise.all(running.map((abrp) => abrp.close()));
  rmSync(folder, { recursive: true });
});

const utc = 1_772_366_400;
/** Of an exchange, as the command has it by default. */
const readTimeout = 15_000;
const state = (second: number, more: object = {}): VoltRecord => ({
  type: 'vehicle_telemetry',
  time: new Date((utc + second) * 1000).toISOString(),
  utc: utc + second,
  soc: 50,
  is_charging: false,
  ...more,
});

/** Waits for something that comes over a socket, without letting the clock go on. */
async function until(condition: () => boolean): Promise<void> {
  const giveUp = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < giveUp, `never: ${condition}`);
    await settle(1);
  }
}

interface World {
  clock: FakeClock;
  abrp: AbrpSimulator;
  put(record: VoltRecord): void;
  end(): void;
  stop: AbortController;
  receipts: VoltRecord[];
  result: Promise<RunResult>;
  /** The simulator answers late. */
  isLate: boolean;
  /** Lets time pass until so many requests have come and been judged. */
  requests(n: number): Promise<void>;
}

interface Setting extends Partial<RunOptions> {
  simulator?: AbrpOptions;
  env?: Record<string, string>;
  /** Called when the simulator is up and the command is not. */
  before?: (abrp: AbrpSimulator) => void;
}

/** `abrp-push --receipts` before a simulator, both on one clock that the test turns. */
async function setUp({ simulator = {}, env = {}, flags = {}, before, ...rest }: Setting = {}): Promise<World> {
  const clock = fakeClock(utc * 1000);
  const abrp = await startAbrp({ clock, ...simulator });
  running.push(abrp);
  before?.(abrp);
  const input = openInput();
  const receipts: VoltRecord[] = [];
  const stop = new AbortController();
  const result = runCommand(command, {
    clock,
    input,
    flags: { receipts: true, url: abrp.url, ...flags },
    env: { VOLTPIPE_ABRP_API_KEY: simulatedKey, VOLTPIPE_ABRP_USER_TOKEN: simulatedToken, ...env },
    signal: stop.signal,
    onItem: (item) => receipts.push(item as VoltRecord),
    ...rest,
  });
  return {
    clock,
    abrp,
    stop,
    receipts,
    result,
    isLate: simulator.faults?.some(({ delay }) => delay !== undefined) ?? false,
    put: input.push,
    end: input.end,
    async requests(n) {
      const giveUp = Date.now() + 10_000;
      while (receipts.length < n) {
        assert.ok(Date.now() < giveUp, `${receipts.length} of ${n} receipts`);
        await clock.advance(100);
        // A request that is under way gets the time it needs, which must not pass on the clock.
        await until(() => abrp.requests() <= receipts.length || clock.waiting > 1);
      }
    },
  };
}

/** Lets the clock go on until the command ends; not while a request is under way, unless the simulator makes it late by that clock. */
async function finished({ clock, result, isLate }: World): Promise<RunResult> {
  let over = false;
  void result.then(() => {
    over = true;
  });
  for (let i = 0; !over && i < 20_000; i++) {
    if (!isLate) await exchanged(clock, readTimeout);
    await clock.advance(100);
    await settle(2);
  }
  return result;
}

test('a state is pushed, acknowledged and receipted; nothing else is on stdout (BMW-05, BMW-42, BMW-66)', async () => {
  const world = await setUp();
  world.put(state(0, { vin: 'WBY00000000000001', speed: 0, power: 0.3, lat: 48.1, lon: 11.5 }));
  world.end();
  const { status, records, delivered, log } = await finished(world);
  assert.equal(status, 0);
  assert.equal(delivered, 1);
  const [receipt] = records;
  assert.equal(records.length, 1);
  assert.equal(typeof receipt?.latency_ms, 'number');
  assert.deepEqual(
    { ...receipt, latency_ms: 0, time: '' },
    {
      type: 'receipt',
      time: '',
      sink: 'abrp',
      ok: true,
      count: 1,
      status: '200',
      vin: 'WBY00000000000001',
      latency_ms: 0,
    },
  );
  assert.deepEqual(world.abrp.points()[0]?.tlm, {
    utc,
    soc: 50,
    power: 0.3,
    speed: 0,
    lat: 48.1,
    lon: 11.5,
    is_charging: false,
  });
  assert.ok(log.some((line) => line.includes('ABRP took the first point')));
});

test('one-shot use explains in one line why nothing is to be seen yet', async () => {
  const world = await setUp();
  world.put(state(0));
  world.end();
  const { log } = await finished(world);
  assert.equal(log.filter((line) => line.includes('60 s')).length, 1);
});

test('the minimal state is taken: utc, soc and is_charging (BMW-17, BMW-66)', async () => {
  const world = await setUp();
  world.put(state(0));
  world.end();
  const { log } = await finished(world);
  assert.deepEqual(world.abrp.points()[0]?.tlm, { utc, soc: 50, is_charging: false });
  assert.equal(log.filter((line) => line.includes('is_charging is not known')).length, 0);
});

test('without is_charging a warning is given once, and the state is pushed (BMW-17)', async () => {
  const world = await setUp();
  const { is_charging: _, ...bare } = state(0);
  world.put(bare as VoltRecord);
  world.put({ ...bare, utc: utc + 20 } as VoltRecord);
  world.end();
  const { log } = await finished(world);
  assert.equal(log.filter((line) => line.includes('is_charging is not known')).length, 1);
  assert.equal(world.abrp.points().length, 2);
});

test('a state without soc or utc is never sent, said once, and counts as delivered in its order (BMW-17)', async () => {
  const world = await setUp();
  for (const fields of [{ soc: undefined }, { soc: null }, { soc: 255 }, { utc: undefined }, { soc: undefined }]) {
    world.put(state(0, fields));
  }
  world.put(state(30));
  world.put({ type: 'battery_reading', time: '2026-03-01T12:00:00.000Z', voltage: 12.6 });
  world.put(state(31, { soc: undefined }));
  world.end();
  const { log, delivered } = await finished(world);
  assert.equal(world.abrp.points().length, 1);
  assert.equal(delivered, 8);
  assert.equal(log.filter((line) => line.includes('records without soc are not sent')).length, 1);
  assert.equal(log.filter((line) => line.includes('records without utc are not sent')).length, 1);
});

const temporary: [string, AbrpOptions['faults']][] = [
  ['500s', [{ status: 500, times: 3 }]],
  ['a gateway page', [{ status: 502 }]],
  ['429 with a time to wait', [{ status: 429, retryAfter: 20 }]],
  ['no answer in time', [{ delay: 40_000 }]],
  ['a connection reset before the answer', [{ drop: 'before' }]],
  ['a connection reset in mid-answer', [{ drop: 'during' }]],
  ['an answer that is no JSON', [{ body: '<html>Welcome to the hotel</html>' }]],
  ['several of them', [{ status: 503 }, { drop: 'before' }, { delay: 20_000 }, { body: '' }]],
];
for (const [name, faults = []] of temporary) {
  test(`a push gets through by itself after ${name} (BMW-66)`, async () => {
    const world = await setUp({ simulator: { faults } });
    world.put(state(0));
    const failures = faults.reduce((sum, { times = 1 }) => sum + times, 0);
    await world.requests(failures + 1);
    assert.deepEqual(
      world.receipts.map(({ ok }) => ok),
      [...Array(failures).fill(false), true],
    );
    world.end();
    const { status, delivered, log } = await finished(world);
    assert.equal(status, 0);
    assert.equal(delivered, 1);
    assert.deepEqual(world.abrp.points().at(-1)?.tlm, { utc, soc: 50, is_charging: false });
    assert.equal(log.filter((line) => line.includes('warning: ABRP takes no points')).length, 1, log.join('\n'));
    assert.equal(log.filter((line) => line.includes('takes points again')).length, 1);
  });
}

test('ABRP down, then up: what came meanwhile arrives together, in order (BMW-66)', async () => {
  const world = await setUp({ flags: { heartbeat: '0' } });
  world.put(state(0));
  await world.requests(1);
  await world.abrp.close();
  for (let i = 1; i <= 5; i++) world.put(state(i * 20, { soc: 50 + i }));
  await world.requests(3);
  assert.equal(world.receipts.at(-1)?.ok, false);
  const again = await startAbrp({ clock: world.clock, port: Number(new URL(world.abrp.url).port) });
  running.push(again);
  world.end();
  const { status, delivered } = await finished(world);
  assert.equal(status, 0);
  assert.equal(delivered, 6);
  assert.deepEqual(
    again.points().map(({ tlm, method }) => [tlm.soc, method]),
    [51, 52, 53, 54, 55].map((soc) => [soc, 'bulk']),
  );
});

test('ABRP unreachable to the end: exit status 69 after a minute, nothing acknowledged', async () => {
  const world = await setUp();
  await world.abrp.close();
  world.put(state(0));
  world.end();
  const start = world.clock.monotonic();
  const { status, delivered, error } = await finished(world);
  assert.equal(status, 69);
  assert.equal(delivered, 0);
  assert.match(error?.message ?? '', /1 points? not delivered/);
  const waited = world.clock.monotonic() - start;
  assert.ok(waited >= 60_000 && waited < 120_000, `${waited} ms`);
});

test('a bad token ends with 77 and the next step, and acknowledges nothing', async () => {
  const health = createHealth(fakeClock());
  const world = await setUp({ env: { VOLTPIPE_ABRP_USER_TOKEN: 'some-other-token' }, health });
  world.put(state(0));
  const { status, delivered, error, records } = await finished(world);
  assert.equal(status, 77);
  assert.equal(delivered, 0);
  assert.match(error?.message ?? '', /401 Unauthorized Token/);
  assert.match((error as Error & { next: string }).next, /ABRP app/);
  assert.deepEqual(
    records.map(({ ok, status: said }) => [ok, said]),
    [[false, '401']],
  );
  assert.match(health.unready().join(), /abrp-push: ABRP/);
});

test('a bad key ends with 77 too', async () => {
  const world = await setUp({ env: { VOLTPIPE_ABRP_API_KEY: 'some-other-key' } });
  world.put(state(0));
  assert.equal((await finished(world)).status, 77);
});

test('an error with HTTP 200 is said and not sent again, and the next state is (BMW-42, BMW-43)', async () => {
  const world = await setUp({ simulator: { faults: [{ error: 'odd value' }] } });
  world.put(state(0));
  await world.requests(1);
  assert.deepEqual(
    [world.receipts[0]?.ok, world.receipts[0]?.status, world.receipts[0]?.message],
    [false, '200', 'odd value'],
  );
  world.put(state(20));
  world.end();
  const { status, delivered, log } = await finished(world);
  assert.equal(status, 0);
  assert.equal(delivered, 2);
  assert.deepEqual(
    world.abrp.points().map(({ tlm }) => tlm.utc),
    [utc + 20],
  );
  assert.ok(log.some((line) => line.includes('rejected a point') && line.includes('odd value')));
});

test('a last state that ABRP rejected ends with 76, so that a script knows (BMW-42)', async () => {
  const world = await setUp({ simulator: { faults: [{ error: 'odd value' }] } });
  world.put(state(0));
  world.end();
  const { status, delivered } = await finished(world);
  assert.equal(status, 76);
  assert.equal(delivered, 1);
});

test('a charge of long ago is not sent while the car drives or charges, and a parked car is (BMW-73)', async () => {
  const world = await setUp({ flags: { heartbeat: '0' } });
  const old = { soc_age_s: 1801 };
  world.put(state(0, { ...old, is_charging: true }));
  world.put(state(1, { ...old, is_parked: false }));
  world.put(state(2, { ...old, speed: 80 }));
  world.put(state(3, { soc_age_s: 1800, is_charging: true }));
  await world.requests(1);
  world.put(state(20, { ...old, is_parked: true, speed: 0 }));
  world.end();
  const { status, delivered, log } = await finished(world);
  assert.equal(status, 0);
  assert.equal(delivered, 5);
  assert.deepEqual(
    world.abrp.points().map(({ tlm }) => tlm.utc),
    [utc + 3, utc + 20],
  );
  assert.equal(log.filter((line) => line.includes('warning: the car drives or charges')).length, 1);
  assert.equal(log.filter((line) => line.includes('a new soc came')).length, 1);
});

test('--max-soc-age 0 sends a charge of any age', async () => {
  const world = await setUp({ flags: { maxSocAge: '0' } });
  world.put(state(0, { soc_age_s: 86_400, is_charging: true }));
  world.end();
  await finished(world);
  assert.equal(world.abrp.points().length, 1);
});

test('missing fields are warned of once per distinct set, in each receipt, and pushing goes on (BMW-43)', async () => {
  const world = await setUp({ flags: { heartbeat: '0' } });
  for (let i = 0; i < 4; i++) {
    world.put(state(i * 20, { speed: 0, lat: 48.1, lon: 11.5, ...(i === 2 ? { power: 1, lat: undefined } : {}) }));
    await world.requests(i + 1);
  }
  world.end();
  const { log, records } = await finished(world);
  assert.deepEqual(
    records.map(({ missing }) => missing),
    ['power', 'power', 'lat, lon', 'power'],
  );
  assert.equal(log.filter((line) => line.includes('would like more fields')).length, 2);
});

test('several vehicles each have their token, their pace and their order (BMW-70)', async () => {
  const file = join(folder, 'tokens.yaml');
  writeFileSync(file, 'WBY00000000000001: token-one\nWBY00000000000002: token-two\n');
  const world = await setUp({
    simulator: { tokens: ['token-one', 'token-two'] },
    flags: { tokensFile: file, heartbeat: '0' },
    env: { VOLTPIPE_ABRP_USER_TOKEN: '' },
  });
  for (let i = 0; i < 3; i++) {
    world.put(state(i, { vin: 'WBY00000000000001', soc: 50 + i }));
    world.put(state(i, { vin: 'WBY00000000000002', soc: 70 + i }));
    world.put(state(i, { vin: 'WBY00000000000003', soc: 90 + i }));
  }
  world.end();
  const { status, delivered, log } = await finished(world);
  assert.equal(status, 0);
  assert.equal(delivered, 9);
  const of = (n: number) =>
    world.abrp
      .points()
      .filter(({ vehicle }) => vehicle === n)
      .map(({ tlm }) => tlm.soc);
  assert.equal(of(1).at(-1), 52);
  assert.equal(of(2).at(-1), 72);
  assert.ok([...of(1), ...of(2)].every((soc) => Number(soc) < 90));
  assert.equal(log.filter((line) => line.includes('no token for this vehicle')).length, 1);
});

test('one bad token stops its vehicle alone; the others go on, and 77 comes at the end (BMW-70)', async () => {
  const file = join(folder, 'half.json');
  writeFileSync(file, '{"WBY00000000000001":"token-one","WBY00000000000002":"token-bad"}');
  const world = await setUp({
    simulator: { tokens: ['token-one'] },
    flags: { tokensFile: file, heartbeat: '0' },
    env: { VOLTPIPE_ABRP_USER_TOKEN: '' },
  });
  world.put(state(0, { vin: 'WBY00000000000002' }));
  await world.requests(1);
  world.put(state(1, { vin: 'WBY00000000000002' }));
  world.put(state(1, { vin: 'WBY00000000000001' }));
  world.put(state(30, { vin: 'WBY00000000000002' }));
  world.put(state(30, { vin: 'WBY00000000000001' }));
  world.end();
  const { status, delivered, log } = await finished(world);
  assert.equal(status, 77);
  assert.equal(delivered, 5);
  assert.equal(world.abrp.points().length, 2);
  assert.equal(log.filter((line) => line.includes('refuses the user token')).length, 1);
});

/** A world with a configuration file of tokens by VIN, and the way to change it. */
async function withTokens(tokens: Record<string, string>, abrpTokens: readonly string[]) {
  const file = join(mkdtempSync(join(folder, 'reload-')), 'config.json');
  const write = (map: Record<string, string>): void =>
    writeFileSync(file, JSON.stringify({ abrp: { apiKey: simulatedKey, tokens: map } }));
  write(tokens);
  let reload: (() => Promise<void>) | undefined;
  const world = await setUp({
    simulator: { tokens: abrpTokens },
    flags: { heartbeat: '0', config: file },
    env: { VOLTPIPE_ABRP_USER_TOKEN: '', VOLTPIPE_ABRP_API_KEY: '' },
    onReload: (fn) => {
      reload = fn;
    },
  });
  return {
    ...world,
    async change(map: Record<string, string>): Promise<void> {
      write(map);
      await until(() => reload !== undefined);
      await reload?.();
    },
  };
}

test('a reload brings a new vehicle in, and a better token back into its place (BMW-70)', async () => {
  const world = await withTokens({ V1: 'token-bad', V2: 'token-two' }, ['token-one', 'token-two', 'token-three']);
  world.put(state(0, { vin: 'V1', soc: 51 }));
  await world.requests(1);
  assert.equal(world.receipts[0]?.ok, false);
  await world.change({ V1: 'token-one', V2: 'token-two', V3: 'token-three' });
  world.put(state(20, { vin: 'V1', soc: 61 }));
  world.put(state(20, { vin: 'V2', soc: 62 }));
  world.put(state(20, { vin: 'V3', soc: 63 }));
  world.end();
  const { status, delivered } = await finished(world);
  assert.equal(status, 0);
  assert.equal(delivered, 4);
  assert.deepEqual(
    world.abrp
      .points()
      .map(({ vehicle, tlm }) => [vehicle, tlm.soc])
      .sort(),
    [
      [1, 61],
      [2, 62],
      [3, 63],
    ],
  );
});

test('a vehicle that a reload leaves without a token gets what waits for it, and no more (BMW-70)', async () => {
  const world = await withTokens({ V1: 'token-one', V2: 'token-two' }, ['token-one', 'token-two']);
  world.put(state(0, { vin: 'V1', soc: 50 }));
  await world.requests(1);
  world.put(state(5, { vin: 'V1', soc: 51 }));
  await settle(20);
  await world.change({ V2: 'token-two' });
  world.put(state(30, { vin: 'V1', soc: 52 }));
  world.end();
  const { status, delivered } = await finished(world);
  assert.equal(status, 0);
  assert.equal(delivered, 3);
  assert.deepEqual(
    world.abrp.points().map(({ tlm }) => tlm.soc),
    [50, 51],
  );
});

test('tokens that cannot be read leave those that are in use', async () => {
  const world = await withTokens({ V1: 'token-one' }, ['token-one']);
  world.put(state(0, { vin: 'V1' }));
  await world.requests(1);
  await world.change({});
  world.put(state(20, { vin: 'V1', soc: 60 }));
  world.end();
  const { status, log } = await finished(world);
  assert.equal(status, 0);
  assert.equal(world.abrp.points().at(-1)?.tlm.soc, 60);
  assert.ok(log.some((line) => line.includes('configuration kept as it was')));
});

test('--vin pushes the named vehicle alone', async () => {
  const world = await setUp({ flags: { vin: ['WBY00000000000002'] } });
  world.put(state(0, { vin: 'WBY00000000000001', soc: 10 }));
  world.put(state(0, { vin: 'WBY00000000000002', soc: 20 }));
  world.end();
  const { log } = await finished(world);
  assert.deepEqual(
    world.abrp.points().map(({ tlm }) => tlm.soc),
    [20],
  );
  assert.ok(!log.some((line) => line.includes('no token')));
});

test('key and token are in no message and no record (BMW-15, BMW-16)', async () => {
  const page = `<p>/1/tlm/send?token=${simulatedToken} and APIKEY ${simulatedKey}</p>`;
  const faults = [{ status: 500, body: page }, { drop: 'before' }, { error: `bad ${simulatedToken}` }] as const;
  const world = await setUp({ simulator: { faults } });
  world.put(state(0, { vin: 'WBY00000000000001' }));
  await world.requests(3);
  world.put(state(20, { vin: 'WBY00000000000001' }));
  world.end();
  const { log, records } = await finished(world);
  const messages = log.join('\n');
  assert.doesNotMatch(messages, new RegExp(`${simulatedToken}|${simulatedKey}|WBY00000000000001`));
  assert.doesNotMatch(JSON.stringify(records), new RegExp(`${simulatedToken}|${simulatedKey}`));
  assert.equal(records[2]?.['message'], 'bad [redacted]');
});

test('all that is missing is said at once, with 78 (BMW-57)', async () => {
  const { status, error } = await runCommand(command, { input: [state(0)] });
  assert.equal(status, 78);
  assert.match(error?.message ?? '', /abrp\.apiKey[\s\S]*abrp\.userToken/);
});

test('key, token, address and interval come from the configuration file; rateLimitSeconds is in seconds (BMW-57, BMW-63)', async () => {
  const file = join(folder, 'config.yaml');
  const world = await setUp({
    flags: { url: undefined, config: file },
    env: { VOLTPIPE_ABRP_API_KEY: '', VOLTPIPE_ABRP_USER_TOKEN: '' },
    before: ({ url }) =>
      writeFileSync(
        file,
        `rateLimitSeconds: 40\nabrp:\n  url: ${url}tlm/send\n  apiKey: ${simulatedKey}\n  userToken: ${simulatedToken}\n`,
      ),
  });
  world.put(state(0));
  await world.requests(1);
  const start = world.clock.monotonic();
  world.put(state(60));
  await world.requests(2);
  const waited = world.clock.monotonic() - start;
  assert.ok(waited > 39_000 && waited <= 40_500, `${waited} ms`);
  world.end();
  assert.equal((await finished(world)).status, 0);
});

test('a key that no state has is a usage error', async () => {
  const { status, error } = await runCommand(command, { flags: { onChange: ['soc,charge'] } });
  assert.equal(status, 64);
  assert.match(error?.message ?? '', /charge/);
});

test('a dry run prints each point, sends nothing, needs no key and acknowledges nothing (BMW-40)', async () => {
  const { status, records, delivered, log } = await runCommand(command, {
    input: [state(0, { vin: 'V' }), state(1, { soc: undefined }), state(2, { is_charging: true, charging_power: 11 })],
    flags: { dryRun: true },
  });
  assert.equal(status, 0);
  assert.equal(delivered, 0);
  assert.deepEqual(records, [
    {
      type: 'abrp_point',
      time: '2026-03-01T12:00:00.000Z',
      vin: 'V',
      method: 'send',
      tlm: { utc, soc: 50, is_charging: false },
    },
    {
      type: 'abrp_point',
      time: '2026-03-01T12:00:02.000Z',
      method: 'send',
      tlm: { utc: utc + 2, soc: 50, power: -11, is_charging: true },
    },
  ]);
  assert.ok(log.some((line) => line.includes('without soc')));
});

test('--verify repeats the last state after ABRP had its 60 s and says what ABRP shows', async () => {
  const world = await setUp({ flags: { verify: true } });
  world.put(state(0, { soc: 63 }));
  world.end();
  const { status, records, log } = await finished(world);
  assert.equal(status, 0);
  assert.deepEqual(
    records.map(({ ok, message }) => [ok, message]),
    [
      [true, undefined],
      [true, undefined],
      [true, 'ABRP shows 63 % of 2026-03-01T12:00:00.000Z'],
    ],
  );
  assert.ok(log.some((line) => line.includes('ABRP shows 63 %')));
});

test('--verify asks once, in a stream that goes on, when a minute has passed', async () => {
  const world = await setUp({ flags: { verify: true, heartbeat: '0' } });
  world.put(state(0, { soc: 63 }));
  await world.requests(1);
  for (let i = 1; i <= 4; i++) {
    await world.clock.advance(25_000);
    world.put(state(i * 25, { soc: 63 - i }));
    await settle();
    await world.clock.advance(100);
    await until(() => world.abrp.points().length > i);
  }
  await until(() => world.receipts.some(({ message }) => message !== undefined));
  world.end();
  const { status, records } = await finished(world);
  assert.equal(status, 0);
  assert.equal(records.filter(({ count }) => count === 0).length, 1);
  assert.match(String(records.find(({ count }) => count === 0)?.message), /^ABRP shows 6[12] %/);
});

test('--verify ends with 76 when ABRP shows nothing', async () => {
  const world = await setUp({ flags: { verify: true } });
  world.put(state(0));
  await world.requests(1);
  world.abrp.fault({});
  world.abrp.fault({ body: '{"status":"ok","result":{}}', times: 5 });
  world.end();
  const { status, records } = await finished(world);
  assert.equal(status, 76);
  assert.equal(records.at(-1)?.ok, false);
  assert.equal(records.at(-1)?.message, 'ABRP shows nothing yet');
});

test('told to stop, it sends at once what waits for the interval', async () => {
  const world = await setUp();
  world.put(state(0));
  await world.requests(1);
  world.put(state(5, { soc: 51 }));
  await settle();
  world.stop.abort();
  await world.clock.advance(0);
  await until(() => world.abrp.points().length === 2);
  world.end();
  const { delivered } = await finished(world);
  assert.equal(delivered, 2);
  assert.equal(world.abrp.points().at(-1)?.tlm.soc, 51);
});

test('a file of tokens that is none is refused with 78 and shows no token', async () => {
  for (const [text, why] of [
    ['- a\n', /expected keys/],
    ['WBY00000000000001: 7\n', /expected a token/],
    ['a: [', /tokens-file/],
  ] as const) {
    const file = join(folder, 'bad.yaml');
    writeFileSync(file, text);
    const { status, error } = await runCommand(command, {
      flags: { tokensFile: file },
      env: { VOLTPIPE_ABRP_API_KEY: simulatedKey },
    });
    assert.equal(status, 78);
    assert.match(error?.message ?? '', why);
  }
  const { status, error } = await runCommand(command, { flags: { tokensFile: join(folder, 'none.yaml') } });
  assert.equal(status, 78);
  assert.match(error?.message ?? '', /none\.yaml: cannot be read/);
});
