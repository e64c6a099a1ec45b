import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { command } from '../../src/commands/bms-read.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import { dalyDevice } from '../../src/simulators/bms/daly.ts';
import { type BoardLine, startBoard, startDaly, startJbd } from '../support/bms-line.ts';
import { bytesOf, vectorsOf } from '../support/bms-vectors.ts';
import { type RunOptions, type RunResult, runCommand } from '../support/command.ts';
import { temporaryFolder } from '../support/shell.ts';

const read = ({ line }: BoardLine, flags: Record<string, unknown> = {}, options: RunOptions = {}): Promise<RunResult> =>
  runCommand(command, { ...options, flags: { port: line.url, ...flags } });

const only = ({ records, error, log }: RunResult): VoltRecord => {
  assert.equal(records.length, 1, `${error?.message} ${log.join('\n')}`);
  return records[0]!;
};
const messageOf = ({ error }: RunResult): string =>
  [error?.message, (error as { next?: string } | undefined)?.next].filter(Boolean).join('. ');

/** Boards of every dialect that can switch charging and discharging. */
const switchable = async (t: TestContext) =>
  [
    ['jbd', await startJbd(t)],
    ['daly-a5', await startDaly(t)],
    ['daly-d2', await startDaly(t, { dialect: 'd2' })],
  ] as const;

test('a JBD board is found by asking and read', async (t) => {
  const board = await startJbd(t, { cells: 4, current: -5.5 });
  const result = await read(board);
  assert.equal(result.status, 0);
  const reading = only(result);
  assert.equal(reading.type, 'battery_reading');
  assert.equal(reading.device_type, 'jbd');
  assert.equal(reading.device_id, `tcp-127_0_0_1-${board.line.port}`);
  assert.equal(reading.current, -5.5);
  assert.equal((reading.cells as number[]).length, 4);
  assert.equal(reading.power, Math.round((reading.voltage as number) * -5.5 * 100) / 100);
  assert.equal(reading.charge_enabled, true);
});

for (const dialect of ['a5', 'd2', 'p81'] as const) {
  test(`a Daly board that speaks ${dialect} is found by asking and read with the same signs`, async (t) => {
    for (const [current, type] of [
      [-12.3, 'auto'],
      [7, `daly-${dialect}`],
    ] as const) {
      const board = await startDaly(t, { dialect }, { cells: 7, current });
      const reading = only(await read(board, { type, readTimeout: '400ms' }));
      assert.equal(reading.device_type, 'daly');
      assert.equal(reading.current, current);
      assert.equal(reading.state, current > 0 ? 'charging' : 'discharging');
      assert.deepEqual(reading.temperatures, [21, 22]);
      assert.deepEqual(
        reading.cells,
        board.pack.measure().cells.map((mv) => mv / 1000),
      );
      assert.equal(reading.cell_count, 7);
      assert.equal(reading.charge_enabled, true);
      assert.equal(reading.discharge_enabled, true);
      assert.equal(reading.cycles, 42);
    }
  });
}

test('--info says versions and counters', async (t) => {
  const jbd = only(await read(await startJbd(t), { type: 'jbd', info: true }));
  assert.equal(jbd.type, 'device_info');
  assert.equal(jbd.hardware, 'JBD-SP16S-SIM');
  assert.equal((jbd.error_counts as Record<string, number>).cell_overvoltage, 3);
  const expected = {
    a5: { hardware: 'DL-BMS-SIM', firmware: 'SIM_A5_R1', nominal_ah: 280 },
    d2: { hardware: 'SIM-HW', firmware: 'SIM_D2_R1', manufactured: '2024-03-15' },
    p81: { hardware: 'SIM-P81-HW', firmware: 'SIM_P81_R1' },
  };
  for (const dialect of ['a5', 'd2', 'p81'] as const) {
    const board = await startDaly(t, { dialect });
    const info = only(await read(board, { type: `daly-${dialect}`, info: true, readTimeout: '400ms' }));
    for (const [key, value] of Object.entries(expected[dialect])) assert.equal(info[key], value, `${dialect}: ${key}`);
  }
});

