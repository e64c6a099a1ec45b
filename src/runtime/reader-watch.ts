import { constants, openSync, readlinkSync } from 'node:fs';

/** What is used of the poller that comes with the serial port: libuv's `uv_poll_t`. */
interface Poller {
  poll(events: number): void;
  stop(): void;
}

/** UV_DISCONNECT: nothing that a pipe ever shows, so that all that comes is the error that the kernel always tells. */
const nothingElse = 4;

/**
 * Calls `gone`, once, when the last reader of stdout has closed it, though nothing is being written. For the pipe of a shell on Linux;
 * a named pipe may get another reader, and of all else it can't be told. Resolves to what ends the watch.
 */
export async function watchReader(gone: () => void): Promise<() => void> {
  try {
    const link = '/proc/self/fd/1';
    if (!readlinkSync(link).startsWith('pipe:')) return () => {};
    const { binding } = await import('@serialport/bindings-cpp/dist/serialport-bindings.js');
    // A descriptor of its own: libuv makes what it polls non-blocking, for all who share it.
    const fd = openSync(link, constants.O_WRONLY | constants.O_NONBLOCK);
    // It calls from outside of Node's loop, where no promise would go on.
    const poller: Poller = new binding.Poller(fd, () => setImmediate(gone));
    poller.poll(nothingElse);
    return () => poller.stop();
  } catch {
    // No such module for this machine, or no /proc: the next write will tell.
    return () => {};
  }
}
