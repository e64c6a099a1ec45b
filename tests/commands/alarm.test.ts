import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { command as alarm } from '../../src/commands/alarm.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { formatTime } from '../../src/records/time.ts';
import { fakeClock, settle } from '../support/clock.ts';
import { runCommand } from '../support/command.ts';
import { temporaryFolder } from '../support/shell.ts';

const start = Date.parse('2026-01-10T00:00:00.000Z');
const minute = 60_000;
const at = (minutes: number): string => formatTime(start + minutes * minute);
const reading = (minutes: number, fields: Record<string, unknown>, id = 'boat'): VoltRecord => ({
  type: 'battery_reading',
  time: at(minutes),
  device_id: id,
  ...fields,
});
const volts = (...list: readonly [minutes: number, voltage: number][]): VoltRecord[] =>
  list.map(([minutes, voltage]) => reading(minutes, { voltage }));

/** Short: `name state minute`. */
async function alarmsOf(input: readonly VoltRecord[], args: readonly string[], flags: Record<string, unknown> = {}) {
  const { records, status, error } = await runCommand(alarm, { input, args, flags: { only: ['alarm'], ...flags } });
  assert.equal(status, 0, error?.message);
  return records.map((one) => `${one.alarm} ${one.state} ${(Date.parse(one.time!) - start) / minute}`);
}