test('an address is taken in every form that the registry takes, and is one and the same', () => {
  for (const ble of ['50547b000002', '50-54-7b-00-00-02', '50:54:7b:00:00:02']) {
    const opts: Record<string, unknown> = { ble };
    command.check!(opts as never, [], new Set(['ble']));
    assert.equal(opts['ble'], '50:54:7B:00:00:02');
  }
  const opaque: Record<string, unknown> = { ble: '0a1b2c3d0a1b2c3d0a1b2c3d0a1b2c3d' };
  command.check!(opaque as never, [], new Set(['ble']));
  assert.equal(opaque['ble'], '0a1b2c3d0a1b2c3d0a1b2c3d0a1b2c3d');
});

test('one way to the device is said, and it can be one', async (t) => {
  const board = await startJbd(t);
  const ble = '50:54:7B:00:00:02';
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ ble, port: board.line.url }, /^--port and --ble exclude each other$/],
    [{ ble: 'nonsense' }, /^nonsense: not the address of a Bluetooth device\. ble-scan shows addresses\.$/],
    [{ ble, pages: 2 }, /^--pages goes with --history$/],
  ];
  for (const [flags, message] of wrong) {
    const result = await runCommand(command, { flags });
    assert.equal(result.status, 64);
    assert.match(messageOf(result), message);
  }
  const env = { VOLTPIPE_BMS_BLE: ble };
  assert.equal(only(await read(board, {}, { env })).device_type, 'jbd', 'the command line goes before the environment');
});

test('--history of a board that keeps no log is a usage error', async (t) => {
  const result = await read(await startJbd(t), { type: 'jbd', history: true });
  assert.equal(result.status, 64);
  assert.match(messageOf(result), /jbd keeps no log/);
});

test('a spare slot full of left-overs is no cell, and 16 frames of cells are taken as they come', async (t) => {
  const board = await startDaly(t, { stale: true }, { cells: 7 });
  const reading = only(await read(board, { type: 'daly-a5' }));
  assert.equal((reading.cells as number[]).length, 7);
});

test('the board with the number given is asked, and its number is in the device_id', async (t) => {
  const board = await startDaly(t, { board: 3 });
  const reading = only(await read(board, { type: 'daly-a5', board: '3' }));
  assert.equal(reading.device_id, `tcp-127_0_0_1-${board.line.port}-3`);
  assert.ok(board.line.requests().every((request) => request.startsWith('a542')));
  const p81 = await startDaly(t, { dialect: 'p81', board: 2 });
  assert.equal(only(await read(p81, { type: 'daly-p81', board: '2' })).cell_count, 16);
});

test('a board of another number is found when nothing else answers', async (t) => {
  const board = await startDaly(t, { board: 4 });
  const reading = only(await read(board, { type: 'daly', readTimeout: '200ms' }));
  assert.equal(reading.cell_count, 16);
});

test('--invert-current turns the sign of current and power', async (t) => {
  for (const [type, board] of await switchable(t)) {
    const reading = only(await read(board, { type, invertCurrent: true }));
    assert.equal(reading.current, 12.3);
    assert.ok((reading.power as number) > 0);
  }
});

test('firmware whose sign contradicts its state is said, with the option that mends it', async (t) => {
  const result = await read(await startDaly(t), { type: 'daly-a5', invertCurrent: true });
  assert.match(result.log.join('\n'), /it says discharging at 12.3 A: firmware with the other sign\? --invert-current/);
});

test('--id is the device_id', async (t) => {
  assert.equal(only(await read(await startJbd(t), { id: 'house-1' })).device_id, 'house-1');
});

test('answers with a wrong checksum are asked for again and never published', async (t) => {
  const board = await startJbd(t, { faults: [{ kind: 'checksum', times: 2 }] });
  const reading = only(await read(board, { type: 'jbd', readTimeout: '290ms' }));
  assert.equal(reading.current, -12.3);
  const broken = await startJbd(t, { faults: [{ kind: 'checksum' }] });
  const result = await read(broken, { type: 'jbd', readTimeout: '200ms' });
  assert.equal(result.status, 69);
  assert.deepEqual(result.records, []);
  assert.match(messageOf(result), /no answer to basic information \(3 × 200 ms\); .*× checksum/);
});

