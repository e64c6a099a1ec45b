import { type IdentityKey, identityKeys } from '../../records/record.ts';
import { bmw } from './bmw.ts';
import { bmwSpec } from './bmw-spec.ts';

/** A built-in mapping: one data file and one line below. */
export interface Preset {
  name: string;
  /** The record type that it reads. */
  reads: string;
  /** The identity keys that its records carry on; the first that is there names the vehicle. */
  identity: readonly IdentityKey[];
  /** In the form of a mapping file. */
  mapping: Readonly<Record<string, unknown>>;
}

const vehicle = ['vin', 'vehicle_id', 'vehicle_name'] as const;

/** The built-in mappings. The first that reads a type is the one used for it unless another is named. */
export const presets: readonly Preset[] = [
  { name: 'bmw', reads: 'bmw_telematics', identity: vehicle, mapping: bmw },
  { name: 'bmw-spec', reads: 'bmw_telematics', identity: vehicle, mapping: bmwSpec },
];

/**
 * The mappings to begin with: for each type the first that reads it, unless `wanted` names another that does; an empty one for a type
 * that none reads, and for all types when `wanted` is `none`.
 */
export function presetsFor(types: readonly string[], wanted: string | undefined): Preset[] {
  const named = presets.find(({ name }) => name === wanted);
  return [...new Set([...presets.map(({ reads }) => reads), ...types])].map((type) => {
    const usual = presets.find(({ reads }) => reads === type);
    const preset = named?.reads === type ? named : usual;
    if (preset && wanted !== 'none') return preset;
    return { name: type, reads: type, identity: usual?.identity ?? identityKeys, mapping: {} };
  });
}
