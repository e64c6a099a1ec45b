import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTracker } from '../../src/runtime/tracker.ts';

type Step = 'read' | 'wrote' | 'idle' | 'delivered' | 'mark' | 'saved';

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<Step>('read') },
    { weight: 4, arbitrary: fc.constant<Step>('wrote') },
    { weight: 2, arbitrary: fc.constantFrom<Step>('idle', 'delivered', 'mark', 'saved') },
  ),
  { maxLength: 80 },
);

/** Plays a stage's life against the tracker and the plain definition of "safe"; returns what was reported. */
function play(life: readonly Step[], keepsState: boolean, portion: () => number): { reported: number; taken: number } {
  let taken = 0;
  let done = 0;
  let delivered = 0;
  let covered = keepsState ? 0 : Number.POSITIVE_INFINITY;
  let reported = 0;
  const outputs: number[] = [];
  const marks: number[] = [];
  const tracker = createTracker((count) => {
    assert.ok(count > reported, 'counts only grow');
    assert.ok(count <= done, `input ${count} is still being worked on`);
    assert.ok(
      outputs.every((origin, index) => index < delivered || origin > count),
      `an output of input ${count} or before is not delivered`,
    );
    assert.ok(count <= covered, `input ${count} is in no saved state`);
    reported = count;
  });
  if (keepsState) tracker.hold();
  const act: Record<Step, () => void> = {
    read() {
      done = taken;
      taken++;
      tracker.read();
    },
    wrote() {
      outputs.push(taken);
      tracker.wrote();
    },
    idle() {
      done = taken;
      tracker.idle();
    },
    delivered() {
      delivered = Math.min(outputs.length, delivered + portion());
      tracker.delivered(delivered);
    },
    mark() {
      marks.push(done);
    },
    saved() {
      const mark = marks.shift();
      if (mark === undefined || !keepsState) return;
      covered = Math.max(covered, mark);
      tracker.saved(mark);
    },
  };
  for (const step of life) act[step]();
  act.idle();
  delivered = outputs.length;
  tracker.delivered(delivered);
  marks.splice(0);
  act.mark();
  act.saved();
  return { reported, taken };
}

test('no input is ever reported safe before all that was made of it is, and in the end every one is', () => {
  fc.assert(
    fc.property(
      steps,
      fc.boolean(),
      fc.infiniteStream(fc.integer({ min: 0, max: 5 })),
      (life, keepsState, portions) => {
        const { reported, taken } = play(life, keepsState, () => portions.next().value as number);
        assert.equal(reported, taken);
      },
    ),
    { numRuns: 3000 },
  );
});

test('an input that makes no output is safe as soon as the stage asks for more', () => {
  const reports: number[] = [];
  const tracker = createTracker((count) => reports.push(count));
  tracker.read();
  assert.deepEqual(reports, []);
  tracker.idle();
  assert.deepEqual(reports, [1]);
});

test('a swallowed input behind an output that is on its way waits for that one', () => {
  const reports: number[] = [];
  const tracker = createTracker((count) => reports.push(count));
  tracker.read();
  tracker.wrote();
  tracker.read();
  tracker.idle();
  assert.deepEqual(reports, []);
  tracker.delivered(1);
  assert.deepEqual(reports, [2]);
});

test('a stage that begins to keep state late holds only what comes after', () => {
  const reports: number[] = [];
  const tracker = createTracker((count) => reports.push(count));
  tracker.read();
  tracker.idle();
  tracker.hold();
  tracker.read();
  tracker.idle();
  assert.deepEqual(reports, [1]);
  tracker.saved(2);
  assert.deepEqual(reports, [1, 2]);
});

test('a million outputs on their way are forgotten once they are delivered', () => {
  let last = 0;
  const tracker = createTracker((count) => {
    last = count;
  });
  for (let i = 1; i <= 1_000_000; i++) {
    tracker.read();
    tracker.wrote();
    if (i % 100 === 0) {
      tracker.idle();
      tracker.delivered(i);
    }
  }
  assert.equal(last, 1_000_000);
});