for (const dialect of ['a5', 'd2', 'p81'] as const) {
  test(`a Daly board that speaks ${dialect}: no reading with a wrong checksum is ever published`, async (t) => {
    const broken = await startDaly(t, { dialect }, { faults: [{ kind: 'checksum' }] });
    const result = await read(broken, { type: `daly-${dialect}`, board: '1', readTimeout: '200ms' });
    assert.equal(result.status, 69);
    assert.deepEqual(result.records, []);
    assert.match(messageOf(result), /× checksum|answers came damaged/);
  });
}

test('bytes lost on the wire cost one more try', async (t) => {
  const faults = [{ kind: 'lost', times: 1 }] as const;
  for (const [type, board] of [
    ['jbd', await startJbd(t, { faults })],
    ['daly-a5', await startDaly(t, {}, { faults })],
    // Also when it is the answer to the question what this is.
    ['auto', await startDaly(t, { dialect: 'd2' }, { faults })],
  ] as const) {
    assert.equal(only(await read(board, { type, readTimeout: '300ms' })).current, -12.3);
  }
});

test('a frame of Daly cells that is lost leaves the list out rather than shift it', async (t) => {
  // The answer with the cells is the sixth behind the one of the search; its middle is lost each time it comes.
  const board = await startDaly(t, {}, { cells: 16, faults: [{ kind: 'lost', after: 6, times: 2 }] });
  const reading = only(await read(board, { type: 'daly-a5', readTimeout: '400ms' }));
  assert.ok(!('cells' in reading));
  assert.equal(reading.cell_count, 16);
  // Highest and lowest are the board's own figures.
  const { cells } = board.pack.measure();
  assert.equal(reading.cell_max, Math.max(...cells) / 1000);
  assert.equal(reading.cell_min, Math.min(...cells) / 1000);
});

test('an adapter that hears its own bytes is no fault', async (t) => {
  const faults = [{ kind: 'echo' }] as const;
  for (const [type, board] of [
    ['jbd', await startJbd(t, { faults })],
    ['daly-a5', await startDaly(t, {}, { faults })],
    ['daly-d2', await startDaly(t, { dialect: 'd2' }, { faults })],
    ['daly-p81', await startDaly(t, { dialect: 'p81' }, { faults })],
  ] as const) {
    const result = await read(board, { type });
    assert.equal(only(result).current, -12.3);
    assert.ok(!result.log.some((line) => line.includes('another master')));
  }
});

test('an echo alone is called an echo', async (t) => {
  const board = await startJbd(t, { faults: [{ kind: 'echo' }, { kind: 'silence' }] });
  const result = await read(board, { type: 'jbd', readTimeout: '250ms' });
  assert.equal(result.status, 69);
  assert.match(messageOf(result), /only an echo of our own bytes came. Check the wires A and B/);
});

test('noise and answers in single bytes are taken in stride', async (t) => {
  for (const kind of ['noise', 'split'] as const) {
    const faults = [{ kind }];
    for (const [type, board] of [
      ['jbd', await startJbd(t, { faults })],
      ['daly-a5', await startDaly(t, {}, { faults })],
      ['daly-d2', await startDaly(t, { dialect: 'd2' }, { faults })],
    ] as const) {
      assert.equal(only(await read(board, { type })).current, -12.3);
    }
  }
});

test('another master on the bus is noticed, once, and the reading is that of our own questions', async (t) => {
  const faults = [{ kind: 'master' }] as const;
  const asking = (hex: string) => ({ faults, strangerAsks: Buffer.from(hex, 'hex') });
  for (const [type, board] of [
    ['jbd', await startJbd(t, { faults })],
    ['daly-a5', await startDaly(t, {}, asking('a540610800000000000000004e'))],
    // Settings.
    ['daly-d2', await startDaly(t, { dialect: 'd2' }, asking('d20300800029965f'))],
    ['daly-p81', await startDaly(t, { dialect: 'p81' }, asking('8103010000519a0a'))],
    // Another board of the bus, whose answer nobody here waits for either.
    ['daly-p81', await startDaly(t, { dialect: 'p81' }, asking('8203000000405bc9'))],
  ] as const) {
    const result = await read(board, { type });
    assert.equal(only(result).current, -12.3, type);
    assert.equal(result.log.filter((line) => line.includes('another master asks on this bus')).length, 1, type);
  }
});

