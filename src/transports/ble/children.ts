import { abortWithin } from '../../runtime/abort-within.ts';
import { fail } from '../../runtime/exit.ts';
import type { LinkFailure } from '../link.ts';
import type { BleContext, BleOptions } from './adapter.ts';
import { notPowered, onStop } from './adapter-power.ts';
import { type Helper, HelperError, type HelperEvents, startHelper } from './helper.ts';
import { shortRequest } from './messages.ts';

/** What depends on the child that works. */
export interface Dependents extends Required<Omit<HelperEvents, 'onState' | 'onKnown' | 'onDoubt'>> {
  /** Somebody wants to scan: a new child begins with it. */
  isScanWanted(): boolean;
  /** Nobody is connected by the child, nor about to be. */
  isIdle(): boolean;
  /** Ends all links. */
  endLinks(failure: LinkFailure): void;
  /** Resolves when the links that are there now have ended, and one that is just being made. */
  linksEnded(): Promise<unknown>;
  /** No child works, and none is tried for the time being. */
  onLost(error: Error): void;
}

/** The children of one adapter: one works at a time, and another takes its place when it fails or is in doubt. */
export interface Children {
  /** The child that works, a new one where there is none. Rejects with what hinders it: 69, 75, 77. */
  ready(): Promise<Helper>;
  /** The child that works. */
  readonly present: Helper | undefined;
  /** Replaces a child that has seen many addresses, when nobody is connected by it; at twice as many, in any case. */
  renew(): void;
  /** A child that can't be trusted any longer is replaced, when the links by it have come to their end or have had time for it. */
  doubt(child: Helper, why: string): void;
  /** A child did what it was asked for: failures before are forgotten. */
  worked(): void;
  /** Ends the child; another one comes and cleans up where one died of itself. Never rejects. */
  close(): Promise<void>;
}

const defaultMostAddresses = 4000;
const crowded = 'it has seen many devices';
/** A child in doubt that others are connected by lets them finish for so long. */
const farewell = 10_000;
/** All children together have so long to end, one that only cleans up among them: whoever stops waits for it, and not for ever. */
const closeWithin = 4000;
/** A child that only cleans up has so long until it is powered on, of which a serial controller takes half, and then to end. */
const cleaning = { start: 2000, end: 500 };
/** A child that dies so often without having worked is not tried again. */
const mostFailures = 3;

/**
 * Starts no child yet.
 *
 * @param name of the adapter, for messages
 * @param env of the child
 */
