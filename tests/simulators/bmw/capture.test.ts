import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { capturedVins, type PlaybackOptions, playCapture, readCapture } from '../../../src/simulators/bmw/capture.ts';
import { fakeClock } from '../../support/clock.ts';
import { temporaryFolder } from '../../support/shell.ts';

const [vin, other] = ['WBYVP000000000001', 'WBYVP000000000002'];
const isMoving = (value: string) => ({ 'vehicle.isMoving': { timestamp: '2026-02-02T06:30:00Z', value } });

function captureFile(lines: readonly (object | string)[]): string {
  const file = join(temporaryFolder('capture'), 'capture.ndjson');
  writeFileSync(file, lines.map((line) => (typeof line === 'string' ? line : `${JSON.stringify(line)}\n`)).join(''));
  return file;
}

const shapes = captureFile([
  {
    type: 'bmw_telematics',
    time: '2026-02-02T06:30:00.000Z',
    vin,
    via: 'stream',
    received_at: '2026-02-02T06:30:01.000Z',
    data: isMoving('1'),
  },
  { vin: other, entityId: 'x', topic: other, timestamp: '2026-02-02T06:30:03.000Z', data: isMoving('2') },
  { at: '2026-02-02T06:30:13+00:00', data: isMoving('3'), vin },
  { received_at: '2026-02-02T07:30:13.000Z', topic: `gcid/${vin}`, payload: { data: isMoving('4') } },
  { type: 'gap', time: '2026-02-02T06:30:00.000Z', count: 3 },
  '{"vin":"torn',
]);

test('a capture of bmw-stream, of BMW and of other subscribers is read, other lines are left out', async () => {
  const messages = [];
  for await (const message of readCapture(shapes)) messages.push(message);
  assert.deepEqual(
    messages.map(({ vin, data }) => [vin, (data['vehicle.isMoving'] as { value: string }).value]),
    [
      [vin, '1'],
      [other, '2'],
      [vin, '3'],
      [vin, '4'],
    ],
  );
  assert.deepEqual(await capturedVins(shapes), { vins: [vin, other], messages: 4 });
});

/** Plays the capture on a clock that is turned by `step` whenever the player waits: when it published which value. */
async function play(options: PlaybackOptions, step: number): Promise<[number, string][]> {
  const clock = fakeClock();
  const start = clock.now();
  const played: [number, string][] = [];
  let over = false;
  const signal = new AbortController().signal;
  const done = playCapture(readCapture(shapes), options, clock, signal, async ({ data }) => {
    played.push([clock.now() - start, (data['vehicle.isMoving'] as { value: string }).value]);
  }).finally(() => {
    over = true;
  });
  while (!over) {
    // The file is read in its own time, which no clock turns.
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (clock.waiting > 0) await clock.advance(step);
  }
  assert.equal(await done, played.length);
  return played;
}

test('a capture is played at the pace at which it was recorded, with long waits cut to a minute', async () => {
  assert.deepEqual(await play({}, 1000), [
    [0, '1'],
    [2000, '2'],
    [12_000, '3'],
    [72_000, '4'],
  ]);
});

for (const [name, options, step, expected] of [
  ['faster', { speedUp: 10 }, 200, [0, 200, 1200, 61_200]],
  ['at a rate', { rate: 100 }, 10, [0, 10, 20, 30]],
] as const) {
  test(`a capture is played ${name}`, async () => {
    assert.deepEqual(
      (await play(options, step)).map(([at]) => at),
      expected,
    );
  });
}

test('a playback ends when it is told to', async () => {
  const clock = fakeClock();
  const stop = new AbortController();
  const done = playCapture(readCapture(shapes), {}, clock, stop.signal, async () => stop.abort());
  await assert.rejects(done, { name: 'AbortError' });
});