test('a line that breaks in the middle of a frame ends with 69 and says so', async (t) => {
  const board = await startJbd(t, { faults: [{ kind: 'disconnect' }] });
  const result = await read(board, { type: 'jbd' });
  assert.equal(result.status, 69);
  assert.deepEqual(result.records, []);
  assert.match(messageOf(result), /the serial server hung up, in the middle of a frame/);
});

test('a silent device ends with 69 after the retries, and the message says what to look at', async (t) => {
  const board = await startJbd(t, { faults: [{ kind: 'silence' }] });
  const result = await read(board, { type: 'jbd', retries: '2', readTimeout: '30ms' });
  assert.equal(result.status, 69);
  assert.match(messageOf(result), /no answer to basic information \(2 × 30 ms\): nothing came at all/);
  while (board.line.requests().length < 2) await new Promise((resolve) => setImmediate(resolve));
  const auto = await read(board, { readTimeout: '20ms', retries: '1' });
  assert.equal(auto.status, 69);
  assert.match(messageOf(auto), /no answer as jbd, daly-a5, daly-d2, daly-p81: nothing came at all/);
});

test('the first request after a sleep is lost, and sent again before its time is over', async (t) => {
  const board = await startJbd(t, { faults: [{ kind: 'silence', times: 1 }] });
  const reading = only(await read(board, { type: 'jbd', retries: '1', readTimeout: '5s' }));
  assert.equal(reading.current, -12.3);
  assert.equal(board.line.requests().filter((request) => request === 'dda50300fffd77').length, 2);
});

test('the wrong type for the device ends without a reading', async (t) => {
  const result = await read(await startJbd(t), { type: 'daly-a5', readTimeout: '30ms' });
  assert.equal(result.status, 69);
  assert.match(
    messageOf(result),
    /no answer as daly-a5: nothing came at all.*--type daly tries the other dialects too/,
  );
  assert.deepEqual(result.records, []);
});

test('an exact type is searched for with each way of asking, a board with its number only as that number', async (t) => {
  const silent = async (board?: string) => {
    const { line } = await startDaly(t, { board: 15 }, { faults: [{ kind: 'silence' }] });
    await read({ line } as BoardLine, { type: 'daly-a5', readTimeout: '20ms', ...(board && { board }) });
    return [...new Set(line.requests().map((request) => request.slice(0, 4)))];
  };
  assert.deepEqual(await silent('3'), ['a542']);
  assert.deepEqual(await silent('1'), ['a540', 'a580']);
  const all = await silent();
  assert.deepEqual(all.slice(0, 3), ['a540', 'a580', 'a541']);
  assert.equal(all.length, 2 + 15);
});

test('a search says what came: damaged answers, an echo alone, the text of something else', async (t) => {
  const flags = { type: 'daly', board: '2', readTimeout: '60ms' };
  const damaged = await startDaly(t, { dialect: 'p81', board: 2 }, { faults: [{ kind: 'checksum' }] });
  const broken = await read(damaged, flags);
  assert.equal(broken.status, 69);
  assert.match(messageOf(broken), /answers came damaged, as of a daly-p81\. A long wire/);
  const echo = await startBoard(t, () => ({
    receive: (bytes) => [{ request: Buffer.from(bytes), frames: [Buffer.from(bytes)] }],
  }));
  const echoed = await read(echo, flags);
  assert.equal(echoed.status, 69);
  assert.match(messageOf(echoed), /only an echo of our own bytes came\. Check the wires/);
  const console = await startBoard(t, () => ({
    receive: (bytes) => [{ request: Buffer.from(bytes), frames: [Buffer.from(bytes), Buffer.from('\nlogin: ')] }],
  }));
  const text = await read(console, flags);
  assert.equal(text.status, 76);
  assert.match(messageOf(text), /what came is no monitor known here/);
});

test('--fallback decides when nothing that answers tells', async (t) => {
  // It answers only from its second request on: the probe finds nothing.
  const board = await startDaly(t, { dialect: 'd2' }, { faults: [{ kind: 'silence', times: 1 }] });
  const result = await read(board, { type: 'daly', board: '1', fallback: 'daly-d2', readTimeout: '300ms' });
  assert.equal(only(result).device_type, 'daly');
  assert.match(result.log.join('\n'), /Taken for a daly-d2, as --fallback says/);
});

