/** Knows when a vehicle's round is over: when none of its devices is being read, or waits for its turn, any longer. */
export interface Rounds {
  /** A device of the vehicle is to be read. */
  begin(vehicle: string | undefined): void;
  /** It has been read, or could not be. */
  end(vehicle: string | undefined): void;
  /** Whether the vehicle has had a round since this was last true. */
  isOver(vehicle: string): boolean;
}

/** Makes the account of rounds. A device that waits for its next try holds nobody up. */
export function createRounds(): Rounds {
  const active = new Map<string, number>();
  const fresh = new Set<string>();
  const add = (vehicle: string | undefined, change: number): void => {
    if (vehicle !== undefined) active.set(vehicle, (active.get(vehicle) ?? 0) + change);
  };
  return {
    begin: (vehicle) => add(vehicle, 1),
    end(vehicle) {
      add(vehicle, -1);
      if (vehicle !== undefined) fresh.add(vehicle);
    },
    isOver: (vehicle) => active.get(vehicle) === 0 && fresh.delete(vehicle),
  };
}
