import type { Clock } from '../../runtime/clock.ts';
import { type Link, LinkError, type LinkFailure } from '../link.ts';

type Done = (error?: Error | null) => void;

/** What a link needs of an open port of the `serialport` package. */
export interface OpenPort {
  readonly isOpen: boolean;
  on(event: 'data', fn: (bytes: Buffer) => void): unknown;
  on(event: 'error', fn: (error: Error) => void): unknown;
  on(event: 'close', fn: (why: Error | null) => void): unknown;
  write(bytes: Buffer, done: Done): unknown;
  drain(done: Done): void;
  /** Throws away what waits in the port. */
  flush(done: Done): void;
  close(done: Done): void;
}

/** Who closes a port has its writes end so. */
const ourDoing: LinkFailure = { kind: 'closed', reason: 'the port was closed' };

/** A port that can't be closed in this time is left to the system. */
const closeWithin = 2000;

/** Makes the link of a port that was just opened. */
export function portLink(port: OpenPort, name: string, clock: Clock): Link {
  let listener: (bytes: Buffer) => void = () => {};
  let failure: LinkFailure | undefined;
  let over: (why: LinkFailure | undefined) => void;
  const closed = new Promise<LinkFailure | undefined>((resolve) => {
    over = resolve;
  });
  /** Writes that wait: an adapter that goes away in mid-write answers no callback. */
  const waiting = new Set<(error: LinkError) => void>();
  // One at a time: while the other side holds up the line, each would block one of the four threads of Node's pool.
  let drains: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  const end = (why: LinkFailure | undefined): void => {
    failure ??= why ?? ourDoing;
    for (const reject of waiting) reject(new LinkError(failure));
    waiting.clear();
    over(why);
  };
  port.on('data', (bytes) => listener(bytes));
  // The port closes itself after a read that fails: that is what an unplugged adapter looks like.
  port.on('error', () => {});
  port.on('close', (why) => end(why ? { kind: 'unplugged', reason: 'the port is gone, as if unplugged' } : undefined));

  function drain(done: Done): void {
    drains = drains.then(
      () =>
        new Promise<void>((resolve) =>
          port.drain((error) => {
            done(error);
            resolve();
          }),
        ),
    );
  }

  /** Closes the port. Bytes that can't get out would hold up that too, for half a minute: they are thrown away. */
  async function shut(): Promise<void> {
    if (waiting.size > 0) await new Promise<void>((resolve) => port.flush(() => resolve()));
    await new Promise<void>((resolve) => port.close(() => resolve()));
  }

  /** Waits for it, but not for ever. */
  const inTime = (work: Promise<void>): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(closeWithin, resolve);
      void work.then(cancel).then(resolve);
    });

  return {
    name,
    closed,
    onData(fn) {
      listener = fn;
    },
    async send(bytes) {
      if (failure) throw new LinkError(failure);
      await new Promise<void>((resolve, reject) => {
        const done: Done = (error) => {
          if (!waiting.delete(reject)) return;
          if (error) reject(new LinkError(closing ? ourDoing : { kind: 'failed', reason: error.message }));
          else resolve();
        };
        waiting.add(reject);
        port.write(Buffer.from(bytes), (error) => (error ? done(error) : drain(done)));
      });
    },
    async close() {
      if (port.isOpen) closing ??= inTime(shut());
      await closing;
      end(undefined);
    },
  };
}