test('sentinel values are no measurements: -40 °C is a missing sensor, and the list is left out', async (t) => {
  const temperatures = [21, -40];
  for (const [type, board] of [
    ['daly-a5', await startDaly(t, {}, { temperatures })],
    ['daly-d2', await startDaly(t, { dialect: 'd2' }, { temperatures })],
    ['jbd', await startJbd(t, { temperatures })],
  ] as const) {
    const result = await read(board, { type });
    const reading = only(result);
    assert.ok(!('temperatures' in reading));
    assert.equal(reading.temperature, 21);
    assert.equal(reading.temp_min, 21);
    assert.match(result.log.join('\n'), /temperature sensor 2 is missing/);
  }
});

/** Reads four times at an interval; after the second one the line is lost. */
function readOverOutage(board: BoardLine, type: string): Promise<RunResult> {
  const stop = new AbortController();
  let seen = 0;
  const onItem = (): void => {
    seen++;
    if (seen === 2) board.line.hangUp();
    if (seen === 4) stop.abort();
  };
  return read(board, { type, interval: '100ms', readTimeout: '1s' }, { signal: stop.signal, onItem });
}

test('with --interval it goes on, and a missed round is said once and made up for by the next', async (t) => {
  const result = await readOverOutage(await startJbd(t), 'jbd');
  assert.equal(result.status, 0);
  assert.ok(result.records.length >= 4);
  const text = result.log.join('\n');
  assert.match(text, /the serial server hung up/);
  assert.match(text, /readings are back/);
});

for (const [name, start, said] of [
  ['jbd', (t: TestContext) => startJbd(t, { current: 400 }), '327.67'],
  ['daly-a5', (t: TestContext) => startDaly(t, {}, { current: -3553.5 }), '-3553.5'],
  ['daly-d2', (t: TestContext) => startDaly(t, { dialect: 'd2' }, { current: 3553.5 }), '3553.5'],
  ['daly-p81', (t: TestContext) => startDaly(t, { dialect: 'p81' }, { current: 3553.5 }), '3553.5'],
] as const) {
  test(`${name}: a current under a good checksum that no board carries is no current, and is said`, async (t) => {
    const result = await read(await start(t), { type: name, readTimeout: '1s' });
    const reading = only(result);
    assert.ok(!('current' in reading) && !('power' in reading));
    assert.ok(reading.voltage !== undefined && reading.cells !== undefined);
    assert.match(result.log.join('\n'), new RegExp(`the current reads ${said} A: left out`));
  });
}

test('with --interval what is odd is said once, over an outage too', async (t) => {
  const result = await readOverOutage(await startDaly(t, {}, { temperatures: [21, -40] }), 'daly-a5');
  assert.match(result.log.join('\n'), /readings are back/);
  assert.equal(result.log.filter((line) => line.includes('temperature sensor 2 is missing')).length, 1);
});

test('after an outage a board of another number is asked as it was found, not searched for again', async (t) => {
  const board = await startDaly(t, { board: 4 });
  const stop = new AbortController();
  let seen = 0;
  let before = 0;
  const result = await read(
    board,
    { type: 'daly', interval: '100ms', readTimeout: '200ms', retries: '1' },
    {
      signal: stop.signal,
      onItem() {
        seen++;
        if (seen === 1) {
          before = board.line.requests().length;
          board.line.hangUp();
        }
        if (seen === 2) stop.abort();
      },
    },
  );
  assert.equal(result.records.length, 2, result.log.join('\n'));
  const again = board.line.requests().slice(before);
  assert.ok(again.length > 0 && again.every((request) => request.startsWith('a543')), again.join(' '));
});

test('with --interval a page that firmware does not know costs time in three rounds only, which is said once', async (t) => {
  let asked = 0;
  const board = await startBoard(t, (pack) => {
    const daly = dalyDevice(pack, { dialect: 'a5', board: 1, stale: false });
    return {
      receive: (bytes) =>
        daly.receive(bytes).map((answer) => {
          if (answer.request[2] !== 0x98) return answer;
          asked++;
          return { ...answer, frames: [] };
        }),
    };
  });
  const stop = new AbortController();
  let seen = 0;
  const result = await read(
    board,
    { type: 'daly-a5', interval: '100ms', readTimeout: '150ms' },
    {
      signal: stop.signal,
      onItem() {
        seen++;
        if (seen === 6) stop.abort();
      },
    },
  );
  assert.equal(asked, 3 * 2);
  assert.equal(result.log.filter((line) => line.includes('faults: no answer, time after time')).length, 1);
});

