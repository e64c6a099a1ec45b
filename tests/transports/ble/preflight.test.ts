import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CommandError } from '../../../src/runtime/exit.ts';
import { findController, NoAdapter } from '../../../src/transports/ble/preflight.ts';
import { requireOrdinaryUser } from '../../support/services.ts';
import { temporaryFolder } from '../../support/shell.ts';

interface Machine {
  adapters?: Record<string, { address?: string; soft?: string; hard?: string }>;
  /** Effective capabilities, hexadecimal. */
  capabilities?: string;
  uid?: number;
}

/** A /sys and /proc of our own. */
function machine({ adapters = {}, capabilities = '0', uid = 1000 }: Machine): string {
  const root = temporaryFolder('machine');
  mkdirSync(join(root, 'sys/class/bluetooth'), { recursive: true });
  mkdirSync(join(root, 'proc/self'), { recursive: true });
  writeFileSync(
    join(root, 'proc/self/status'),
    `Name:\tnode\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nCapEff:\t${capabilities.padStart(16, '0')}\n`,
  );
  for (const [name, { address, soft, hard }] of Object.entries(adapters)) {
    const folder = join(root, 'sys/class/bluetooth', name);
    mkdirSync(join(folder, 'rfkill3'), { recursive: true });
    if (address) writeFileSync(join(folder, 'address'), `${address}\n`);
    writeFileSync(join(folder, 'rfkill3/soft'), `${soft ?? 0}\n`);
    writeFileSync(join(folder, 'rfkill3/hard'), `${hard ?? 0}\n`);
  }
  return root;
}

const raw = '2000';

function failsWith(status: number, message: RegExp, run: () => unknown): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof CommandError, String(error));
    assert.match(error.message, message);
    assert.equal(error.status, status, error.message);
    assert.ok(!error.message.includes('\n') && error.next, 'one line, and what to do');
    return true;
  });
}

test('no adapter, no rights and an adapter that is switched off have messages and statuses of their own', () => {
  const adapters = { hci0: {} };
  failsWith(69, /^no Bluetooth adapter$/, () => findController({ root: machine({ capabilities: raw }) }));
  failsWith(69, /no Bluetooth adapter/, () => findController({ root: temporaryFolder('empty') }));
  assert.throws(() => findController({ root: temporaryFolder('empty') }), NoAdapter);
  const missing = (): unknown => findController({ adapter: 'hci7', root: temporaryFolder('empty') });
  assert.throws(missing, (error) => !(error instanceof NoAdapter), 'one that is named and missing is another matter');
  failsWith(77, /hci0: not permitted: CAP_NET_RAW is missing/, () => findController({ root: machine({ adapters }) }));
  failsWith(77, /not permitted/, () => findController({ root: machine({ adapters, capabilities: '1000' }) }));
  const soft = machine({ adapters: { hci0: { soft: '1' } }, capabilities: raw });
  failsWith(75, /hci0: switched off \(rfkill\)/, () => findController({ root: soft }));
  const hard = machine({ adapters: { hci0: { hard: '1' } }, capabilities: raw });
  failsWith(75, /hci0: switched off by a key/, () => findController({ root: hard }));
});

test('the capability or root is enough; the exclusive channel wants another capability', () => {
  const adapters = { hci0: {} };
  assert.equal(findController({ root: machine({ adapters, capabilities: raw }) }).name, 'hci0');
  assert.equal(findController({ root: machine({ adapters, uid: 0 }) }).name, 'hci0');
  const exclusive = machine({ adapters, capabilities: raw });
  failsWith(77, /CAP_NET_ADMIN is missing/, () => findController({ root: exclusive, userChannel: true }));
});

test('an adapter is named by number, by name or by its address, and is the first one otherwise', () => {
  const adapters = { hci10: {}, hci1: { address: '00:1A:7D:DA:71:13' }, hci2: {} };
  const root = machine({ adapters, capabilities: raw });
  const used = (adapter?: string) => findController({ root, adapter });
  assert.deepEqual(used(), { name: 'hci1', lock: 'ble-hci1', env: { NOBLE_HCI_DEVICE_ID: '1' } });
  assert.equal(used('hci10').name, 'hci10');
  assert.equal(used('2').env.NOBLE_HCI_DEVICE_ID, '2');
  assert.equal(used('00:1a:7d:da:71:13').name, 'hci1');
  failsWith(69, /hci7: not found, there is hci1, hci2, hci10/, () => used('hci7'));
  failsWith(69, /00:1A:7D:DA:71:99: not found/, () => used('00:1A:7D:DA:71:99'));
});

test('a controller behind a serial port must be there and be one', () => {
  failsWith(69, /\/dev\/ttyNobody: is not there/, () => findController({ adapter: '/dev/ttyNobody' }));
  const file = join(temporaryFolder('port'), 'file');
  writeFileSync(file, '');
  assert.throws(() => findController({ adapter: file }), /is no serial port/);
  const controller = findController({ adapter: '/dev/null' });
  assert.deepEqual(controller.env, { BLUETOOTH_HCI_SOCKET_UART_PORT: '/dev/null' });
});

test('a serial port that its owner keeps to himself is said to be so, as an ordinary user sees it', (t) => {
  if (!requireOrdinaryUser(t)) return;
  failsWith(77, /permission denied/, () => findController({ adapter: '/dev/console' }));
  const folder = temporaryFolder('closed');
  chmodSync(folder, 0o000);
  t.after(() => chmodSync(folder, 0o700));
  failsWith(69, /is not there/, () => findController({ adapter: join(folder, 'tty') }));
});
