import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';

/**
 * A shell's pipe, opened once more: this descriptor can be read or written without ever waiting, while the flags of the one that was
 * handed down, which other processes may share, stay as they are. Node's own streams, which take 3 ms to load, are needed only when
 * there is something to wait for. Undefined for all else: a file, a socket, a terminal, a system without /proc, another user's pipe.
 */
function reopen(fd: number, access: number): number | undefined {
  try {
    return fstatSync(fd).isFIFO() ? openSync(`/proc/self/fd/${fd}`, access | constants.O_NONBLOCK) : undefined;
  } catch {
    return undefined;
  }
}

/** As much as a pipe holds. */
const chunk = 64 * 1024;

/** The beginning of stdin. */
export interface EarlyInput {
  /**
   * What is there by now, empty at the end of the input. Undefined when there is nothing yet, and after the second time: the rest is
   * read by the event loop, which must not starve.
   */
  read(): Buffer | undefined;
  close(): void;
}

/** Opens the beginning of stdin, if it is a pipe that can be tried. */
export function earlyInput(): EarlyInput | undefined {
  const fd = reopen(0, constants.O_RDONLY);
  if (fd === undefined) return undefined;
  let left = 2;
  return {
    read() {
      if (left-- === 0) return undefined;
      try {
        const buffer = Buffer.allocUnsafeSlow(chunk);
        return buffer.subarray(0, readSync(fd, buffer));
      } catch {
        // Nothing there yet; or a fault, which the event loop will meet as well.
        return undefined;
      }
    },
    close: () => closeSync(fd),
  };
}

/** Opens stdout for writes that never wait, if it is such a pipe. Each returns how many bytes were taken; throws as `writeSync`. */
export function earlyOutput(): { write(bytes: Buffer): number; close(): void } | undefined {
  const fd = reopen(1, constants.O_WRONLY);
  if (fd === undefined) return undefined;
  return {
    write(bytes) {
      try {
        return writeSync(fd, bytes);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
        throw error;
      }
    },
    close: () => closeSync(fd),
  };
}
