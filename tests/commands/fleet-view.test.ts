import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRows, fleetView, withView } from '../../src/commands/fleet-view.ts';
import type { VoltRecord } from '../../src/records/record.ts';
import type { Screen } from '../../src/runtime/context.ts';
import { fakeClock } from '../support/clock.ts';

const time = '2026-03-01T12:00:00.000Z';
const status = (id: string, name: string, now: string): VoltRecord => ({
  type: 'device_status',
  time,
  device_id: id,
  device_name: name,
  vehicle_name: 'Van',
  status: now,
});
const reading = (id: string, fields: object): VoltRecord => ({
  type: 'battery_reading',
  time,
  device_id: id,
  device_name: 'Starter',
  vehicle_name: 'Van',
  ...fields,
});

async function* records(): AsyncGenerator<VoltRecord, number, void> {
  yield status('a', 'Starter', 'connected');
  yield reading('a', { voltage: 12.346, state_of_charge: 81 });
  yield { type: 'system_status', time };
  return 69;
}

function screenOf(shared: boolean): { screen: Screen; drawn: string[] } {
  const drawn: string[] = [];
  return {
    drawn,
    screen: {
      interactive: true,
      shared,
      columns: 80,
      color: false,
      print: () => {},
      draw: (text) => void drawn.push(text),
    },
  };
}

test('the live view shows a row for each device, with what it measures (ESP-48, ESP-77)', () => {
  const rows = createRows();
  for (const one of [
    status('a', 'Starter', 'connected'),
    reading('a', { voltage: 12.346, temperature: 21 }),
    status('b', 'Pack', 'error'),
  ])
    rows.take(one);
  assert.deepEqual(fleetView(rows.rows, Date.parse(time) + 5000, 80).split('\n'), [
    'device   vehicle  status     voltage     temp  age',
    'Starter  Van      connected  12.35 V  21.0 °C  5 s',
    'Pack     Van      error',
  ]);
});

test('a name can not move the cursor, and a line is no longer than the terminal', () => {
  const rows = createRows();
  rows.take(status('a', '\u001b[2J\u001b]0;x\u0007Evil\r\nname', 'connected'));
  const text = fleetView(rows.rows, 0, 24);
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  assert.equal(text.split('\n').length, 2);
  for (const line of text.split('\n')) assert.ok(line.length < 24, line);
});

test('records go on beside the view; where stdout is the same terminal the view stands for them', async () => {
  for (const shared of [false, true]) {
    const { screen, drawn } = screenOf(shared);
    const clock = fakeClock(time);
    const passed: unknown[] = [];
    const view = withView({ screen, clock }, records());
    for (;;) {
      const step = await view.next();
      if (step.done) {
        assert.equal(step.value, 69);
        break;
      }
      passed.push(step.value.type);
    }
    assert.deepEqual(passed, shared ? [] : ['device_status', 'battery_reading', 'system_status']);
    assert.match(drawn.at(-1) ?? '', /12\.35 V/);
    assert.equal(clock.waiting, 0);
  }
});

test('ages go on while nothing comes', async () => {
  const { screen, drawn } = screenOf(true);
  const clock = fakeClock(time);
  let end = (): void => {};
  const view = withView(
    { screen, clock },
    (async function* () {
      yield reading('a', { voltage: 12 });
      await new Promise<void>((resolve) => {
        end = resolve;
      });
    })(),
  );
  const done = view.next();
  await clock.advance(3000);
  assert.match(drawn.at(-1) ?? '', /3 s$/);
  end();
  await done;
});
