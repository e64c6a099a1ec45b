import type { Codec, CodecOptions } from '../../protocols/bms/codec.ts';
import { CommandError } from '../../runtime/exit.ts';
import { type Link, LinkError } from '../../transports/link.ts';
import { createExchange, type Exchange } from './exchange.ts';
import type { BmsHost } from './host.ts';
import { type Heard, isDamaged, unknown } from './silence.ts';
import { betweenProbes, type Question, unsupported, variantQuestions } from './variants.ts';

/** What a probe found: how to talk to the device, on the link that is open to it. */
export interface Found {
  codec: Codec;
  options: CodecOptions;
  link: Link;
  /** The one that found it, to be gone on with: the device may be in the middle of something that it tells by itself. */
  exchange: Exchange;
  /** What the codec begins a connection with has been done on it. */
  isOpen: boolean;
}

/** Starts an exchange with a candidate. */
export type Begin = (link: Link, codec: Codec, options: CodecOptions) => Exchange;

/** How candidates are reached. */
export interface Wire {
  /** For messages: the port or address. */
  name: string;
  /** Opens a link as the codec needs it. */
  connect(codec: Codec): Promise<Link>;
  /** Codecs with the same text here share a link: serial settings, or a GATT table. */
  kind(codec: Codec): string;
  /** Others want their turn: the link is not kept between rounds that are far apart. */
  shared?: true;
  /** Which of the candidates it can be, by what a device tells before it is asked (its advertisements, its services). */
  narrow?(candidates: readonly Codec[]): Promise<readonly Codec[]>;
}

/** Every question to every candidate, then to their relatives on a wire, the unlikely ones last. */
function questions({ shared }: Wire, candidates: readonly Codec[], given: CodecOptions): Question[] {
  const all = candidates.flatMap((codec) => (codec.probes?.(given) ?? []).map((one) => ({ ...one, codec })));
  const relatives = shared ? [] : candidates.flatMap((codec) => variantQuestions(codec, given));
  return [...all.filter(({ late }) => !late), ...relatives, ...all.filter(({ late }) => late)];
}

/** So many times a device may hang up on a question; some do that on a language which is not theirs. */
const mostHangUps = 3;

/** Whether it is the link that failed, and not what came over it. */
const isHangUp = (error: unknown): error is CommandError =>
  error instanceof CommandError && error.cause instanceof LinkError;

/**
 * Finds out by asking, in the order of the candidates, which of them the device understands. Only questions that change nothing.
 * Candidates that can't be told by asking are left out.
 *
 * @param begin starts the exchanges, of which the one that finds something is handed on
 * @throws exit status 69 when none of them gets an answer, 76 when what came is something else
 */
export async function probe(
  wire: Wire,
  candidates: readonly Codec[],
  given: CodecOptions,
  readTimeout: number | undefined,
  host: BmsHost,
  begin: Begin = (link, codec, options) => createExchange(link, codec, options, { retries: 1, readTimeout }, host),
): Promise<Found> {
  let link: Link | undefined;
  let kind = '';
  let opened: Codec | undefined;
  const heard: Heard[] = [];
  const hangUps: CommandError[] = [];

  const hangUp = async (): Promise<void> => {
    await link?.close();
    link = undefined;
    opened = undefined;
  };

  /** Has a link to put this question on. */
  async function reach(codec: Codec): Promise<Link> {
    if (link && kind !== wire.kind(codec)) await hangUp();
    if (link) await host.clock.sleep(betweenProbes, host.signal);
    link ??= await wire.connect(codec);
    kind = wire.kind(codec);
    return link;
  }

  /** Puts one question. Resolves to what was found, undefined when nothing of that language came. */
  async function put(on: Link, { codec, request, times = 1, options, variant }: Question): Promise<Found | undefined> {
    const merged = { ...given, ...options };
    const patience = { retries: times, readTimeout };
    const exchange = begin(on, codec, merged);
    // A module that waits for its password answers no question before.
    if (opened !== codec) await exchange.open(patience);
    opened = codec;
    const question = { ...request, optional: true };
    let frames = await exchange.ask(question, patience);
    // Somebody answers in this language, only badly: once more.
    if (frames.length === 0 && isDamaged(exchange.tally.totals())) frames = await exchange.ask(question, patience);
    if (frames.length > 0 && variant) throw unsupported(wire.name, variant);
    if (frames.length > 0) return { codec, options: merged, link: on, exchange, isOpen: true };
    heard.push({ codec, ...exchange.tally.totals() });
    // The next exchange would know only the rest of it.
    await exchange.settled();
    return undefined;
  }

  try {
    for (const question of questions(wire, candidates, given)) {
      // What is gone after it hung up is told by its hanging up.
      const on = await reach(question.codec).catch((error: unknown) => {
        throw host.signal.aborted ? error : (hangUps[0] ?? error);
      });
      try {
        const found = await put(on, question);
        if (!found) continue;
        host.log.debug(`${wire.name}: answers as ${found.codec.name}`);
        link = undefined;
        return found;
      } catch (error) {
        if (!isHangUp(error)) throw error;
        hangUps.push(error);
        if (hangUps.length === mostHangUps) throw hangUps[0];
        await hangUp();
      }
    }
  } finally {
    await link?.close();
  }
  throw hangUps[0] ?? unknown(wire, given, heard);
}
