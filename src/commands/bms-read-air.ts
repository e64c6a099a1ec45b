import { advertisedOf } from '../clients/bms/advertised.ts';
import { airWire } from '../clients/bms/air-wire.ts';
import type { Bluetooth } from '../clients/bms/bluetooth.ts';
import { hostOf } from '../clients/bms/host.ts';
import { certainFamily, candidates as likelyFamilies } from '../protocols/bms/identify.ts';
import type { Found } from '../registry/changes.ts';
import type { Context } from '../runtime/context.ts';
import type { Options } from '../runtime/options.ts';
import type { Sighting } from '../transports/ble/messages.ts';
import { NoAdapter } from '../transports/ble/preflight.ts';
import type { FleetMeans } from './bms-read-fleet.ts';

type AirContext = Pick<Context<Options>, 'clock' | 'log' | 'signal'>;
interface AirSettings {
  adapter?: string | undefined;
  connectionTimeout: number;
  scanDuration: number;
}

/**
 * What the fleet of `bms-read --registry` has of Bluetooth: the way to a device, and the search for new ones.
 *
 * @param settings those of the moment: a changed configuration holds for what begins then
 */
export function airOfFleet(
  ctx: AirContext,
  bluetooth: Bluetooth,
  settings: () => AirSettings,
): Required<Pick<FleetMeans, 'air' | 'scan'>> {
  const { log } = ctx;
  return {
    air: async (address, signal) => airWire(bluetooth, address, settings().connectionTimeout, hostOf(ctx, { signal })),
    async scan(signal) {
      const seen = new Map<string, Sighting>();
      const { adapter, scanDuration } = settings();
      try {
        await bluetooth.scan(scanDuration, (sighting) => seen.set(sighting.id, sighting), signal);
      } catch (error) {
        // Packs on wires need no Bluetooth: a machine without any is no fault.
        if (adapter !== undefined || !(error instanceof NoAdapter)) throw error;
        log.debug(error.message);
      }
      return [...seen.values()].flatMap(foundOf);
    },
  };
}

/** A monitor as the registry takes it, with its type where that is certain; other devices are none. */
export function foundOf(sighting: Sighting): Found[] {
  const advertised = advertisedOf(sighting);
  if (likelyFamilies(advertised).length === 0) return [];
  const family = certainFamily(advertised);
  return [{ mac_address: sighting.id, ...(family !== undefined && { device_type: family }) }];
}