describe('limits', () => {
  test('one record is put out when the limit is passed and one when it is over, with the value, the limit and since when (HAWK-19, HAWK-160)', async () => {
    const input = volts([0, 12.6], [1, 12.1], [2, 12.0], [3, 12.4], [4, 12.5]).map((one) => ({
      ...one,
      device_name: 'Boat battery',
      vehicle_id: 'vehicle_2',
    }));
    const { records } = await runCommand(alarm, { input, args: ['low: voltage<12.2'] });
    assert.deepEqual(
      records.filter(({ type }) => type === 'alarm'),
      [
        {
          type: 'alarm',
          time: at(1),
          device_id: 'boat',
          device_name: 'Boat battery',
          vehicle_id: 'vehicle_2',
          alarm: 'low',
          state: 'raised',
          value: 12.1,
          threshold: 12.2,
          since: at(1),
        },
        {
          type: 'alarm',
          time: at(3),
          device_id: 'boat',
          device_name: 'Boat battery',
          vehicle_id: 'vehicle_2',
          alarm: 'low',
          state: 'cleared',
          value: 12.4,
          threshold: 12.2,
          since: at(1),
        },
      ],
    );
    assert.equal(records.length, input.length + 2, 'readings pass');
  });

  test('with a hold the limit must be passed all the time (HAWK-19)', async () => {
    const rule = ['low: voltage<12.2 for 30m'];
    assert.deepEqual(
      await alarmsOf(volts([0, 12.1], [20, 12.0], [29, 12.3], [40, 12.1], [60, 12.1], [75, 12.1]), rule),
      ['low raised 70'],
    );
    assert.deepEqual(await alarmsOf(volts([0, 12.1], [29, 12.1]), rule), []);
    assert.deepEqual(await alarmsOf(volts([0, 12.1], [30, 12.1]), rule), ['low raised 30']);
  });

  test('a value holds until the next one, and the readings of another device tell the time, too', async () => {
    const rule = ['low: voltage<12.2 for 30m'];
    assert.deepEqual(await alarmsOf(volts([0, 12.1], [60, 12.6]), rule), ['low raised 30', 'low cleared 60']);
    assert.deepEqual(await alarmsOf([reading(0, { voltage: 12.1 }), reading(45, { voltage: 13 }, 'van')], rule), [
      'low raised 30',
    ]);
  });

  test('with hysteresis a value that swings about the limit raises one alarm', async () => {
    const swing = volts([0, 12.1], [1, 12.3], [2, 12.1], [3, 12.3], [4, 12.6]);
    assert.equal((await alarmsOf(swing, ['low: voltage<12.2'])).length, 4);
    assert.deepEqual(await alarmsOf(swing, ['low: voltage<12.2 hysteresis 0.3']), ['low raised 0', 'low cleared 4']);
    assert.deepEqual(await alarmsOf(swing, ['low: voltage<12.2 clear 12.55']), ['low raised 0', 'low cleared 4']);
  });

  test('devices and rules are watched each for itself', async () => {
    const input = [
      reading(0, { voltage: 12 }, 'a'),
      reading(1, { voltage: 13, temperature: 50 }, 'b'),
      reading(2, { voltage: 13 }, 'a'),
    ];
    assert.deepEqual(await alarmsOf(input, ['low: voltage<12.2', 'hot: temperature>45']), [
      'low raised 0',
      'hot raised 1',
      'low cleared 2',
    ]);
  });

  test('what is absent, late or without a time changes nothing', async () => {
    const input = [
      ...volts([0, 12.1]),
      reading(1, { temperature: 3 }),
      ...volts([-5, 13]),
      { ...reading(2, { voltage: 13 }), time: undefined },
      reading(3, { voltage: '13' }),
      ...volts([4, 12.0]),
    ] as VoltRecord[];
    assert.deepEqual(await alarmsOf(input, ['low: voltage<12.2 for 3m']), ['low raised 3']);
  });

  test('one reading out of the future silences a device neither now nor after a restart, and begins no hold', async () => {
    const year = 365 * 24 * 60;
    const rules = ['low: voltage<12.2 for 3m'];
    const clock = fakeClock(start);
    const dataDir = temporaryFolder('alarm');
    const states = async (input: readonly VoltRecord[]) => {
      const flags = { only: ['alarm'], state: 'future' };
      const { records } = await runCommand(alarm, { input, args: rules, flags, clock, dataDir });
      return records.map((one) => `${one.alarm} ${one.state} ${(Date.parse(one.time!) - start) / minute}`);
    };
    assert.deepEqual(await states(volts([0, 12.6], [year, 12.1], [2, 12.1], [4, 12.0])), []);
    assert.deepEqual(await states(volts([5, 12.0])), ['low raised 5']);
    assert.deepEqual(await states(volts([year, 12.0])), []);
    assert.deepEqual(await states(volts([7, 12.6])), ['low cleared 7']);
  });

  test('the clock of one device that is ahead ends no hold of another, nor of its own when it cannot be', async () => {
    const rule = ['low: voltage<12.2 for 30m'];
    const clock = fakeClock(start + 5 * minute);
    const seen = async (input: readonly VoltRecord[]) => {
      const { records } = await runCommand(alarm, { input, args: rule, flags: { only: ['alarm'] }, clock });
      return records.map((one) => `${one.device_id} ${one.state} ${(Date.parse(one.time!) - start) / minute}`);
    };
    const year = 365 * 24 * 60;
    const low = reading(0, { voltage: 12.1 });
    for (const minutes of [50, year]) {
      const van = reading(minutes, { voltage: 13 }, 'van');
      assert.deepEqual(await seen([low, van, reading(20, { voltage: 12.6 })]), [], `${minutes} minutes ahead`);
      assert.deepEqual(await seen([low, van, reading(31, { voltage: 12.1 })]), ['boat raised 30'], 'its own time');
      assert.deepEqual(
        await seen([low, { ...van, type: 'device_info', device_id: 'boat' }]),
        minutes === 50 ? ['boat raised 30'] : [],
      );
    }
    assert.deepEqual(await seen([low, reading(year, { voltage: 12.1 })]), []);
    assert.deepEqual(await seen([reading(year, { voltage: 12.1 }), reading(year + 31, { voltage: 12.1 })]), [
      `boat raised ${year + 30}`,
    ]);
    await clock.advance(40 * minute);
    assert.deepEqual(await seen([low, reading(50, { voltage: 13 }, 'van')]), ['boat raised 30'], 'that time has come');
  });

  test('imbalance of cells and a switch that is off are limits like others (ESP-28)', async () => {
    const input = [
      reading(0, { cell_delta: 0.02, charge_enabled: true }),
      reading(1, { cell_delta: 0.08, charge_enabled: false }),
    ];
    assert.deepEqual(await alarmsOf(input, ['cell_delta>0.05', 'charge_enabled==false']), [
      'cell_delta>0.05 raised 1',
      'charge_enabled==false raised 1',
    ]);
  });
});

