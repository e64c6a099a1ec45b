import type { SerialDevice } from '../bms/device.ts';

/** A JBD board behind a module that wants a password. */
export interface LockedBoard extends SerialDevice {
  /** The connection is over: the next one has to give the password again. */
  lock(): void;
}

const appKey = 0x15;
const random = 0x17;
const password = 0x18;

const sumOf = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum + byte, 0) & 0xff;

/** `FF AA command length data… sum`. */
function frame(command: number, data: number): Buffer {
  const body = [command, 1, data];
  return Buffer.from([0xff, 0xaa, ...body, sumOf(body)]);
}

/** Puts the lock of a newer Bluetooth module before a board: until it has its password, what is asked of the board stays unanswered. */
export function lockedBoard(board: SerialDevice, address: string, secret: string): LockedBoard {
  const mac = address.split(':').map((part) => Number.parseInt(part, 16));
  let drawn = 0x37;
  let isOpen = false;

  function answer(command: number, data: readonly number[]): Buffer[] {
    if (command === appKey) return [frame(appKey, Buffer.from(data).toString('latin1') === '000000' ? 0 : 1)];
    if (command === random) {
      drawn = (drawn * 5 + 1) & 0xff;
      return [frame(random, drawn)];
    }
    if (command !== password) return [];
    isOpen =
      data.length === secret.length &&
      data.every((byte, i) => byte === (((mac[i] ?? 0) ^ secret.charCodeAt(i)) + drawn) % 256);
    return [frame(password, isOpen ? 0 : 1)];
  }

  return {
    lock() {
      isOpen = false;
    },
    receive(bytes) {
      if (bytes[0] !== 0xff || bytes[1] !== 0xaa) return isOpen ? board.receive(bytes) : [];
      const body = [...bytes.subarray(2, -1)];
      const [command = 0, length, ...data] = body;
      if (length !== data.length || sumOf(body) !== bytes.at(-1)) return [];
      return [{ request: bytes, frames: answer(command, data) }];
    },
  };
}
