import { typeNames } from '../protocols/bms/index.ts';
import { systemOptions } from '../registry/system-options.ts';
import { flagOf } from '../runtime/common-options.ts';
import { fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';
import { bluetoothOptions } from './bluetooth-options.ts';
import { fleetOptions } from './bms-read-fleet.ts';

const types = ['auto', ...typeNames];
const onOff = ['on', 'off'] as const;

/** The options of `bms-read`. */
export const options = {
  port: {
    type: 'string',
    value: 'PORT',
    key: 'bms.port',
    summary: 'serial device, or tcp://host:port of a serial server',
  },
  ble: {
    type: 'string',
    value: 'ADDRESS',
    key: 'bms.ble',
    summary: 'address of a Bluetooth device, as ble-scan shows it',
  },
  type: {
    type: 'choice',
    choices: types,
    default: 'auto',
    key: 'bms.type',
    summary: 'what it is; auto asks; see TYPES',
  },
  fallback: {
    type: 'choice',
    choices: types.slice(1),
    summary: 'what it is when no answer tells (daly: daly-a5 on a wire, daly-d2 on the air)',
  },
  interval: {
    type: 'duration',
    short: 'i',
    min: 100,
    key: 'bms.interval',
    summary: 'read again and again, so far apart; without it: once',
  },
  info: { type: 'flag', summary: 'versions, hardware and counters instead of a reading' },
  history: { type: 'flag', summary: "the device's own log instead of a reading" },
  board: {
    type: 'integer',
    min: 1,
    max: 15,
    key: 'bms.board',
    summary: 'number of the board on a bus (Daly)',
  },
  invertCurrent: {
    type: 'flag',
    key: 'bms.invertCurrent',
    summary: 'turn the sign of the current, for firmware that has it the other way round',
  },
  id: { type: 'string', value: 'ID', summary: 'device_id of the records; see PORTS' },
  pages: {
    type: 'integer',
    min: 1,
    max: 255,
    summary: 'with --history: how many pages of 256 values to ask a BM6 or BM7 for (default: 6, all that it has)',
  },
  password: { type: 'secret', key: 'bms.password', summary: 'password of the Bluetooth module (JBD)' },
  retries: {
    type: 'integer',
    min: 1,
    max: 20,
    default: 3,
    key: 'bms.retries',
    summary: 'how often a request is sent before it counts as unanswered',
  },
  readTimeout: {
    type: 'duration',
    min: 20,
    key: 'bms.readTimeout',
    summary: 'how long one answer may take (default: as the type needs it, 500 ms or more)',
  },
  raw: { type: 'flag', summary: 'print every byte that passes, for a device that nobody knows' },
  charge: { type: 'choice', choices: onOff, summary: 'set the charge switch, and read it back' },
  discharge: { type: 'choice', choices: onOff, summary: 'set the discharge switch, and read it back' },
  allowWrite: { type: 'flag', summary: 'allow --charge and --discharge' },
  ...fleetOptions,
  ...bluetoothOptions,
  scanDuration: systemOptions.discovery.scanDuration,
  driver: { type: 'file', summary: 'a codec of your own, an ES module; see A DRIVER OF YOUR OWN' },
} as const satisfies Options;

/** What is said of one device belongs to one device. */
const ofOneDevice = [
  'port',
  'ble',
  'type',
  'fallback',
  'pages',
  'allowWrite',
  'info',
  'history',
  'raw',
  'interval',
  'board',
  'id',
  'charge',
  'discharge',
  'driver',
  'invertCurrent',
] as const satisfies (keyof typeof options)[];

/** Refuses options that make no sense with `--registry`. What a configuration file says of one device may stay there. */
export function checkFleet(opts: Readonly<Record<string, unknown>>, given: ReadonlySet<string>): void {
  const name = ofOneDevice.find((one) => given.has(one) && opts[one] !== false);
  if (name === undefined) return;
  throw fail(
    'usage',
    `${flagOf(name, options[name])} is for one device`,
    'The registry says it of each: registry set.',
  );
}
