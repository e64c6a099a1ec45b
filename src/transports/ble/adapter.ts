import type { Context } from '../../runtime/context.ts';
import { fail } from '../../runtime/exit.ts';
import { LinkError, type LinkFailure } from '../link.ts';
import { notPowered, onStop, takeAdapter } from './adapter-power.ts';
import { type BleLink, type OpenLink, openLink } from './ble-link.ts';
import { type Helper, type HelperContext, HelperError, startHelper } from './helper.ts';
import type { GattChoice, Request, Sighting } from './messages.ts';
import { findController } from './preflight.ts';

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
   * Scans until the returned function is called; a child that is lost meanwhile is replaced and goes on. `onLost` gets the reason
   * (69, 75, 77) when none can take its place: nothing more will be seen.
   */
  scan(onSeen: (sighting: Sighting) => void, onLost?: (error: Error) => void): Promise<() => Promise<void>>;
  /** Connects and subscribes. Rejects with {@link LinkError}: `silent` not seen or no answer, `refused` held by another host, … */
  connect(id: string, gatt: readonly GattChoice[], limits: ConnectLimits): Promise<BleLink>;
  /** Lets go of everything: scan, connections, child, lock. Never rejects. */
  close(): Promise<void>;
  /** Process of the present child, for tests. */
  readonly child: number | undefined;
}

/** Beyond the child's own time-outs, before it counts as stuck. */
const margin = 3000;
const shortRequest = 6000;
const defaultMostAddresses = 4000;
/** A child that dies so often without having worked is not tried again. */
const mostFailures = 3;

/**
 * Takes an adapter: finds it, locks it, starts the child and waits until it is powered on. Throws with a line of its own when there is
 * none (69), it is down or in use (75), or not permitted (77).
 */
