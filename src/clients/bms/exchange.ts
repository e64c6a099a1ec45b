import {
  type Codec,
  type CodecOptions,
  type Frame,
  isRejection,
  type Parsed,
  type Request,
  type Task,
} from '../../protocols/bms/codec.ts';
import { hex } from '../../protocols/bms/framing.ts';
import { fail } from '../../runtime/exit.ts';
import { type Link, LinkError } from '../../transports/link.ts';
import type { BmsHost } from './host.ts';
import type { OptionalPages } from './optional-pages.ts';
import { isDamaged, unanswered, wrongType } from './silence.ts';
import { createTally, type Tally } from './tally.ts';
import { createUnasked, type OnPushed } from './unasked.ts';

/** How patient an exchange is. */
export interface Patience {
  /** How often a request is sent before it counts as unanswered. */
  retries: number;
  /** How long an answer may take, in ms; absent: what the codec says. */
  readTimeout?: number | undefined;
  /** What is known of the optional requests of the device, when it is read again and again; absent: nothing, all are sent. */
  optionalPages?: OptionalPages | undefined;
}

/** Questions and answers over one link with one codec, one at a time. */
export interface Exchange {
  /** Sends all requests of a task and decodes the answers. Throws a {@link CommandError}: 69, 76 or what the link ended with. */
  run<T extends object>(task: Task<T>): Promise<T>;
  /** Sends one request. The frames that it accepted; none for an optional one that stayed unanswered. */
  ask(request: Request, patience?: Patience): Promise<readonly Frame[]>;
  /** Sends one that changes the device, which {@link ask} and {@link run} refuse. For who was told `--allow-write`. */
  write(request: Request): Promise<readonly Frame[]>;
  /** The requests that a connection begins with. */
  open(patience?: Patience): Promise<void>;
  /** Resolves when the device is not in the middle of something that it tells by itself. */
  settled(): Promise<void>;
  /** What came so far and was not used. */
  readonly tally: Tally;
}

/** Longest wait for a line that doesn't fall silent, in ms. */
const longestTalk = 1000;

/** So much longer than its time an answer may take, in ms, because the device speaks of something else meanwhile. */
const longestDelay = 10_000;

/** How an attempt ended. */
type Outcome = 'complete' | 'silence' | 'partial';

/**
 * Starts an exchange. Half-duplex throughout: one outstanding request, a gap before each, what came unasked is dropped unless the codec
 * knows it as pushed, an echo of our own bytes is known for what it is, and another master on the bus is noticed.
 *
 * @param onPushed takes what the device tells by itself
 */