describe('by the clock', () => {
  test('--clock wall raises when nothing comes any more; --clock record waits for the next reading', async () => {
    for (const clock of ['wall', 'record']) {
      const time = fakeClock(start);
      let end = (): void => {};
      const input = (async function* () {
        yield reading(0, { voltage: 12.1 });
        await new Promise<void>((resolve) => {
          end = resolve;
        });
      })();
      const seen: VoltRecord[] = [];
      const run = runCommand(alarm, {
        input,
        args: ['low: voltage<12.2 for 30m'],
        flags: { clock, only: ['alarm'] },
        clock: time,
        onItem: (item) => seen.push(item as VoltRecord),
      });
      await settle(20);
      await time.advance(31 * minute);
      await settle(20);
      assert.deepEqual(
        seen.map(({ state, time: when }) => `${state} ${when}`),
        clock === 'wall' ? [`raised ${at(30)}`] : [],
      );
      end();
      await run;
    }
  });
});

describe('slope', () => {
  const day = 24 * 60;
  const drain = (perDay: number, days: number, noise = 0) =>
    volts(
      ...Array.from({ length: days * 24 }, (_, hour): [number, number] => [
        hour * 60,
        12.8 + (perDay * hour) / 24 + noise * Math.sin(hour),
      ]),
    );

  test('a battery that loses voltage slowly raises an alarm, one that rests does not (HAWK-17)', async () => {
    const rule = { slope: ['drain: voltage<-0.05/d over 3d'] };
    const [first, ...rest] = await alarmsOf(drain(-0.08, 4, 0.03), [], rule);
    assert.match(first ?? '', /^drain raised/);
    assert.deepEqual(rest, []);
    assert.deepEqual(await alarmsOf(drain(-0.01, 4, 0.03), [], rule), []);
  });

  test('nothing is said before half of the window is known', async () => {
    const got = await alarmsOf(drain(-1, 2), [], { slope: ['drain: voltage<-0.05/d over 2d'] });
    assert.equal(got[0], `drain raised ${day}`);
  });
});

describe('protections', () => {
  test('each protection that a device reports is raised and cleared by its name (ESP-27)', async () => {
    const list = (minutes: number, alarms: unknown) => reading(minutes, { alarms });
    const input = [
      list(0, []),
      list(1, ['cell_overvoltage']),
      list(2, ['cell_overvoltage', 'charge_overtemperature']),
      reading(3, {}),
      list(4, ['charge_overtemperature']),
      list(5, []),
    ];
    assert.deepEqual(await alarmsOf(input, []), [
      'cell_overvoltage raised 1',
      'charge_overtemperature raised 2',
      'cell_overvoltage cleared 4',
      'charge_overtemperature cleared 5',
    ]);
    assert.deepEqual(await alarmsOf(input, [], { protections: false }), []);
  });
});

