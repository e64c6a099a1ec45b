import { defineCommand } from '../runtime/command.ts';
import type { Options } from '../runtime/options.ts';
import { jbdModule } from '../simulators/ble/module.ts';
import { jbdDevice } from '../simulators/bms/jbd.ts';
import { checkLine, faultSection, lineOptions, packOf, serveLine } from '../simulators/bms/serve.ts';
import { airFaultSection, airSection, boardAirOptions, checkAir, readFaults, serveAir } from './simulate-bluetooth.ts';

/** Reads the cells, as another master would. */
const strangerAsks = Uint8Array.of(0xdd, 0xa5, 0xaa, 0, 0xff, 0x56, 0x77);

const options = {
  ...lineOptions,
  ...boardAirOptions,
  password: { type: 'secret', summary: 'with --bluetooth: password that the module wants before anything is answered' },
} as const satisfies Options;
const ownAddress = 'A4:C1:37:00:5E:08';

/** The far side of `bms-read --type jbd`. */
export const command = defineCommand({
  name: 'simulate jbd',
  kind: 'tool',
  input: 'none',
  writes: ['endpoint', 'simulator_event'],
  format: 'record',
  longRunning: true,
  summary: 'a JBD battery management system on a serial line, for bms-read',
  description: `Answers as a JBD board does on its UART: basic information, cell voltages, name, error counters, and the charge and discharge switches. The line is a TCP port, as a serial server offers it, and with --pty a pseudo-terminal too. Its charge follows its current.

With --bluetooth it is a Bluetooth module instead, as boards have one: see THE VIRTUAL CONTROLLER.

The first line on stdout is an endpoint record with the address; a simulator_event follows when a switch is set. Runs until it is told to stop.`,
  options,
  sections: [faultSection, airSection, airFaultSection],
  examples: [
    { text: 'A board on a free port', command: 'simulate jbd', interruptAfter: 2 },
    {
      text: 'Have bms-read find it, and spoil its first two answers',
      command: 'simulate jbd --fault checksum,times=2 --write-config sim.yaml',
      interruptAfter: 2,
    },
    {
      text: 'On the air, losing the first request as modules do that sleep',
      command: 'simulate jbd --bluetooth --fault lost=1',
      interruptAfter: 2,
    },
    {
      text: 'As a serial port of this machine',
      command: 'simulate jbd --pty /tmp/ttyJBD',
      notRun: 'needs socat; the end-to-end tests do it',
    },
  ],
  seeAlso: ['bms-read(1)', 'simulate-daly(1)'],
  check(opts) {
    checkLine(opts);
    checkAir(opts);
  },
  async *run(ctx) {
    const { bluetooth, address = ownAddress, latency, fault } = ctx.opts;
    if (!bluetooth) return yield* serveLine(ctx, 'jbd', jbdDevice, strangerAsks);
    const password = await ctx.secret('password');
    const board = { device: jbdDevice(packOf(ctx)), clock: ctx.clock, latency, faults: readFaults(fault), password };
    yield* serveAir(ctx, 'jbd', jbdModule(board, address.toUpperCase()));
  },
});
