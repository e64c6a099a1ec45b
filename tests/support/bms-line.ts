import type { TestContext } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import { type DalyOptions, dalyDevice } from '../../src/simulators/bms/daly.ts';
import type { SerialDevice } from '../../src/simulators/bms/device.ts';
import type { LineFault } from '../../src/simulators/bms/faults.ts';
import { jbdDevice } from '../../src/simulators/bms/jbd.ts';
import { type SimulatedLine, startLine } from '../../src/simulators/bms/line.ts';
import { createPack, type Pack, type PackOptions } from '../../src/simulators/bms/pack.ts';

/** A simulated board on a line of the test's own. */
export interface BoardLine {
  line: SimulatedLine;
  pack: Pack;
}

/** How it is set up. */
export interface BoardOptions extends PackOptions {
  faults?: readonly LineFault[];
  strangerAsks?: Uint8Array;
  latency?: number;
}

/** Starts a line with the device that `make` gives it; it ends with the test. */
export async function startBoard(
  t: TestContext,
  make: (pack: Pack) => SerialDevice,
  options: BoardOptions = {},
): Promise<BoardLine> {
  const pack = createPack(options, systemClock);
  const line = await startLine(make(pack), {
    clock: systemClock,
    latency: options.latency ?? 1,
    faults: options.faults ?? [],
    strangerAsks: options.strangerAsks ?? Uint8Array.of(0xdd, 0xa5, 0xaa, 0, 0xff, 0x56, 0x77),
  });
  t.after(() => line.close());
  return { line, pack };
}

/** A JBD board. */
export const startJbd = (t: TestContext, options?: BoardOptions): Promise<BoardLine> =>
  startBoard(t, jbdDevice, options);

/** A Daly board. */
export const startDaly = (
  t: TestContext,
  daly: Partial<DalyOptions> = {},
  options?: BoardOptions,
): Promise<BoardLine> =>
  startBoard(t, (pack) => dalyDevice(pack, { dialect: 'a5', board: 1, stale: false, ...daly }), options);
