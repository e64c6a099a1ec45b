import type { Codec, CodecOptions } from '../../protocols/bms/codec.ts';
import type { Link } from '../../transports/link.ts';
import { type BmsHost, createExchange } from './exchange.ts';
import { type Heard, isDamaged, unknown } from './silence.ts';
import { betweenProbes, type Question, unsupported, variantQuestions } from './variants.ts';

/** What a probe found: how to talk to the device, on the link that is open to it. */
export interface Found {
  codec: Codec;
  options: CodecOptions;
  link: Link;
  /** What the codec begins a connection with has been done on it. */
  isOpen: boolean;
}

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

/**
 * Finds out by asking, in the order of the candidates, which of them the device understands. Only questions that change nothing.
 * Candidates that can't be told by asking are left out.
 *
 * @throws exit status 69 when none of them gets an answer, 76 when what came is something else
 */
export async function probe(
  wire: Wire,
  candidates: readonly Codec[],
  given: CodecOptions,
  readTimeout: number | undefined,
  host: BmsHost,
): Promise<Found> {
  let link: Link | undefined;
  let kind = '';
  let opened: Codec | undefined;
  const heard: Heard[] = [];
  try {
    for (const { codec, request, times = 1, options, variant } of questions(wire, candidates, given)) {
      if (link && kind !== wire.kind(codec)) {
        await link.close();
        link = undefined;
      }
      if (link) await host.clock.sleep(betweenProbes, host.signal);
      link ??= await wire.connect(codec);
      kind = wire.kind(codec);
      const merged = { ...given, ...options };
      const patience = { retries: times, readTimeout };
      const exchange = createExchange(link, codec, merged, patience, host);
      // A module that waits for its password answers no question before.
      if (opened !== codec) await exchange.open();
      opened = codec;
      const question = { ...request, optional: true };
      let frames = await exchange.ask(question, patience);
      // Somebody answers in this language, only badly: once more.
      if (frames.length === 0 && isDamaged(exchange.tally.totals())) frames = await exchange.ask(question, patience);
      if (frames.length > 0 && variant) throw unsupported(wire.name, variant);
      if (frames.length > 0) {
        host.log.debug(`${wire.name}: answers as ${codec.name}`);
        const found = { codec, options: merged, link, isOpen: true };
        link = undefined;
        return found;
      }
      heard.push({ codec, ...exchange.tally.totals() });
    }
  } finally {
    await link?.close();
  }
  throw unknown(wire, heard);
}
