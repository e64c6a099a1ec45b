/** Whose token a vehicle's points are sent with. */
export interface Tokens {
  /** The token of a vehicle; '' is a vehicle whose records name none. Undefined: it has none. */
  of(vin: string): string | undefined;
  /** Whether the vehicle is one to push. */
  wants(vin: string): boolean;
  /** How many vehicles can have one at most. */
  readonly vehicles: number;
}

/**
 * A token belongs to one vehicle. Those of `byVin` are named; `single` belongs to `vins`' only entry, else to the first vehicle
 * that has none of its own: never to two, since their points would be mixed into one car.
 *
 * @param vins when not empty, no other vehicle has a token
 */
export function createTokens(
  byVin: Readonly<Record<string, string>>,
  single: string | undefined,
  vins: readonly string[],
): Tokens {
  let owner = vins.length === 1 ? vins[0] : undefined;
  const wants = (vin: string): boolean => vins.length === 0 || vins.includes(vin);
  return {
    wants,
    vehicles: Object.keys(byVin).filter(wants).length + (single === undefined ? 0 : 1),
    of(vin) {
      if (!wants(vin)) return undefined;
      const named = Object.hasOwn(byVin, vin) ? byVin[vin] : undefined;
      if (named !== undefined || single === undefined) return named;
      owner ??= vin;
      return owner === vin ? single : undefined;
    },
  };
}
