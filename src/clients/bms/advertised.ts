import type { Advertised } from '../../protocols/bms/identify.ts';
import type { Sighting } from '../../transports/ble/messages.ts';

const longestName = 64;

/** A name from the air as it can be shown: anybody may put anything into it. Undefined when nothing is left. */
export function cleanName(name: string | undefined): string | undefined {
  const clean = name
    ?.replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\ufffd]/gu, '')
    .trim()
    .slice(0, longestName);
  return clean === '' ? undefined : clean;
}

/** A sighting as the identification sees it, whoever asks for it: a scan, a search, or who connects. */
export function advertisedOf({ address, name, services, manufacturerData }: Sighting): Advertised {
  return {
    address,
    name: cleanName(name),
    services,
    manufacturerData: manufacturerData.map((record) => Buffer.from(record, 'hex')),
  };
}
