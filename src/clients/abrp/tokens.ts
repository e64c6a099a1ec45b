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
  const named = new Map(Object.entries(byVin).map(([vin, token]) => [fold(vin), token]));
  const wanted = vins.map(fold);
  let owner = wanted.length === 1 ? wanted[0] : undefined;
  const wants = (vin: string): boolean => wanted.length === 0 || wanted.includes(fold(vin));
  return {
    wants,
    vehicles: [...named.keys()].filter(wants).length + (single === undefined ? 0 : 1),
    of(vin) {
      if (!wants(vin)) return undefined;
      const id = fold(vin);
      const token = named.get(id);
      if (token !== undefined || single === undefined) return token;
      owner ??= id;
      return owner === id ? single : undefined;
    },
  };
}

/** VINs are upper case; people write them as they like. */
const fold = (vin: string): string => vin.toUpperCase();
