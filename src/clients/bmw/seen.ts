import type { BmwTelematics } from '../../protocols/bmw/telematics.ts';
import { formatTime } from '../../records/time.ts';
import type { Context } from '../../runtime/context.ts';

/** VIN → descriptor → when it last came (RFC 3339): `<data dir>/bmw-seen.json`. */
export type Seen = Record<string, Record<string, string>>;

/** The document of {@link Seen}. */
export const seenState = 'bmw-seen';

/** Keeps account of which descriptors ever came from which vehicle, since the choice in BMW's portal gets lost now and then. */
export interface SeenKeeper {
  note(record: BmwTelematics): void;
  /** Writes what is new; does nothing when there is nothing. */
  save(): Promise<void>;
}

const saveEvery = 60_000;
/** Where the descriptors of messages are kept that named no vehicle. */
export const unknownVehicle = 'unknown';

/** Notes in memory, and writes at most once a minute: the file may be on an SD card. */
export function seenKeeper(ctx: Pick<Context, 'state' | 'clock' | 'log'>): SeenKeeper {
  const state = ctx.state<Seen>(seenState);
  let fresh: Seen = {};
  let waiting: (() => void) | undefined;

  const save = async (): Promise<void> => {
    waiting?.();
    waiting = undefined;
    const news = fresh;
    fresh = {};
    if (Object.keys(news).length === 0) return;
    try {
      await state.update((before) => merge(before ?? {}, news));
    } catch (error) {
      fresh = merge(news, fresh);
      ctx.log.lost('seen', `list of descriptors: ${(error as Error).message}`);
    }
  };

  return {
    note(record) {
      const at = formatTime(ctx.clock.now());
      const vin = record.vin ?? unknownVehicle;
      const known = fresh[vin] ?? {};
      fresh[vin] = known;
      for (const [descriptor, point] of Object.entries(record.data)) if (point?.value != null) known[descriptor] = at;
      waiting ??= ctx.clock.after(saveEvery, () => void save(), { idle: true });
    },
    save,
  };
}

function merge(before: Seen, news: Seen): Seen {
  const merged: Seen = { ...before };
  for (const [vin, descriptors] of Object.entries(news)) merged[vin] = { ...merged[vin], ...descriptors };
  return merged;
}
