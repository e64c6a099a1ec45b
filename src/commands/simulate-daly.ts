import { defineCommand } from '../runtime/command.ts';
import type { Options } from '../runtime/options.ts';
import { dalyModule } from '../simulators/ble/module.ts';
import { type DalyDialect, dalyDevice } from '../simulators/bms/daly.ts';
import { checkLine, faultSection, lineOptions, packOf, serveLine } from '../simulators/bms/serve.ts';
import { airFaultSection, airSection, boardAirOptions, checkAir, readFaults, serveAir } from './simulate-bluetooth.ts';

const options = {
  dialect: { type: 'choice', choices: ['a5', 'd2', 'p81'], default: 'a5', summary: 'language that it speaks' },
  board: { type: 'integer', min: 1, max: 15, default: 1, summary: 'number of the board on its bus' },
  hostAddress: {
    type: 'choice',
    choices: ['40', '80', 'both'],
    default: 'both',
    summary: 'a5: whom it answers: 40 a computer, 80 a Bluetooth module',
  },
  fill: {
    type: 'choice',
    choices: ['aa', '00', 'any'],
    default: 'any',
    summary: 'a5: what the unused bytes of a question must hold for an answer',
  },
  staleSlots: { type: 'flag', summary: 'a5: send all 16 frames of cells, with left-overs in the spare slots' },
  ...lineOptions,
  ...boardAirOptions,
} as const satisfies Options;

const ownAddress = '17:71:06:02:0D:D1';

/** A byte; undefined for the word that leaves it open. */
const hexOf = (text: string): number | undefined =>
  /^[0-9a-f]{2}$/.test(text) ? Number.parseInt(text, 16) : undefined;

/** What another master asks, in each language. */
const strangers: Readonly<Record<DalyDialect, Uint8Array>> = {
  a5: Uint8Array.of(0xa5, 0x40, 0x61, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x4e),
  d2: Uint8Array.of(0xd2, 3, 0, 0x80, 0, 0x29, 0x96, 0x5f),
  p81: Uint8Array.of(0x81, 3, 1, 0, 0, 0x51, 0x9a, 0x0a),
};

/** The far side of `bms-read --type daly`. */
export const command = defineCommand({
  name: 'simulate daly',
  kind: 'tool',
  input: 'none',
  writes: ['endpoint', 'simulator_event'],
  format: 'record',
  longRunning: true,
  summary: 'a Daly battery management system on a serial line, for bms-read',
  description: `Answers as a Daly board does on its UART, in one of its three languages: a5 (13-byte frames), d2 or p81 (Modbus). The line is a TCP port, as a serial server offers it, and with --pty a pseudo-terminal too. Its charge follows its current.

With --bluetooth it is a Bluetooth module instead, as boards have one: see THE VIRTUAL CONTROLLER.

The first line on stdout is an endpoint record with the address; a simulator_event follows when a switch is set. Runs until it is told to stop.`,
  options,
  sections: [faultSection, airSection, airFaultSection],
  examples: [
    { text: 'A board on a free port', command: 'simulate daly', interruptAfter: 2 },
    {
      text: 'The Modbus dialect, seven cells, charging',
      command: 'simulate daly --dialect d2 --cells 7 --current 20',
      interruptAfter: 2,
    },
    {
      text: 'Spare slots full of left-overs, and an adapter that hears itself',
      command: 'simulate daly --stale-slots --fault echo',
      interruptAfter: 2,
    },
    {
      text: 'A board that answers Bluetooth modules alone, and only questions filled with zeros',
      command: 'simulate daly --host-address 80 --fill 00',
      interruptAfter: 2,
    },
    { text: 'A Bluetooth module on the air', command: 'simulate daly --dialect d2 --bluetooth', interruptAfter: 2 },
  ],
  seeAlso: ['bms-read(1)', 'simulate-jbd(1)'],
  check(opts) {
    checkLine(opts);
    checkAir(opts);
  },
  async *run(ctx) {
    const { dialect, board, staleSlots: stale, bluetooth, address = ownAddress, latency, fault } = ctx.opts;
    const [host, fill] = [hexOf(ctx.opts.hostAddress), hexOf(ctx.opts.fill)];
    const make = (pack: Parameters<typeof dalyDevice>[0]) =>
      dalyDevice(pack, { dialect: dialect as DalyDialect, board, stale, host, fill });
    if (!bluetooth) return yield* serveLine(ctx, 'daly', make, strangers[dialect as DalyDialect]);
    const onAir = { device: make(packOf(ctx)), clock: ctx.clock, latency, faults: readFaults(fault) };
    yield* serveAir(ctx, 'daly', dalyModule(onAir, address.toUpperCase()));
  },
});