export function createChildren(
  ctx: BleContext,
  name: string,
  env: Readonly<Record<string, string>>,
  options: Pick<BleOptions, 'powerOn' | 'child' | 'mostAddresses'>,
  of: Dependents,
): Children {
  const { clock, log, signal } = ctx;
  const { mostAddresses = defaultMostAddresses } = options;
  /** How many addresses the child has seen. */
  let known = 0;
  /** The run is stopped, or the adapter closed. */
  const stopping = abortWithin(signal);
  let isClosing = false;
  let helper: Helper | undefined;
  let starting: Promise<Helper> | undefined;
  let retiring: Helper | undefined;
  /** Fails the start that is under way: the child that is being started is never replaced from elsewhere. */
  let hinder: ((why: string) => void) | undefined;
  /** A child has ended without cleaning up, and none has come after it. */
  let dirty = false;
  let failures = 0;
  const failed = (reason: string): Error => fail('unavailable', `Bluetooth adapter ${name}: ${reason}`);

  /**
   * Starts a child and waits until it is powered on: from then on nothing of an earlier one is left in the controller. One that fails is
   * killed after `endWithin`.
   */
  async function start(until = stopping.signal, patience = options.powerOn, endWithin?: number): Promise<Helper> {
    let state: string | undefined;
    const hindered = new Promise<never>((_, reject) => {
      hinder = (reason) => reject(new HelperError({ kind: 'failed', reason, tainted: true }));
    });
    hindered.catch(() => {});
    let powered = (): void => {};
    const isPowered = new Promise<void>((resolve) => {
      powered = resolve;
    });
    known = 0;
    of.onScanning(false);
    const fresh = startHelper(
      ctx,
      env,
      {
        onState(now) {
          if (state === 'poweredOn' && now !== 'poweredOn') void replace(fresh, `the adapter is ${now}`, 'unplugged');
          state = now;
          if (now === 'poweredOn') powered();
        },
        onScanning(on) {
          if (fresh === helper) of.onScanning(on);
        },
        onSeen(sighting) {
          of.onSeen(sighting);
          renew();
        },
        onKnown(addresses) {
          if (fresh !== helper) return;
          known = addresses;
          renew();
        },
        onDoubt: (reason) => doubt(fresh, reason),
        onData: of.onData,
        onGone: of.onGone,
      },
      options.child,
    );
    helper = fresh;
    let cancel = (): void => {};
    const late = new Promise<'late'>((resolve) => {
      cancel = clock.after(patience, () => resolve('late'));
    });
    const stop = onStop(until);
    try {
      const over = fresh.over.then((reason) => Promise.reject(failed(reason)));
      const how = await Promise.race([isPowered, late, stop.stopped, over]);
      if (how === 'late') throw notPowered(name, state, patience);
      dirty = false;
      const isScanned = of.isScanWanted() && !isClosing;
      await Promise.race([hindered, stop.stopped, isScanned ? fresh.request({ do: 'scan' }, shortRequest) : undefined]);
      hinder = undefined;
    } catch (error) {
      await fresh.end(endWithin);
      helper = undefined;
      hinder = undefined;
      if (!(error instanceof HelperError)) throw error;
      const { tainted, reason } = error.trouble;
      dirty ||= tainted;
      // It was powered on: its death then is no other than one at work.
      if (tainted && countFailure(reason)) return start(until, patience);
      throw failed(reason);
    } finally {
      cancel();
      stop.cancel();
    }
    void fresh.over.then((reason) => died(fresh, reason));
    return fresh;
  }

  const ready = (): Promise<Helper> => starting ?? keep(start());

  /** Remembers a start, until it fails. */
  function keep(attempt: Promise<Helper>): Promise<Helper> {
    const kept = attempt.catch((error) => {
      if (starting === kept) starting = undefined;
      throw error;
    });
    starting = kept;
    return kept;
  }

  function giveUp(error: Error): void {
    if (!stopping.signal.aborted) of.onLost(error);
  }

  /** Counts the death of a child; whether another one is to be tried. */
  function countFailure(reason: string): boolean {
    failures++;
    if (failures > mostFailures || stopping.signal.aborted) return false;
    log.warn(`Bluetooth adapter ${name}: ${reason}; starting another`);
    return true;
  }

  /** A child that ended unasked: another one comes at once, and takes away what the controller still has from it. */
  function died(old: Helper, reason: string): void {
    if (old !== helper || isClosing) return;
    helper = undefined;
    starting = undefined;
    dirty = true;
    of.endLinks({ kind: 'failed', reason });
    if (countFailure(reason)) ready().catch(giveUp);
    else giveUp(failed(reason));
  }

  /** Puts another child in the place of one; `grace` lets the links by it come to their end first. */
  async function replace(old: Helper, why: string, kind: LinkFailure['kind'] = 'failed', grace = 0): Promise<void> {
    if (old !== helper || isClosing) return;
    if (hinder) return hinder(why);
    if (grace === 0) of.endLinks({ kind, reason: why });
    if (old === retiring) return;
    log.debug(`bluetooth helper: replaced: ${why}`);
    retiring = old;
    await keep(successor(old, why, grace)).catch(giveUp);
  }

  const doubt = (child: Helper, why: string): void => void replace(child, why, 'failed', farewell);

  function renew(): void {
    if (!helper || hinder || known <= mostAddresses) return;
    if (of.isIdle()) void replace(helper, crowded);
    // With several connections there is always one that stands.
    else if (known > 2 * mostAddresses) doubt(helper, crowded);
  }

  async function successor(old: Helper, reason: string, grace: number): Promise<Helper> {
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(grace, resolve);
    });
    await Promise.race([late, of.linksEnded()]);
    cancel();
    retiring = undefined;
    // It died meanwhile, and has a successor.
    if (old !== helper) return ready();
    helper = undefined;
    of.endLinks({ kind: 'failed', reason: `the Bluetooth helper had to be replaced: ${reason}` });
    await old.end();
    stopping.signal.throwIfAborted();
    return start();
  }

  return {
    ready,
    get present() {
      return helper;
    },
    renew,
    doubt,
    worked() {
      failures = 0;
    },
    async close() {
      isClosing = true;
      stopping.abort(new DOMException('the adapter was closed', 'AbortError'));
      of.endLinks({ kind: 'failed', reason: 'the adapter was closed' });
      const deadline = clock.monotonic() + closeWithin;
      const isClean = await starting?.then(
        (last) => last.end(),
        () => true,
      );
      dirty ||= isClean === false;
      if (!dirty) return;
      const left = deadline - cleaning.end - clock.monotonic();
      const patience = Math.min(options.powerOn, cleaning.start, Math.max(0, left));
      // What was never powered on has nothing to take back.
      const last = await start(new AbortController().signal, patience, 0).catch(() => undefined);
      await last?.end(cleaning.end);
    },
  };
}
