import { codecs } from '../protocols/bms/index.ts';
import type { Example, ManualSection } from '../runtime/command.ts';
import { bluetoothSection } from './bluetooth-options.ts';

/** The longer part of bms-read(1). */
export const bmsReadSections: readonly ManualSection[] = [
  {
    title: 'TYPES',
    text: codecs.map(({ name, summary }) => `- ${name}: ${summary}`).join('\n'),
  },
  {
    title: 'PORTS',
    text: `--port is a serial device, /dev/ttyUSB0 or better its name in /dev/serial/by-id, or tcp://host:port of a serial server (ser2net, an RS485-to-network adapter, an ESP32 bridge in raw mode). One command at a time has a port; a second one is refused with exit status 75 and the name of the first.

A device that the registry knows by this device_id gets its names there: device_name, vehicle_id, vehicle_name. The device_id is --id, or serial-<by-id name>, or tcp-<host>-<port>, with the number of the board behind it when --board is given.`,
  },
  {
    title: 'ONE BUS, SEVERAL BOARDS',
    text: `Daly boards on one RS485 bus have numbers: --board 2. Only one master may ask on a bus; when another one does, bms-read says so. An adapter that hears its own bytes is no fault.`,
  },
  {
    title: 'WHAT A DEVICE DOES NOT ANSWER',
    text: `Not every firmware knows every request, and silence costs its whole time-out. With an interval, what the device has not answered in three readings is asked for once an hour only. What it has answered before is missed for 30 readings and ten minutes before it is asked for once in five minutes only: the alarms of a Daly board may hang on it. Both are said, and so is an answer that comes again.`,
  },
  {
    title: 'A FLEET',
    text: `--registry reads every device that the registry knows and that is set up, each at its own interval, and runs on; --once is one round, which ends with 69 when a device was not read. Devices are added with registry add, or found by a search over Bluetooth, at the start and every twelve hours, and set up with registry set. Changes to the registry and to the configuration are taken up as they are made, another adapter as soon as the present one is free; a file that is broken is said, and everything goes on as before.

Bluetooth devices are read one at a time, first come first served, unless --max-connections says more; packs on several ports are read at the same time, those on one port one after the other. A poll that takes long shifts none after it.

A device that can't be read is tried again as its registry entry says, three times a minute apart unless changed (--backoff 2 doubles the waits); then it is left alone for five minutes, or until a search sees it. A device_status record tells each change: configured, connected, disconnected, error. The registry has it too: configured when nobody reads the device, and after --once what came of the round. While none is reached, /readyz says so. A vehicle_summary follows each round of a vehicle's devices, a system_status comes once a minute.

--watch shows the devices live on the terminal. Where stdout is that terminal, the view takes the place of the records.`,
  },
  {
    title: 'METRICS',
    text: 'voltpipe_bms_polls_total, with --registry: the polls of each device_id by result: read, failed (each try), missed (the one before it took too long, with its tries). A device that is left alone for a while misses none. voltpipe_bms_rejected_total: frames and bytes that were not used, by reason, such as checksum, cut, length, noise, request (another master asks) and echo.',
  },
  {
    title: 'OVER THE AIR',
    text: `--ble ADDRESS reads a device over Bluetooth: BM2, BM6, BM7, JBD and Daly modules. What it is, its address or its beacon tells, or else its services and its answers (a name only says what is asked first); --type saves the second or so that this takes. One host at a time can be connected to such a device: bms-read disconnects after a reading, and with --interval between readings that are more than 15 s apart.

--history asks a BM6, BM7 or BM2 for what it has stored, one value every two minutes, oldest first, as readings with their time. A log that ends before its end mark is given as far as it came, with a warning and exit status 76. A BM6's stored temperatures have no sign: they are temperature_abs.`,
  },
  {
    title: 'ENGINE STARTS',
    text: `A BM6 or BM7 tells by itself when an engine is started: how the voltage went, 100 times a second for some 3.5 s. bms-read puts that out as an engine_start record, whatever it was asked for: beside readings, or behind a --history. Nobody knows how to ask for a start that is over, so whoever wants them all stays connected, with an --interval of up to 15 s; the phone app gets no turn then, and --registry, which hangs up after each reading, sees a start by chance alone. A BM2 tells of none; its --history has the lowest voltage beside each value, as cranking_voltage.

bms-read does not hang up in the middle of such a log, and asks nothing meanwhile. One that is broken off is said and given up.`,
  },
  bluetoothSection,
  {
    title: 'SWITCHES',
    text: `--charge off and --discharge off switch a board's transistors, with --allow-write only. What --discharge off cuts off may be the computer that runs this. The switches are read back: exit status 76 says that the device took the command and did nothing.`,
  },
  {
    title: 'A DRIVER OF YOUR OWN',
    text: `--driver ./mine.mjs loads a codec from a file, an ES module that exports codec. It is data and pure functions: what to ask, how frames lie in the stream of bytes, what they mean. The command does the rest. What the device tells by itself, beside its readings, is codec.pushed: it becomes a record of the type that the codec says. examples/drivers has a whole one; its shape is that of src/protocols/bms/codec.ts.

  codec = {
    name: 'mine', family: 'mine', summary: 'my monitor',
    timing: { response: 500, gap: 20, torn: 200 },
    serial: { baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
    parser: () => ({ push: (bytes) => ({ frames, rejections }), reset: () => ({ frames, rejections }) }),
    reading: { requests: () => [{ what, bytes, accepts: (frame) => … }], decode: (frames) => ({ fields }) },
  };`,
  },
];

/** Its examples. */
export const bmsReadExamples: readonly Example[] = [
  {
    text: 'Find out what is on a port, and read it',
    command: 'bms-read --port /dev/ttyUSB0',
    notRun: 'needs a port',
  },
  {
    text: 'Read a monitor over Bluetooth',
    command: 'bms-read --ble 50:54:7B:00:00:02 | jq -c "[.device_type, .state]"',
    needs: ['bluetooth'],
  },
  {
    text: 'See what a BM6 has stored over the last hour',
    command: 'bms-read --ble 50:54:7B:00:00:02 --type bm6 --history --pages 1 | tail -n 30 | jq -c "[.time, .voltage]"',
    needs: ['bluetooth'],
  },
  {
    text: 'Be told when a start pulls the voltage of the battery below 9.6 V',
    command:
      "bms-read --ble 50:54:7B:00:00:02 --type bm6 -i 10s | alarm 'engine_start.cranking_voltage<9.6' --only alarm",
    notRun: 'needs a car; the end-to-end tests do it with simulated starts',
  },
  { text: 'Read a JBD board', command: 'bms-read --type jbd --once', needs: ['jbd'] },
  { text: 'See its cells', command: 'bms-read --type jbd --once | jq -c .cells', needs: ['jbd'] },
  {
    text: 'Read it every 10 seconds',
    command: 'bms-read --type jbd --interval 10s',
    needs: ['jbd'],
    interruptAfter: 2,
  },
  { text: 'See versions and error counters', command: 'bms-read --type jbd --info', needs: ['jbd'] },
  {
    text: 'See every byte that passes, for three reads and writes',
    command: 'bms-read --raw -n 3',
    needs: ['jbd'],
  },
  {
    text: 'Read all that the registry knows, each at its own interval, and show it live',
    command: 'bms-read --registry --watch',
    notRun: 'needs devices; the end-to-end tests do it with simulated ones',
  },
  {
    text: 'Read the second Daly board of a bus behind a serial server',
    command: 'bms-read --port tcp://192.168.1.20:4001 --type daly --board 2',
    notRun: 'needs a serial server',
  },
];
