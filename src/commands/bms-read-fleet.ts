import { startFleet } from '../clients/bms/fleet/fleet.ts';
import type { FleetHost } from '../clients/bms/fleet/host.ts';
import { type ReaderMeans, registryReader } from '../clients/bms/fleet/reader.ts';
import type { VoltRecord } from '../records/record.ts';
import { openRegistry } from '../registry/store.ts';
import { systemOptions } from '../registry/system-options.ts';
import type { Context } from '../runtime/context.ts';
import { exit, fail } from '../runtime/exit.ts';
import type { Options } from '../runtime/options.ts';

/** Records that wait for a slow reader. */
const mostWaiting = 10_000;

/** The options of `bms-read --registry`. */
export const fleetOptions = {
  registry: { type: 'flag', summary: 'read every device of the registry, each at its own interval; see A FLEET' },
  backoff: {
    type: 'number',
    min: 1,
    max: 10,
    default: 1,
    key: 'bms.backoff',
    summary: 'with --registry: each wait between tries is the last one times this',
  },
  statusInterval: {
    type: 'duration',
    default: 60_000,
    key: 'bms.statusInterval',
    summary: 'with --registry: time between two system_status records; 0: none',
  },
  maxConnections: { ...systemOptions.bluetooth.maxConnections, configOnly: false },
  initialScan: { ...systemOptions.discovery.initialScan, configOnly: false },
  scanInterval: { ...systemOptions.discovery.periodicInterval, configOnly: false },
  watch: { type: 'flag', summary: 'show the batteries live on the terminal' },
} as const satisfies Options;

type FleetContext = Pick<
  Context<typeof fleetOptions>,
  'opts' | 'once' | 'dataDir' | 'clock' | 'log' | 'signal' | 'lock' | 'queue' | 'alive' | 'unready' | 'metric'
>;

/** What reading takes beyond the fleet's own options. */
export interface FleetMeans {
  /** How a device is asked, by the settings of the moment. */
  how(): ReaderMeans;
  /** Calls `fn` with the options when they are others, and {@link FleetMeans.how} follows them. */
  onReload: Context<typeof fleetOptions>['onReload'];
  scan?: FleetHost['scan'];
  air?: Parameters<typeof registryReader>[2];
}

/** Reads what the registry knows, until the run is stopped or, with `--once`, for one round: then 69 says that a device was not read. */
export async function* readFleet(ctx: FleetContext, means: FleetMeans): AsyncGenerator<VoltRecord, number, void> {
  const { opts, clock, log, signal } = ctx;
  const registry = openRegistry({ dataDir: ctx.dataDir, clock });
  const records = ctx.queue({ max: mostWaiting, policy: 'drop-oldest' });
  const put = (record: VoltRecord): void => records.push(record);
  const polls = ctx.metric('bms_polls_total', 'polls of a device by result');
  const fleet = startFleet(
    {
      clock,
      log,
      signal,
      registry,
      read: registryReader(ctx, () => ({ ...means.how(), onPushed: put }), means.air),
      scan: means.scan,
      put,
      alive: ctx.alive,
      unready: ctx.unready,
      polled: (id, result, count) => polls.add(count, { device_id: id, result }),
    },
    { once: ctx.once, ...opts },
  );
  const next = 'registry add makes one known, registry set sets up one that was found.';
  if (fleet.size === 0 && !ctx.once) log.info(`no device of the registry is set up yet. ${next}`);
  const takeUp = (): void => {
    try {
      fleet.reload();
      log.recovered('registry files', 'registry taken up');
    } catch (error) {
      log.lost('registry files', `registry kept as it was: ${(error as Error).message}`);
    }
  };
  const stopWatching = registry.watch(takeUp);
  means.onReload((now) => {
    fleet.configure({ once: ctx.once, ...now });
    // A registry that is broken meanwhile is no fault of the options, which are in force now.
    takeUp();
  });
  let isWhole = false;
  void records.endWith(
    fleet.done.then((whole) => {
      isWhole = whole;
    }),
  );
  try {
    yield* records;
  } finally {
    stopWatching();
  }
  if (ctx.once && fleet.size === 0) throw fail('config', 'no device of the registry is set up', next);
  return isWhole ? exit.ok : exit.unavailable;
}
