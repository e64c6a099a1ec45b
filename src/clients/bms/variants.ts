import type { Codec, CodecOptions, Probe, Variant } from '../../protocols/bms/codec.ts';
import { type CommandError, fail } from '../../runtime/exit.ts';
import type { Link } from '../../transports/link.ts';
import { createExchange } from './exchange.ts';
import type { BmsHost } from './host.ts';

/** Silence between two questions of different protocols, so that a device that saw nonsense has forgotten it. */
export const betweenProbes = 300;

/** A question of a search. */
export interface Question extends Probe {
  /** Cuts what comes. */
  codec: Codec;
  /** Who answers this is a relative of the codec that can't be read. */
  variant?: Variant;
}

/** What to ask to recognise the relatives of a codec. */
export function variantQuestions(codec: Codec, options: CodecOptions): Question[] {
  const { opening: _, ...rest } = codec;
  return (codec.variants ?? []).map((variant) => ({
    codec: { ...rest, parser: variant.parser },
    request: { ...variant.request(options), optional: true },
    options: {},
    variant,
  }));
}

/** Asks a device that is silent whether it is a relative of the codec: throws {@link unsupported} if so. No other failure is its own. */
export async function refuseVariants(
  link: Link,
  codec: Codec,
  options: CodecOptions,
  readTimeout: number | undefined,
  host: BmsHost,
): Promise<void> {
  const patience = { retries: 1, readTimeout };
  for (const { codec: relative, request, variant } of variantQuestions(codec, options)) {
    await host.clock.sleep(betweenProbes, host.signal);
    const exchange = createExchange(link, relative, options, patience, host);
    const frames = await exchange.ask(request).catch(() => []);
    if (frames.length > 0) throw unsupported(link.name, variant!);
  }
}

/** The failure of a device that is recognised and can't be read. 76. */
export const unsupported = (name: string, { name: what }: Variant): CommandError =>
  fail(
    'protocol',
    `${name}: it is ${what}: a variant that is not supported`,
    'What --raw shows of it would help to have it read one day.',
  );
