import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import { takeLock } from '../../src/runtime/lock.ts';
import type { Log } from '../../src/runtime/log.ts';
import { createLog, createRedactor } from '../../src/runtime/logger.ts';
import { type Air, type AirOptions, startAir } from '../../src/simulators/ble/air.ts';
import type { ControllerEvent } from '../../src/simulators/ble/controller.ts';
import type { Peripheral } from '../../src/simulators/ble/peripheral.ts';
import { type Adapter, type BleContext, type BleOptions, openAdapter } from '../../src/transports/ble/adapter.ts';
import { requireService } from './services.ts';
import { temporaryFolder } from './shell.ts';

/** Both forks of noble: everything that concerns the adapter is shown with each. */
export const drivers = ['abandonware', 'stoprocent'] as const;

/** A virtual controller behind a pseudo-terminal, and what it saw. */
export interface TestAir extends Air {
  readonly port: string;
  readonly events: readonly ControllerEvent[];
  /** Closed before the air is, when the test is over. */
  readonly adapters: Adapter[];
  /** Resolves when the controller's state or its events satisfy `wanted`. */
  until(wanted: (air: TestAir) => boolean): Promise<void>;
}

/** Puts devices into the air for one test; undefined where socat is missing. */
export async function testAir(
  t: TestContext,
  peripherals: readonly Peripheral[],
  more: Partial<AirOptions> = {},
): Promise<TestAir | undefined> {
  if (!requireService(t, 'socat')) return undefined;
  const events: ControllerEvent[] = [];
  const waiting = new Set<() => void>();
  const air = await startAir({
    peripherals,
    clock: systemClock,
    interval: 20,
    port: true,
    ...more,
    onEvent(event) {
      events.push(event);
      for (const wake of waiting) wake();
    },
  });
  const adapters: Adapter[] = [];
  t.after(async () => {
    await Promise.all(adapters.map((adapter) => adapter.close()));
    await air.close();
  });
  const test: TestAir = {
    ...air,
    port: air.port!,
    events,
    adapters,
    async until(wanted) {
      while (!wanted(test)) {
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
  };
  return test;
}

/** What leads a command to this air, and has it patient with a slow machine. */
export const airVariables = ({ port }: TestAir) => ({
  VOLTPIPE_BLUETOOTH_ADAPTER: port,
  VOLTPIPE_BLUETOOTH_POWER_ON_TIMEOUT: '60s',
});

/** The state of a controller that was left as it should be. */
export const idle = { scanning: false, connecting: false, connections: [] };

/** A context for the transport, with a real child; `stop` aborts its signal. */
export interface TestBle extends BleContext {
  readonly said: readonly string[];
  readonly children: readonly ChildProcess[];
  stop(): void;
}

/** What the transport needs of a command. */
export function testBle(folder = temporaryFolder('ble')): TestBle {
  const said: string[] = [];
  const children: ChildProcess[] = [];
  const stop = new AbortController();
  const log: Log = createLog(
    'ble',
    { level: 'debug', format: 'text', journal: false },
    { clock: systemClock, redactor: createRedactor(), write: (line) => void said.push(line.trimEnd()) },
  );
  return {
    said,
    children,
    log,
    clock: systemClock,
    signal: stop.signal,
    self: [process.execPath],
    lock: (name) => takeLock(join(folder, name)),
    spawn([program, ...args], options = {}) {
      const child = spawn(program!, args, { ...options, env: { ...process.env, ...options.env } });
      children.push(child);
      return child;
    },
    stop: () => stop.abort(new DOMException('stopped', 'AbortError')),
  };
}

/** An adapter on the virtual controller, closed after the test. */
export async function testAdapter(
  air: TestAir,
  more: Partial<BleOptions> = {},
  ctx: TestBle = testBle(),
): Promise<Adapter & { ctx: TestBle }> {
  const adapter = await openAdapter(ctx, { adapter: air.port, lockWait: 0, powerOn: 20_000, ...more });
  air.adapters.push(adapter);
  return Object.assign(Object.create(adapter) as Adapter, { ctx });
}

/** Patient with a slow machine. */
export const limits = { find: 20_000, connect: 20_000, step: 20_000 } as const;
/** For what is meant to time out. */
export const impatient = { find: 20_000, connect: 700, step: 700 } as const;
