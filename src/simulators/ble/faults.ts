import type { PeripheralFaults } from './peripheral.ts';

/** A fault by its name on the command line; `=N` where a number belongs to it. */
interface FaultKind {
  key: keyof PeripheralFaults;
  /** The number that it has without `=N`; absent: it is on or off. */
  number?: number;
  summary: string;
}

/** What can go wrong with a simulated Bluetooth device. */
export const peripheralFaults: Readonly<Record<string, FaultKind>> = {
  unreachable: { key: 'unreachable', summary: 'it never connects' },
  busy: { key: 'busy', summary: 'it advertises and takes no connection, as while a phone holds it' },
  mute: { key: 'mute', summary: 'it connects and answers nothing' },
  silent: { key: 'silent', summary: 'it sends no notifications' },
  'no-cccd': { key: 'noConfiguration', summary: 'it cannot be subscribed to' },
  'no-scan-response': { key: 'noScanResponse', summary: 'it answers no scan' },
  'hang-up': { key: 'disconnectAfter', number: 1, summary: 'it hangs up after so many notifications' },
  'hang-up-early': { key: 'disconnectOnDiscovery', summary: 'it hangs up while its services are looked at' },
  'write-error': { key: 'writeError', number: 0x0e, summary: 'it answers writes with this ATT error' },
  lost: { key: 'loseWrites', number: 1, summary: 'so many writes get no reaction first, as of a module that wakes up' },
  mtu: { key: 'mtu', number: 517, summary: 'its MTU' },
};

/** Reads one `--fault`. Throws what is wrong with it. */
export function parsePeripheralFault(text: string): PeripheralFaults {
  const [name = '', value] = text.split('=');
  const kind = Object.hasOwn(peripheralFaults, name) ? peripheralFaults[name] : undefined;
  if (!kind) throw new Error(`no such fault; there are ${Object.keys(peripheralFaults).join(', ')}`);
  if (kind.number === undefined) {
    if (value !== undefined) throw new Error(`${name} takes no value`);
    return { [kind.key]: true };
  }
  const number = value === undefined ? kind.number : Number(value);
  if (!Number.isInteger(number) || number < 0) throw new Error(`${name}: '${value}' is no whole number`);
  return { [kind.key]: number };
}
