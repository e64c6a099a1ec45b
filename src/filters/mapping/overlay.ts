import type { Mapping } from './model.ts';

/** Puts mappings one over the other: a field that a later one names replaces that of the earlier, with all its candidates. */
export function overlay(...mappings: readonly Mapping[]): Mapping {
  return new Map(mappings.flatMap((mapping) => [...mapping]));
}