export async function openAdapter(ctx: BleContext, options: BleOptions): Promise<Adapter> {
  const { clock, log, signal } = ctx;
  const { mostAddresses = defaultMostAddresses } = options;
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
  const seen = new Set<string>();
  let onSeen: ((sighting: Sighting) => void) | undefined;
  let onLost: ((error: Error) => void) | undefined;
  let helper: Helper | undefined;
  let starting: Promise<Helper> | undefined;
  const closing = new AbortController();
  const stopping = AbortSignal.any([signal, closing.signal]);
  /** A child has ended without cleaning up, and none has come after it. */
  let dirty = false;
  let failures = 0;
  /** The controller connects to one device at a time. */
  let turn: Promise<unknown> = Promise.resolve();

  /** Starts a child and waits until it is powered on: from then on nothing of an earlier one is left in the controller. */
  async function start(until = stopping): Promise<Helper> {
    let state: string | undefined;
    let powered = (): void => {};
    const isPowered = new Promise<void>((resolve) => {
      powered = resolve;
    });
    seen.clear();
    const fresh = startHelper(
      ctx,
      env,
      {
        onState(now) {
          if (state === 'poweredOn' && now !== 'poweredOn') void replace(fresh, `the adapter is ${now}`, 'unplugged');
          state = now;
          if (now === 'poweredOn') powered();
        },
        onSeen(sighting) {
          seen.add(sighting.id);
          onSeen?.(sighting);
          if (seen.size > mostAddresses && links.size === 0) void replace(fresh, 'it has seen many devices');
        },
        onData(id, bytes) {
          const link = links.get(id);
          if (link) link.push(bytes);
          else if (early.has(id)) early.get(id)!.push(bytes);
        },
        onGone: (id, reason) => links.get(id)?.end({ kind: 'closed', reason }),
      },
      options.child,
    );
    helper = fresh;
    let cancel = (): void => {};
    const late = new Promise<'late'>((resolve) => {
      cancel = clock.after(options.powerOn, () => resolve('late'));
    });
    const stop = onStop(until);
    try {
      const over = fresh.over.then((reason) =>
        Promise.reject(fail('unavailable', `Bluetooth adapter ${name}: ${reason}`)),
      );
      const how = await Promise.race([isPowered, late, stop.stopped, over]);
      if (how === 'late') throw notPowered(name, state, options.powerOn);
      dirty = false;
      if (onSeen) await fresh.request({ do: 'scan' }, shortRequest);
    } catch (error) {
      await fresh.end();
      if (helper === fresh) helper = undefined;
      if (!(error instanceof HelperError)) throw error;
      dirty ||= error.trouble.tainted;
      throw fail('unavailable', `Bluetooth adapter ${name}: ${error.message}`);
    } finally {
      cancel();
      stop.cancel();
    }
    void fresh.over.then((reason) => lost(fresh, reason));
    return fresh;
  }

  /** The child that works, a new one where there is none. */
  function ready(): Promise<Helper> {
    return starting ?? keep(start());
  }

  /** Remembers a start, until it fails. */
  function keep(attempt: Promise<Helper>): Promise<Helper> {
    const kept = attempt.catch((error) => {
      if (starting === kept) starting = undefined;
      throw error;
    });
    starting = kept;
    return kept;
  }

  /** No child works, and none is tried for the time being: the scan is over, if there is one. */
  function giveUp(error: Error): void {
    if (stopping.aborted) return;
    if (onLost) onLost(error);
    else log.error(error.message);
  }

  function endLinks(failure: LinkFailure): void {
    for (const link of links.values()) link.end(failure);
  }

  /** A child that ended unasked: another one comes at once, and takes away what the controller still has from it. */
  function lost(old: Helper, reason: string): void {
    if (old !== helper || closing.signal.aborted) return;
    helper = undefined;
    starting = undefined;
    dirty = true;
    endLinks({ kind: 'failed', reason });
    failures++;
    if (signal.aborted) return;
    if (failures > mostFailures) {
      giveUp(fail('unavailable', `Bluetooth adapter ${name}: ${reason}`));
      return;
    }
    log.warn(`Bluetooth adapter ${name}: ${reason}; starting another`);
    ready().catch(giveUp);
  }

  async function replace(old: Helper, why: string, kind: LinkFailure['kind'] = 'failed'): Promise<void> {
    if (old !== helper || closing.signal.aborted) return;
    log.debug(`bluetooth helper: replaced: ${why}`);
    helper = undefined;
    endLinks({ kind, reason: why });
    await keep(old.end().then(() => start())).catch(giveUp);
  }

  /** Asks the child; what leaves it in doubt has it replaced. */
  async function ask(request: Request, ms: number) {
    const used = await ready();
    const isEnd = request.do === 'disconnect' || request.do === 'stop';
    const stop = onStop(signal);
    try {
      const answer = used.request(request, ms);
      const value = await (isEnd ? answer : Promise.race([answer, stop.stopped]));
      failures = 0;
      return value;
    } catch (error) {
      if (!(error instanceof HelperError)) throw error;
      const { tainted, kind, reason } = error.trouble;
      if (tainted) void replace(used, reason);
      throw new LinkError({ kind, reason });
    } finally {
      stop.cancel();
    }
  }

  try {
    await ready();
  } catch (error) {
    await release();
    throw error;
  }

  return {
    name,
    get child() {
      return helper?.pid;
    },
    async scan(seenNow, lostNow) {
      onSeen = seenNow;
      onLost = lostNow;
      try {
        await ask({ do: 'scan' }, shortRequest);
      } catch (error) {
        onSeen = undefined;
        onLost = undefined;
        throw error;
      }
      return async () => {
        onSeen = undefined;
        onLost = undefined;
        if (helper) await ask({ do: 'stop' }, shortRequest).catch(() => {});
      };
    },
    async connect(id, gatt, { find, connect, step }) {
      const before = turn;
      let done = (): void => {};
      turn = new Promise<void>((resolve) => {
        done = resolve;
      });
      await before;
      early.set(id, []);
      try {
        const whole = find + connect + step * 6 + margin;
        const answer = await ask({ do: 'connect', id, gatt, find, connect, step }, whole);
        const link = openLink(id, answer?.gatt ?? 0, answer?.mtu, {
          send: (bytes) =>
            ask({ do: 'write', id, hex: Buffer.from(bytes).toString('hex'), step }, step * 2 + margin).then(() => {}),
          close: () => (helper ? ask({ do: 'disconnect', id }, shortRequest) : Promise.resolve(undefined)),
          ended: () => links.delete(id),
        });
        links.set(id, link);
        for (const bytes of early.get(id) ?? []) link.push(bytes);
        return link;
      } finally {
        early.delete(id);
        done();
      }
    },
    async close() {
      closing.abort(new LinkError({ kind: 'failed', reason: 'the adapter was closed' }));
      endLinks({ kind: 'failed', reason: 'the adapter was closed' });
      await starting?.then(
        (last) => last.end(),
        () => {},
      );
      if (dirty) {
        const last = await start(new AbortController().signal).catch(() => undefined);
        await last?.end();
      }
      await release();
    },
  };
}
