import { abortWithin } from '../../runtime/abort-within.ts';
import type { Context } from '../../runtime/context.ts';
import { type CommandError, fail } from '../../runtime/exit.ts';
import { type Adapter, type BleContext, type BleOptions, openAdapter } from '../../transports/ble/adapter.ts';
import type { Sighting } from '../../transports/ble/messages.ts';
import { LinkError } from '../../transports/link.ts';

/** What Bluetooth needs of a command. */
export type BluetoothHost = BleContext & Pick<Context, 'signal' | 'clock' | 'log'>;

/** The adapter, taken when it is needed and given back when it is not, so that other commands get their turn. */
export interface Bluetooth {
  /** Does something with the adapter; several at a time share it. */
  use<T>(work: (adapter: Adapter) => Promise<T>): Promise<T>;
  /** Takes the adapter until the returned function is called. */
  hold(): Promise<{ adapter: Adapter; release(): Promise<void> }>;
  /** Scans for `ms`, or until `signal` aborts. `onSeen` gets what is new of each device. Rejects when the adapter is lost meanwhile. */
  scan(ms: number, onSeen: (sighting: Sighting) => void, signal?: AbortSignal): Promise<void>;
  /** From now on another adapter, or the same one otherwise: taken when those who use the present one have let go of it. */
  configure(options: BleOptions): void;
  /** Lets go of the adapter at once. Never rejects. */
  close(): Promise<void>;
}

/** How long an adapter is kept that nobody uses: starting again costs a second with some controllers. */
const defaultLinger = 2000;

/** An adapter that was taken, and who uses it. */
interface Taken {
  adapter: Promise<Adapter>;
  users: number;
  /** Another one is wanted in its place. */
  isOutdated: boolean;
  /** Lets go of it, also where it is still to be opened. Never rejects. */
  close(): Promise<void>;
}

/** Makes the shared adapter; nothing is touched before it is used. `linger`: milliseconds to keep it after its last use. */
export function createBluetooth(host: BluetoothHost, given: BleOptions, linger = defaultLinger): Bluetooth {
  const { clock } = host;
  let options = given;
  let taken: Taken | undefined;
  /** Those that are still to be closed: the one that is taken, and outdated ones. */
  const open = new Set<Taken>();
  let closing: Promise<void> = Promise.resolve();
  let cancelLinger = (): void => {};

  function take(): Taken {
    let settle = (): void => {};
    const closed = new Promise<void>((resolve) => {
      settle = resolve;
    });
    let isClosed = false;
    const adapter = closing.then(() => {
      if (isClosed) throw new LinkError({ kind: 'failed', reason: 'the adapter was closed' });
      return openAdapter(host, options);
    });
    const fresh: Taken = {
      adapter,
      users: 0,
      isOutdated: false,
      async close() {
        isClosed = true;
        cancelLinger();
        if (taken === fresh) taken = undefined;
        open.delete(fresh);
        await adapter.then((one) => one.close()).catch(() => {});
        settle();
      },
    };
    closing = closed;
    open.add(fresh);
    return fresh;
  }

  async function hold(): Promise<{ adapter: Adapter; release(): Promise<void> }> {
    cancelLinger();
    taken ??= take();
    const mine = taken;
    mine.users++;
    try {
      const adapter = await mine.adapter;
      let released = false;
      return {
        adapter,
        async release() {
          if (released) return;
          released = true;
          if (--mine.users > 0) return;
          if (linger === 0 || mine.isOutdated) await mine.close();
          else cancelLinger = clock.after(linger, () => void mine.close(), { idle: true });
        },
      };
    } catch (error) {
      await mine.close();
      throw error;
    }
  }

  async function use<T>(work: (adapter: Adapter) => Promise<T>): Promise<T> {
    const held = await hold();
    try {
      return await work(held.adapter);
    } finally {
      await held.release();
    }
  }

  return {
    hold,
    use,
    scan: (ms, onSeen, signal = host.signal) =>
      use(async (taken) => {
        const over = abortWithin(signal);
        let failure: Error | undefined;
        const onLost = (error: Error): void => {
          failure = error;
          over.abort();
        };
        const stop = await taken.scan(onSeen, onLost).catch((error: Error) => {
          throw error instanceof LinkError ? unreachable(taken.name, error) : error;
        });
        await taken.listened(ms, over.signal).catch(() => {});
        await stop();
        if (failure && !signal.aborted) throw failure;
      }),
    configure(next) {
      if (JSON.stringify(next) === JSON.stringify(options)) return;
      options = next;
      const old = taken;
      if (!old) return;
      taken = undefined;
      old.isOutdated = true;
      if (old.users === 0) void old.close();
    },
    async close() {
      await Promise.all([...open].map((one) => one.close()));
      await closing;
    },
  };
}

const nextStep: Partial<Record<LinkError['failure']['kind'], string>> = {
  silent: 'Is it in reach and awake, and does no phone hold it? ble-scan shows what is there.',
  refused: 'Close the app on the phone, or wait.',
  unsuited: 'Is its type right? ble-scan says what it is.',
};

/** The failure of a link as a command says it. */
export function unreachable(name: string, { failure }: LinkError): CommandError {
  return fail('unavailable', `${name}: ${failure.reason}`, nextStep[failure.kind]);
}
