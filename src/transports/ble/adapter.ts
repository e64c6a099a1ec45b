import type { Context } from '../../runtime/context.ts';
import { LinkError } from '../link.ts';
import { onStop, takeAdapter } from './adapter-power.ts';
import { type BleLink, type OpenLink, openLink } from './ble-link.ts';
import { createChildren } from './children.ts';
import { type Helper, type HelperContext, HelperError } from './helper.ts';
import { type GattChoice, type Request, type Sighting, shortRequest } from './messages.ts';
import { findController } from './preflight.ts';
import { createSearches } from './searches.ts';

/** What of the context an adapter needs. */
export type BleContext = HelperContext & Pick<Context, 'lock' | 'signal'>;

/** Which adapter, and how patient to be with it. Times in milliseconds. */
export interface BleOptions {
  /** `hci1`, `1`, its address, or the serial port of a controller; absent: the first that there is. */
  adapter?: string | undefined;
  /** Which fork of noble drives it. */
  driver?: 'abandonware' | 'stoprocent';
  /** How long to wait for another tool to let go of it. */
  lockWait: number;
  /** How long it may take to be powered on. */
  powerOn: number;
  /** By the HCI user channel: nobody else can use it. */
  exclusive?: boolean;
  /** Where /sys and /proc are. */
  root?: string;
  /** The child's file, in tests. */
  child?: string;
  /** The child is replaced when it has seen so many addresses: noble never forgets one, 1.5 kB each (default 4000). */
  mostAddresses?: number;
}

/** How long the steps of a connection may take, in milliseconds. */
export interface ConnectLimits {
  /** Until the device has been seen. */
  find: number;
  /** Until the connection stands. */
  connect: number;
  /** Each request while services are looked up and subscribed, and each write. */
  step: number;
}

/** An adapter that is ours until it is closed. */
export interface Adapter {
  readonly name: string;
  /**
   * Scans until the returned function is called, beside others who do; a child that is lost meanwhile is replaced and goes on. `onLost`
   * gets the reason (69, 75, 77) when none can take its place: nothing more will be seen.
   */
  scan(onSeen: (sighting: Sighting) => void, onLost?: (error: Error) => void): Promise<() => Promise<void>>;
  /** Resolves when it has scanned for `ms` in all from now on: while it connects to a device nothing is seen. Rejects with the signal. */
  listened(ms: number, signal: AbortSignal): Promise<void>;
  /** Connects and subscribes. Rejects with {@link LinkError}: `silent` not seen or no answer, `refused` held by another host, … */
  connect(id: string, gatt: readonly GattChoice[], limits: ConnectLimits): Promise<BleLink>;
  /** Lets go of everything: scan, connections, child, lock; within four seconds, whatever the controller does. Never rejects. */
  close(): Promise<void>;
  /** Process of the present child, for tests. */
  readonly child: number | undefined;
}

/** Beyond the child's own time-outs, before it counts as stuck. */
const margin = 3000;
/** Once we are told to stop, letting go of a device or of the scan may take so long: the end of the child lets go of everything. */
const lastWord = 500;

/**
 * Takes an adapter: finds it, locks it, starts the child and waits until it is powered on. Throws with a line of its own when there is
 * none (69), it is down or in use (75), or not permitted (77).
 */
export async function openAdapter(ctx: BleContext, options: BleOptions): Promise<Adapter> {
  const { clock, log, signal } = ctx;
  const controller = findController({
    adapter: options.adapter,
    ...(options.exclusive && { userChannel: true }),
    ...(options.root !== undefined && { root: options.root }),
  });
  const { name } = controller;
  const release = await takeAdapter(ctx, name, controller.lock, options.lockWait);
  const env = {
    ...controller.env,
    ...(options.exclusive && { HCI_CHANNEL_USER: '1' }),
    ...(options.driver && { VOLTPIPE_BLE_DRIVER: options.driver }),
  };

  const links = new Map<string, OpenLink>();
  const early = new Map<string, Buffer[]>();
  const searches = createSearches(clock);
  /** The controller connects to one device at a time. */
  let turn: Promise<unknown> = Promise.resolve();
  /** The connection that the present child is making. */
  let attempt: { readonly over: Promise<void>; end(): void } | undefined;
  const children = createChildren(ctx, name, env, options, {
    isScanWanted: () => searches.any,
    isIdle: () => links.size === 0 && early.size === 0,
    endLinks(failure) {
      attempt?.end();
      for (const link of links.values()) link.end(failure);
    },
    async linksEnded() {
      await attempt?.over;
      await Promise.all([...links.values()].map(({ closed }) => closed));
    },
    onLost(error) {
      if (!searches.lost(error)) log.error(error.message);
    },
    onScanning: searches.listening,
    onSeen: searches.seen,
    onData(id, bytes) {
      const link = links.get(id);
      if (link) link.push(bytes);
      else early.get(id)?.push(bytes);
    },
    onGone: (id, reason) => links.get(id)?.end({ kind: 'closed', reason }),
  });

  /** Asks the child, or the one that a link is by; what leaves it in doubt has it replaced. */
  async function ask(request: Request, ms: number, by?: Helper) {
    const used = by ?? (await children.ready());
    const isEnd = request.do === 'disconnect' || request.do === 'stop';
    const stop = onStop(signal, isEnd ? (fn) => clock.after(lastWord, fn) : undefined);
    try {
      const value = await Promise.race([used.request(request, ms), stop.stopped]);
      children.worked();
      return value;
    } catch (error) {
      if (!(error instanceof HelperError)) throw error;
      const { tainted, kind, reason } = error.trouble;
      const failure = { kind, reason };
      if (tainted && 'id' in request) links.get(request.id)?.end(failure);
      if (tainted) children.doubt(used, reason);
      throw new LinkError(failure);
    } finally {
      stop.cancel();
    }
  }

  try {
    await children.ready();
  } catch (error) {
    await release();
    throw error;
  }

  return {
    name,
    get child() {
      return children.present?.pid;
    },
    async scan(onSeen, onLost) {
      const end = searches.begin(onSeen, onLost);
      try {
        await ask({ do: 'scan' }, shortRequest);
      } catch (error) {
        end();
        throw error;
      }
      return async () => {
        end();
        const { present } = children;
        if (present && !searches.any) await ask({ do: 'stop' }, shortRequest, present).catch(() => {});
      };
    },
    listened: searches.listened,
    async connect(id, gatt, { find, connect, step }) {
      const before = turn;
      let end = (): void => {};
      const over = new Promise<void>((resolve) => {
        end = resolve;
      });
      turn = over;
      await before;
      // Where one device after the other is looked for, the adapter is free at no other time.
      children.renew();
      early.set(id, []);
      try {
        const whole = find + connect + step * 6 + margin;
        const by = await children.ready();
        attempt = { over, end };
        const answer = await ask({ do: 'connect', id, gatt, find, connect, step }, whole, by);
        const link = openLink(id, answer?.gatt ?? 0, answer?.mtu, {
          send: (bytes) =>
            ask({ do: 'write', id, hex: Buffer.from(bytes).toString('hex'), step }, step * 2 + margin, by).then(
              () => {},
            ),
          close: () => ask({ do: 'disconnect', id }, shortRequest, by),
          ended: () => links.delete(id),
        });
        links.set(id, link);
        for (const bytes of early.get(id) ?? []) link.push(bytes);
        return link;
      } finally {
        early.delete(id);
        if (attempt?.over === over) attempt = undefined;
        end();
      }
    },
    async close() {
      await children.close();
      await release();
    },
  };
}