describe('restart', () => {
  test('with --state what is raised is not raised again, and a hold goes on where it was', async () => {
    const dataDir = temporaryFolder('alarm');
    const run = async (input: readonly VoltRecord[]) => {
      const { records } = await runCommand(alarm, {
        input,
        dataDir,
        args: ['low: voltage<12.2 for 30m'],
        flags: { state: 'winter', only: ['alarm'] },
      });
      return records.map(({ state, time, since }) => `${state} ${time} ${since}`);
    };
    assert.deepEqual(await run(volts([0, 12.1])), []);
    assert.deepEqual(await run(volts([31, 12.1])), [`raised ${at(30)} ${at(0)}`]);
    assert.deepEqual(await run(volts([40, 12.0])), []);
    assert.deepEqual(await run(volts([50, 12.7])), [`cleared ${at(50)} ${at(0)}`]);
  });

  test('an alarm is cleared when no rule stands for it any more, nor --no-protections takes it', async () => {
    const dataDir = temporaryFolder('alarm');
    const flags = { state: 'w', only: ['alarm'] };
    const one = reading(0, { voltage: 12, alarms: ['short_circuit'] });
    await runCommand(alarm, { input: [one], dataDir, args: ['low: voltage<12.2'], flags });
    const { records } = await runCommand(alarm, {
      input: [],
      dataDir,
      args: ['flat: voltage<11'],
      flags: { ...flags, protections: false },
    });
    assert.deepEqual(
      records.map(({ alarm: name, state, time, reason }) => [name, state, time, reason]),
      ['low', 'short_circuit'].map((name) => [name, 'cleared', at(0), 'no rule stands for it any more']),
    );
    const again = await runCommand(alarm, { input: [], dataDir, args: ['flat: voltage<11'], flags });
    assert.deepEqual(again.records, [], 'once');
  });

  test('a rule that keeps its name and takes another type of records is another rule', async () => {
    const dataDir = temporaryFolder('alarm');
    const flags = { state: 'w', only: ['alarm'] };
    await runCommand(alarm, { input: [reading(0, { voltage: 11 })], dataDir, args: ['low: voltage<12'], flags });
    const { records } = await runCommand(alarm, {
      input: [],
      dataDir,
      args: ['low: vehicle_telemetry.voltage<12'],
      flags,
    });
    assert.deepEqual(
      records.map(({ alarm: name, state }) => `${name} ${state}`),
      ['low cleared'],
    );
  });

  test('a slope and a protection outlive it, too', async () => {
    const dataDir = temporaryFolder('alarm');
    const points = Array.from({ length: 97 }, (_, hour) =>
      reading(hour * 60, { voltage: 13 - hour * 0.01, alarms: ['short_circuit'] }),
    );
    const flags = { state: 'x', only: ['alarm'], slope: ['drain: voltage<-0.05/d over 4d'] };
    const first = await runCommand(alarm, { input: points.slice(0, 40), dataDir, flags });
    assert.deepEqual(
      first.records.map(({ alarm: name }) => name),
      ['short_circuit'],
    );
    const second = await runCommand(alarm, { input: points.slice(40), dataDir, flags });
    assert.deepEqual(
      second.records.map(({ alarm: name, time }) => `${name} ${time}`),
      [`drain ${at(48 * 60)}`],
    );
  });
});

test('all rules that can not be understood are said at once, and two of one name are refused', async () => {
  const got = await runCommand(alarm, { args: ['voltage', 'low: voltage<1', 'low: current<1', 'x<1 for ever'] });
  assert.equal(got.status, 64);
  for (const part of ["'voltage': expected", "'low': two rules", "'for ever'"])
    assert.ok(got.error?.message.includes(part), part);
});

test('rules of a changed configuration are taken up, and what is raised stays raised', async () => {
  const config = join(temporaryFolder('rules'), 'config.json');
  const write = (...rules: string[]): void => writeFileSync(config, JSON.stringify({ alarm: { rules } }));
  write('low: voltage<12.2', 'gone: voltage<12.15');
  let reload = async (): Promise<void> => {};
  const input = (async function* () {
    yield* volts([0, 12.1]);
    write('low: voltage<12.2', 'hot: temperature>45');
    await reload();
    yield* [reading(1, { voltage: 12.1, temperature: 50 }), reading(2, { voltage: 12.5 })];
    write('nonsense');
    await reload();
    yield reading(3, { temperature: 20 });
  })();
  const { records, log } = await runCommand(alarm, {
    input,
    flags: { config, noConfig: undefined, only: ['alarm'] },
    onReload: (fn) => {
      reload = fn;
    },
  });
  assert.deepEqual(
    records.map(({ alarm: name, state }) => `${name} ${state}`),
    ['low raised', 'gone raised', 'gone cleared', 'hot raised', 'low cleared', 'hot cleared'],
  );
  assert.ok(
    log.some((line) => line.includes("'nonsense': expected")),
    'the old rules stay, and it is said',
  );
});
