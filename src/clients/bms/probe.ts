import type { Codec, CodecOptions, Probe } from '../../protocols/bms/codec.ts';
import type { Link } from '../../transports/link.ts';
import { type BmsHost, createExchange } from './exchange.ts';
import { type Heard, isDamaged, unknown } from './silence.ts';

/** What a probe found: how to talk to the device, on the link that is open to it. */
export interface Found {
  codec: Codec;
  options: CodecOptions;
  link: Link;
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

/** Every question to every candidate, the unlikely ones last. */
function questions(candidates: readonly Codec[], given: CodecOptions): (Probe & { codec: Codec })[] {
  const all = candidates.flatMap((codec) => (codec.probes?.(given) ?? []).map((one) => ({ ...one, codec })));
  return [...all.filter(({ late }) => !late), ...all.filter(({ late }) => late)];
}

/** Silence between two questions of different protocols, so that a device that saw nonsense has forgotten it. */
const betweenProbes = 300;

/**
 * Finds out by asking, in the order of the candidates, which of them the device understands. Only questions that change nothing.
 * Candidates that can't be told by asking are left out.
 *
 * @throws exit status 69 when none of them gets an answer, whatever else came
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
  const heard: Heard[] = [];
  try {
    for (const { codec, request, times = 1, options } of questions(candidates, given)) {
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
      const question = { ...request, optional: true };
      let frames = await exchange.ask(question, patience);
      // Somebody answers in this language, only badly: once more.
      if (frames.length === 0 && isDamaged(exchange.tally.totals())) frames = await exchange.ask(question, patience);
      if (frames.length > 0) {
        host.log.debug(`${wire.name}: answers as ${codec.name}`);
        const found = { codec, options: merged, link };
        link = undefined;
        return found;
      }
      heard.push({ codec, ...exchange.tally.totals() });
    }
  } finally {
    await link?.close();
  }
  throw unknown(wire.name, heard);
}
