import assert from 'node:assert/strict';
import type { VoltRecord } from '../../src/records/record.ts';
import type { AnyDefinition } from '../../src/runtime/command.ts';
import { type FakeClock, fakeClock, settle } from './clock.ts';
import { type RunOptions, type RunResult, runCommand } from './command.ts';
import { openInput } from './open-input.ts';

/** A command at work on a clock that the test turns; its peers may be real sockets. */
export interface Turned {
  clock: FakeClock;
  put(...records: VoltRecord[]): void;
  end(): void;
  stop: AbortController;
  /** What has come out so far. */
  records: VoltRecord[];
  result: Promise<RunResult>;
  /** Lets time pass in small steps until the condition holds; no more than `most` milliseconds of it. */
  until(condition: () => boolean, most?: number, step?: number): Promise<void>;
  /** Lets time pass until the command has ended. */
  finished(): Promise<RunResult>;
}

/** Time for sockets between two steps of the clock, so that an exchange never takes long on it. */
const breathe = async (): Promise<void> => {
  await settle(3);
  await new Promise((resolve) => setTimeout(resolve, 1));
};

/** Starts a command that reads what `put` gives it. */
export function turned(command: AnyDefinition, options: Partial<RunOptions> = {}, clock = fakeClock()): Turned {
  const input = openInput();
  const records: VoltRecord[] = [];
  const stop = new AbortController();
  let over = false;
  const result = runCommand(command, {
    clock,
    input,
    signal: stop.signal,
    onItem: (item) => records.push(item as VoltRecord),
    ...options,
  }).finally(() => {
    over = true;
  });
  const until = async (condition: () => boolean, most = 300_000, step = 100): Promise<void> => {
    for (let passed = 0; !condition(); passed += step) {
      assert.ok(passed <= most, `not within ${most} ms: ${condition}`);
      await clock.advance(step);
      await breathe();
    }
  };
  return {
    clock,
    records,
    stop,
    result,
    until,
    put: input.push,
    end: input.end,
    async finished() {
      await until(() => over, 600_000, 200);
      return result;
    },
  };
}
