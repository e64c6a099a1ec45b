import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { VoltRecord } from '../../src/records/record.ts';
import type { AnyDefinition } from '../../src/runtime/command.ts';
import { type RunOptions, type RunResult, runCommand } from './command.ts';
import { openInput } from './open-input.ts';

/** A sink at work in this process, fed by the test. */
export interface FedSink {
  put(...records: VoltRecord[]): void;
  /** No more comes. */
  end(): void;
  /** What came out so far. */
  readonly receipts: VoltRecord[];
  readonly result: Promise<RunResult>;
  /** Aborts it as a signal does. */
  stop(): void;
}

/** Starts a sink whose input the test gives record by record. */
export function fedSink(command: AnyDefinition, options: RunOptions = {}): FedSink {
  const input = openInput();
  const stop = new AbortController();
  const receipts: VoltRecord[] = [];
  const result = runCommand(command, {
    input,
    signal: stop.signal,
    onItem: (item) => receipts.push(item as VoltRecord),
    ...options,
  });
  return {
    receipts,
    result,
    put: input.push,
    end: input.end,
    stop: () => stop.abort(),
  };
}

/** Waits for something that happens outside of this process, generously. */
export async function until(condition: () => boolean | Promise<boolean>, what = String(condition)): Promise<void> {
  const giveUp = Date.now() + 30_000;
  while (!(await condition())) {
    assert.ok(Date.now() < giveUp, `never: ${what}`);
    await pause(5);
  }
}

/** Readings that can be told apart: `n` counts from `first`. */
export function readings(count: number, first = 0, more: object = {}): VoltRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'battery_reading',
    time: new Date(Date.parse('2026-03-01T12:00:00.000Z') + (first + i) * 1000).toISOString(),
    device_id: 'serial-pack1',
    voltage: 13.2,
    cycles: first + i,
    ...more,
  }));
}

/** The same as lines of NDJSON. */
export const linesOf = (records: readonly VoltRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** The numbers of readings in text, in the order in which they stand there. */
export const numbersIn = (text: string): number[] => [...text.matchAll(/"cycles":(\d+)/g)].map(([, n]) => Number(n));

/** 0, 1, 2 … */
export const countTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
