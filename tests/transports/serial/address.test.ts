import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAddress, portNames, serialDeviceId } from '../../../src/transports/serial/address.ts';
import { ownersOf, processName } from '../../../src/transports/serial/owner.ts';
import { temporaryFolder } from '../../support/shell.ts';

/** A folder with a device and its stable name, as udev makes them. */
function plugged(): { device: string; byId: string; name: string } {
  const folder = temporaryFolder('dev');
  const byId = join(folder, 'by-id');
  mkdirSync(byId);
  const device = join(folder, 'ttyUSB0');
  writeFileSync(device, '');
  const name = join(byId, 'usb-FTDI_FT232R_USB_UART_A10K-if00-port0');
  symlinkSync('../ttyUSB0', name);
  return { device, byId, name };
}

test('a port gets the name that survives a replug, in messages and in its device_id', () => {
  const { device, byId, name } = plugged();
  for (const path of [device, name]) {
    const address = parseAddress(path, byId);
    assert.deepEqual(address, { kind: 'port', path, name });
    assert.equal(serialDeviceId(address), 'serial-usb-FTDI_FT232R_USB_UART_A10K-if00-port0');
    assert.equal(serialDeviceId(address, 2), 'serial-usb-FTDI_FT232R_USB_UART_A10K-if00-port0-2');
  }
  assert.deepEqual(portNames(byId), [{ name, device }]);
});

test('a port without a stable name is called by its path', () => {
  assert.equal(serialDeviceId(parseAddress('/dev/ttyAMA0', '/nowhere')), 'serial-ttyAMA0');
  assert.deepEqual(portNames('/nowhere'), []);
});

test('a serial server is called by host and port, of characters that are safe in topics and files', () => {
  const address = parseAddress('tcp://192.168.1.20:4001');
  assert.equal(serialDeviceId(address), 'tcp-192_168_1_20-4001');
  assert.equal(serialDeviceId(parseAddress('tcp://[fe80::1]:23'), 3), 'tcp-fe80__1-23-3');
});

test('the owner of a device is found and called by its command', () => {
  const { device } = plugged();
  const proc = temporaryFolder('proc');
  const process = (pid: number, comm: string, cmdline: string, opens: string): void => {
    mkdirSync(join(proc, String(pid), 'fd'), { recursive: true });
    writeFileSync(join(proc, String(pid), 'comm'), `${comm}\n`);
    writeFileSync(join(proc, String(pid), 'cmdline'), cmdline);
    symlinkSync(opens, join(proc, String(pid), 'fd/5'));
  };
  process(812, 'agetty', '/sbin/agetty\0ttyUSB0', device);
  process(900, 'node', 'node\0/usr/bin/bms-read.js\0--port', device);
  process(901, 'cat', 'cat', '/dev/null');
  assert.deepEqual(ownersOf(device, 0, proc), [
    { pid: 812, name: 'agetty' },
    { pid: 900, name: 'bms-read' },
  ]);
  assert.deepEqual(ownersOf(device, 900, proc), [{ pid: 812, name: 'agetty' }]);
  assert.equal(processName(900, proc), 'bms-read');
  assert.equal(processName(1234, proc), undefined);
});