test('a first round that fails ends a run with --interval', async (t) => {
  const board = await startJbd(t, { faults: [{ kind: 'silence' }] });
  const result = await read(board, { type: 'jbd', interval: '100ms', readTimeout: '20ms', retries: '1' });
  assert.equal(result.status, 69);
});

test('a number of cells that changes is said', async (t) => {
  const board = await startJbd(t, { cells: 8 });
  const { measure } = board.pack;
  const stop = new AbortController();
  let seen = 0;
  const result = await read(
    board,
    { type: 'jbd', interval: '100ms' },
    {
      signal: stop.signal,
      onItem() {
        seen++;
        board.pack.measure = () => ({ ...measure(), cells: measure().cells.slice(1) });
        if (seen === 2) stop.abort();
      },
    },
  );
  assert.match(result.log.join('\n'), /it had 8 cells, now it has 7: is this another battery\?/);
});

test('a second command on the same port is refused with the name of the first', async (t) => {
  const board = await startJbd(t);
  const runtimeDir = temporaryFolder('locks');
  const stop = new AbortController();
  let second: RunResult | undefined;
  await read(
    board,
    { type: 'jbd', interval: '100ms' },
    {
      signal: stop.signal,
      runtimeDir,
      onItem() {
        void read(board, { type: 'jbd' }, { runtimeDir }).then((result) => {
          second ??= result;
          stop.abort();
        });
      },
    },
  );
  assert.equal(second?.status, 75, `${second?.log.join('\n')}`);
  assert.match(
    messageOf(second!),
    new RegExp(`tcp://127.0.0.1:${board.line.port}: process ${process.pid} \\(.+\\) reads it`),
  );
});

test('a port that nobody listens on, one that is not there and one that is none say so', async (t) => {
  const { line } = await startJbd(t);
  await line.close();
  const gone = await runCommand(command, { flags: { port: line.url } });
  assert.equal(gone.status, 69);
  assert.match(messageOf(gone), /no connection: nothing listens there/);
  const missing = await runCommand(command, { flags: { port: '/dev/ttyNotThere' } });
  assert.equal(missing.status, 69);
  assert.match(messageOf(missing), /\/dev\/ttyNotThere: no such port/);
  const none = await runCommand(command, { flags: { port: '/dev/null' } });
  assert.equal(none.status, 69);
  assert.match(messageOf(none), /\/dev\/null: no serial port/);
  for (const port of ['tcp://nowhere', 'http://x:1', 'tcp://x:99999']) {
    assert.equal((await runCommand(command, { flags: { port } })).status, 64, port);
  }
  assert.equal((await runCommand(command)).status, 64);
});

test('--charge and --discharge write with --allow-write only, one switch at a time, and read back', async (t) => {
  for (const [type, board] of await switchable(t)) {
    const refused = await read(board, { type, charge: 'off' });
    assert.equal(refused.status, 64);
    assert.match(messageOf(refused), /--allow-write/);
    assert.equal(board.pack.charge, true);
    const off = only(await read(board, { type, charge: 'off', allowWrite: true }));
    assert.equal(off.charge_enabled, false, type);
    assert.equal(off.discharge_enabled, true, type);
    assert.equal(board.pack.discharge, true);
    const on = only(await read(board, { type, charge: 'on', allowWrite: true }));
    assert.equal(on.charge_enabled, true, type);
  }
  const none = await read(await startDaly(t, { dialect: 'p81' }), {
    type: 'daly-p81',
    charge: 'off',
    allowWrite: true,
  });
  assert.equal(none.status, 64);
});