export function createExchange(
  link: Link,
  codec: Codec,
  options: CodecOptions,
  patience: Patience,
  host: BmsHost,
  onPushed: OnPushed = () => {},
): Exchange {
  const { clock, log, signal } = host;
  const { timing } = codec;
  const parser = codec.parser(options);
  const tally = createTally(link.name, log, codec.serial !== undefined, host.said);
  const rejected = host.metric?.('bms_rejected_total', 'frames and bytes of a monitor that were not used, by reason');
  const unasked = createUnasked(link.name, codec.pushed, options, timing.torn, host, onPushed);
  let current:
    | { request: Request; accepted: Frame[]; progress(): void; delayed(): void; fail(error: Error): void }
    | undefined;
  let over: LinkError | undefined;
  let silentSince = clock.monotonic() - timing.gap;
  let answered = false;
  let stopTorn = (): void => {};

  const take = ({ frames, rejections }: Parsed): void => {
    for (const rejection of rejections) {
      const reason = tally.reject(rejection);
      rejected?.add(1, { reason });
    }
    for (const frame of frames) {
      if (current?.request.accepts(frame)) {
        tally.accepted();
        current.accepted.push(frame);
        current.progress();
      } else if (unasked.take(frame)) {
        tally.accepted();
        current?.delayed();
      } else tally.unasked(frame);
    }
  };
  /** What is pending will not be completed, unless the device is in the middle of what it tells by itself. */
  const reset = (): void => {
    if (!unasked.isUnderWay) take(parser.reset());
  };
  void link.closed.then((failure) => {
    stopTorn();
    over = new LinkError(failure ?? { kind: 'closed', reason: 'the link was closed' });
    unasked.end();
    current?.fail(over);
  });
  link.onData((bytes) => {
    silentSince = clock.monotonic();
    tally.received(bytes);
    stopTorn();
    take(parser.push(bytes));
    stopTorn = clock.after(timing.torn, () => take(parser.reset()), { idle: true });
  });

  /** Waits until the request is complete, its time is over, the link ends or the run is stopped. */
  function answer(request: Request, accepted: Frame[], wait: number, whenSilent: () => void): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      let cancel = (): void => {};
      let cancelWake = (): void => {};
      let settled = false;
      const settle = (finish: () => void): void => {
        if (settled) return;
        settled = true;
        cancel();
        cancelWake();
        signal.removeEventListener('abort', stop);
        current = undefined;
        finish();
      };
      const stop = (): void => settle(() => reject(signal.reason));
      const isComplete = (): boolean => request.complete?.(accepted) ?? accepted.length > 0;
      const late = (): void =>
        settle(() => resolve(accepted.length === 0 ? 'silence' : request.quiet === undefined ? 'partial' : 'complete'));
      const deadline = clock.monotonic() + wait + longestDelay;
      const arm = (ms: number): void => {
        cancel();
        cancel = clock.after(ms, late);
      };
      current = {
        request,
        accepted,
        progress() {
          cancelWake();
          if (isComplete()) settle(() => resolve('complete'));
          else arm(request.quiet ?? wait);
        },
        // It speaks of something else meanwhile: that is no silence, but no reason to wait for ever either.
        delayed() {
          const usual = accepted.length === 0 ? wait : (request.quiet ?? wait);
          arm(Math.min(usual, Math.max(0, deadline - clock.monotonic())));
        },
        fail: (error) => settle(() => reject(error)),
      };
      if (signal.aborted) return stop();
      if (over) return current.fail(over);
      signal.addEventListener('abort', stop, { once: true });
      arm(wait);
      if (timing.wake !== undefined && !answered && timing.wake < wait)
        cancelWake = clock.after(timing.wake, whenSilent);
    });
  }

  /** Half-duplex: nobody speaks while the other side still does. */
  async function quiet(): Promise<void> {
    const patienceOver = clock.monotonic() + longestTalk;
    for (;;) {
      const rest = timing.gap - (clock.monotonic() - silentSince);
      if (rest <= 0 || clock.monotonic() > patienceOver) return;
      await clock.sleep(rest, signal);
    }
  }

  async function attempt(request: Request, accepted: Frame[], wait: number): Promise<Outcome> {
    if (request.after) await clock.sleep(request.after, signal);
    await unasked.over();
    await quiet();
    stopTorn();
    reset();
    const send = async (): Promise<void> => {
      if (!request.bytes) return;
      log.debug(`${link.name}: asks for ${request.what}`, request.secret ? {} : { bytes: hex(request.bytes) });
      tally.sent(request);
      silentSince = clock.monotonic();
      await link.send(request.bytes, request.secret);
    };
    // The listener stands before the bytes go out: a fast device answers before `send` resolves.
    const outcome = answer(request, accepted, wait, () => void send().catch(() => {}));
    const mine = current;
    // Not waited for: bytes that never get out must not outlast the time-out of the answer, nor the run.
    void send().catch((error: Error) => mine === current && mine?.fail(error));
    return outcome;
  }

  async function ask(request: Request, how: Patience = patience): Promise<readonly Frame[]> {
    if (!request.writes) return request.optional ? askOptional(request, how) : converse(request, how);
    const why = `${request.what} would change the device, which only its switches may`;
    throw fail('config', `${link.name}: ${codec.name}: ${why}. Nothing was sent`);
  }

  async function askOptional(request: Request, how: Patience): Promise<readonly Frame[]> {
    const { what } = request;
    const pages = how.optionalPages;
    if (!pages) return converse(request, how);
    if (!pages.isDue(what, clock.monotonic())) return [];
    const accepted = await converse(request, how);
    const totals = tally.totals();
    // A refusal, a damaged answer, or one that was drowned in other talk, is no silence; an echo is.
    const isSilence = totals.frames === 0 && !isDamaged(totals);
    const news = isSilence ? pages.silent(what, clock.monotonic()) : pages.answered(what, accepted.length > 0);
    if (news !== undefined) log.info(`${link.name}: ${what}: ${news}`);
    return accepted;
  }

  async function converse(request: Request, how: Patience): Promise<readonly Frame[]> {
    // A read-timeout of the user's is meant for the device: it never shortens what a request says of itself.
    const wait = request.response ?? how.readTimeout ?? timing.response;
    const attempts = request.optional ? Math.min(2, how.retries) : how.retries;
    const accepted: Frame[] = [];
    tally.begin();
    try {
      for (let n = 1; n <= attempts; n++) {
        const outcome = await attempt(request, accepted, wait);
        if (outcome !== 'complete') reset();
        if (outcome === 'silence' || (outcome === 'partial' && n < attempts)) continue;
        answered = true;
        const refusal = request.refusal?.(accepted);
        if (refusal === undefined) return accepted;
        if (request.optional) return [];
        throw request.secret
          ? fail('noPermission', `${link.name}: ${refusal}`, 'Give another with --password-file.')
          : fail('protocol', `${link.name}: ${request.what}: ${refusal}`);
      }
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      const before = tally.totals().rejected.cut ?? 0;
      take(parser.reset());
      const torn = (tally.totals().rejected.cut ?? 0) > before ? ', in the middle of a frame' : '';
      throw fail('unavailable', `${link.name}: ${error.failure.reason}${torn}`, undefined, error);
    }
    if (request.optional) return [];
    throw unanswered(link, codec, options, request, attempts, wait, tally);
  }

  return {
    tally,
    ask,
    settled: () => unasked.over(),
    write: (request) => converse(request, patience),
    async open(how) {
      for await (const _ of each(codec.opening?.(options), how)) {
        // Each request judges its own answer.
      }
    },
    async run(task) {
      const frames: Frame[] = [];
      for await (const accepted of each(task.requests(options))) frames.push(...accepted);
      const decoded = task.decode(frames, options);
      if (!isRejection(decoded)) return decoded;
      throw fail(
        'protocol',
        `${link.name}: the answer makes no sense: ${decoded.detail ?? decoded.rejected}`,
        wrongType,
      );
    },
  };

  /** Asks one request after the other, feeding each answer back. */
  async function* each(
    requests: ReturnType<Task<object>['requests']> | undefined,
    how?: Patience,
  ): AsyncGenerator<readonly Frame[]> {
    const iterator = requests?.[Symbol.iterator]();
    if (!iterator) return;
    let step = iterator.next([]);
    while (!step.done) {
      const accepted = await ask(step.value, how);
      yield accepted;
      step = iterator.next(accepted);
    }
  }
}
