import { defineCommand } from '../runtime/command.ts';
import { jbdDevice } from '../simulators/bms/jbd.ts';
import { checkLine, faultSection, lineOptions, serveLine } from '../simulators/bms/serve.ts';

/** Reads the cells, as another master would. */
const strangerAsks = Uint8Array.of(0xdd, 0xa5, 0xaa, 0, 0xff, 0x56, 0x77);

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

The first line on stdout is an endpoint record with the address; a simulator_event follows when a switch is set. Runs until it is told to stop.`,
  options: lineOptions,
  sections: [faultSection],
  examples: [
    { text: 'A board on a free port', command: 'simulate jbd', interruptAfter: 2 },
    {
      text: 'Have bms-read find it, and spoil its first two answers',
      command: 'simulate jbd --fault checksum,times=2 --write-config sim.yaml',
      interruptAfter: 2,
    },
    {
      text: 'As a serial port of this machine',
      command: 'simulate jbd --pty /tmp/ttyJBD',
      notRun: 'needs socat; the end-to-end tests do it',
    },
  ],
  seeAlso: ['bms-read(1)', 'simulate-daly(1)'],
  check: checkLine,
  async *run(ctx) {
    yield* serveLine(ctx, 'jbd', jbdDevice, strangerAsks);
  },
});
