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
  /** Lets go of the adapter at once. Never rejects. */
  close(): Promise<void>;
}

/** How long an adapter is kept that nobody uses: starting again costs a second with some controllers. */
const defaultLinger = 2000;

/** Makes the shared adapter; nothing is touched before it is used. `linger`: milliseconds to keep it after its last use. */
export function createBluetooth(host: BluetoothHost, options: BleOptions, linger = defaultLinger): Bluetooth {
  const { clock } = host;
  let adapter: Promise<Adapter> | undefined;
  let users = 0;
  let closing: Promise<void> = Promise.resolve();
  let cancelLinger = (): void => {};

  function letGo(): Promise<void> {
    cancelLinger();
    const old = adapter;
    adapter = undefined;
    if (old) closing = old.then((one) => one.close()).catch(() => {});
    return closing;
  }

  async function hold(): Promise<{ adapter: Adapter; release(): Promise<void> }> {
    cancelLinger();
    users++;
    try {
      adapter ??= closing.then(() => openAdapter(host, options));
      const taken = await adapter;
      let released = false;
      return {
        adapter: taken,
        async release() {
          if (released) return;
          released = true;
          if (--users > 0) return;
          if (linger === 0) await letGo();
          else cancelLinger = clock.after(linger, () => void letGo(), { idle: true });
        },
      };
    } catch (error) {
      users--;
      adapter = undefined;
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
        const over = new AbortController();
        let failure: Error | undefined;
        const onLost = (error: Error): void => {
          failure = error;
          over.abort();
        };
        const stop = await taken.scan(onSeen, onLost).catch((error: Error) => {
          throw error instanceof LinkError ? unreachable(taken.name, error) : error;
        });
        await taken.listened(ms, AbortSignal.any([signal, over.signal])).catch(() => {});
        await stop();
        if (failure && !signal.aborted) throw failure;
      }),
    close: letGo,
  };
}

const nextStep: Partial<Record<LinkError['failure']['kind'], string>> = {
  silent: 'Is it in reach and awake, and does no phone hold it? ble-scan shows what is there.',
  refused: 'Close the app on the phone, or wait.',
};

/** The failure of a link as a command says it. */
export function unreachable(name: string, { failure }: LinkError): CommandError {
  return fail('unavailable', `${name}: ${failure.reason}`, nextStep[failure.kind]);
}