test('--discharge switches that one alone, and both are switched together', async (t) => {
  for (const [type, board] of await switchable(t)) {
    const switched = async (flags: Record<string, string>): Promise<unknown[]> => {
      const { charge_enabled, discharge_enabled } = only(await read(board, { type, ...flags, allowWrite: true }));
      assert.deepEqual([charge_enabled, discharge_enabled], [board.pack.charge, board.pack.discharge], type);
      return [charge_enabled, discharge_enabled];
    };
    assert.deepEqual(await switched({ discharge: 'off' }), [true, false], type);
    assert.deepEqual(await switched({ charge: 'off', discharge: 'on' }), [false, true], type);
    assert.deepEqual(await switched({ charge: 'on', discharge: 'off' }), [true, false], type);
    assert.deepEqual(await switched({ discharge: 'on' }), [true, true], type);
  }
});

test('a device that takes the command and does nothing ends with 76', async (t) => {
  const board = await startJbd(t);
  Object.defineProperty(board.pack, 'charge', { get: () => true, set: () => {} });
  const result = await read(board, { type: 'jbd', charge: 'off', allowWrite: true });
  assert.equal(result.status, 76);
  assert.match(messageOf(result), /it took the command, but the charge switch stays as it was/);
});

test('--raw prints what is sent and what comes, also of a device that nobody knows', async (t) => {
  const board = await startJbd(t);
  const result = await read(board, { type: 'jbd', raw: true, count: '4' });
  assert.deepEqual(
    result.records.map(({ direction }) => direction),
    ['sent', 'received', 'sent', 'received'],
  );
  assert.equal(result.records[0]?.bytes, 'dda50300fffd77');
  const unknown = await startBoard(t, () => ({
    receive: (bytes) => [{ request: Buffer.from(bytes), frames: [Buffer.from('login: ')] }],
  }));
  const text = await read(unknown, { raw: true, count: '6', readTimeout: '30ms' });
  assert.ok(text.records.some(({ bytes }) => bytes === Buffer.from('login: ').toString('hex')));
});

test('a JBD of the UP series is refused by its name, with --type jbd as without, and nothing is made up of what it says', async (t) => {
  const [status] = vectorsOf('jbd-up');
  const [{ request, response }] = status!.exchanges as [{ request: string; response: string[] }];
  const { line } = await startBoard(t, () => ({
    receive(bytes) {
      const asked = Buffer.from(bytes).toString('hex');
      return [{ request: Buffer.from(bytes), frames: asked === request ? response.map(bytesOf) : [] }];
    },
  }));
  for (const flags of [{ type: 'jbd' }, { type: 'jbd', info: true }, { type: 'auto', board: '1' }]) {
    const result = await read({ line } as BoardLine, { ...flags, readTimeout: '150ms' });
    assert.equal(result.status, 76, messageOf(result));
    assert.deepEqual(result.records, []);
    assert.match(messageOf(result), /it is a JBD of the UP series: a variant that is not supported/);
  }
});

test('a port that is the terminal of something else is called what it is', async (t) => {
  const board = await startBoard(t, () => ({
    receive: (bytes) => [{ request: Buffer.from(bytes), frames: [Buffer.from('raspberrypi login: ')] }],
  }));
  const typed = await read(board, { type: 'jbd', readTimeout: '250ms' });
  assert.equal(typed.status, 76);
  assert.match(messageOf(typed), /bytes came that are no jbd: text "raspberrypi login: .*--raw shows what comes/);
  const auto = await read(board, { board: '1', readTimeout: '150ms' });
  assert.equal(auto.status, 76);
  assert.match(messageOf(auto), /what came is no monitor known here: text "raspberrypi login/);
});

test('what is said of one device on the command line is refused with --registry; a configuration may say it', async () => {
  const flags = {
    port: '/dev/ttyUSB0',
    ble: '50:54:7B:00:00:02',
    type: 'jbd',
    fallback: 'jbd',
    pages: '1',
    allowWrite: true,
    board: '2',
  };
  for (const [name, value] of Object.entries(flags)) {
    const result = await runCommand(command, { flags: { registry: true, [name]: value } });
    assert.equal(result.status, 64, name);
    assert.match(messageOf(result), /is for one device/, name);
  }
  const env = { VOLTPIPE_BMS_PORT: '/dev/ttyUSB0', VOLTPIPE_BMS_TYPE: 'jbd', VOLTPIPE_BMS_BOARD: '2' };
  const result = await runCommand(command, { env, flags: { registry: true, once: true } });
  assert.equal(result.status, 78);
  assert.match(messageOf(result), /no device of the registry is set up/);
});
