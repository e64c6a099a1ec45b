import { systemOptions } from '../registry/system-options.ts';
import type { Options, Values } from '../runtime/options.ts';
import type { BleOptions } from '../transports/ble/adapter.ts';

/** Options of every command that uses Bluetooth. */
export const bluetoothOptions = {
  adapter: {
    type: 'string',
    value: 'ADAPTER',
    key: 'bluetooth.adapter',
    env: ['BLUETOOTH_HCI_SOCKET_UART_PORT', 'NOBLE_HCI_DEVICE_ID'],
    summary: 'adapter for Bluetooth: hci1, its address, or the serial port of a controller (default: the first)',
  },
  adapterWait: {
    type: 'duration',
    default: 30_000,
    key: 'bluetooth.adapterWait',
    summary: 'how long to wait while another command uses the adapter',
  },
  connectionTimeout: systemOptions.bluetooth.connectionTimeout,
  bluetoothDriver: {
    type: 'choice',
    choices: ['abandonware', 'stoprocent'],
    default: 'abandonware',
    configOnly: true,
    key: 'bluetooth.driver',
    summary: 'which fork of noble drives the adapter',
  },
  bluetoothPowerOn: {
    type: 'duration',
    default: 10_000,
    configOnly: true,
    key: 'bluetooth.powerOnTimeout',
    summary: 'how long the adapter may take to be powered on',
  },
  bluetoothExclusive: {
    type: 'flag',
    configOnly: true,
    key: 'bluetooth.exclusive',
    env: ['HCI_CHANNEL_USER'],
    summary: 'use the adapter exclusively (HCI user channel); it has to be down, and CAP_NET_ADMIN is needed',
  },
  bluetoothRoot: {
    type: 'file',
    default: '/',
    configOnly: true,
    key: 'bluetooth.systemRoot',
    summary: 'where /sys and /proc are',
  },
} as const satisfies Options;

/** The manual's section about them. */
export const bluetoothSection = {
  title: 'BLUETOOTH',
  text: `The adapter is used directly (raw HCI), with no daemon between. That takes the right CAP_NET_RAW: a systemd service gets it with AmbientCapabilities=CAP_NET_RAW, a run by hand with sudo. One command at a time has an adapter; another one waits for --adapter-wait.

A controller behind a serial port (nRF or Zephyr with HCI over UART) is named by its port, and needs no right but that to the port.

- no adapter, or one that answers nothing: exit status 69
- switched off (rfkill), down, or in use by another command: 75
- no rights: 77

In a container Bluetooth needs --network=host and --cap-add=NET_RAW. Where bluetoothd runs, it and these commands share the adapter; an adapter of its own (--adapter hci1) is the robust way.`,
};

/** The options as the transport wants them. */
export function adapterOptions(opts: Values<typeof bluetoothOptions>): BleOptions {
  return {
    adapter: opts.adapter,
    driver: opts.bluetoothDriver,
    lockWait: opts.adapterWait,
    powerOn: opts.bluetoothPowerOn,
    exclusive: opts.bluetoothExclusive,
    root: opts.bluetoothRoot,
  };
}
