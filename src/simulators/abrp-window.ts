/** A point that the simulator took. */
export interface AbrpPoint {
  /** Number of the token, from 1. */
  vehicle: number;
  method: 'send' | 'bulk';
  /** Milliseconds since 1970. */
  receivedAt: number;
  tlm: Readonly<Record<string, unknown>>;
}

/** ABRP waits this long for data of other sources before it looks at what came. */
const processingWindow = 60_000;

/** What ABRP holds of one vehicle. */
export interface VehicleWindow {
  take(point: AbrpPoint): void;
  /** The newest point that is processed: one after whose window more data came. */
  processed(): AbrpPoint | undefined;
}

/**
 * ABRP's processing: data that arrives within 60 s is one window, and a window is processed when the first data outside of it
 * arrives. Whoever sends only within one window never sees anything of it.
 */
export function vehicleWindow(): VehicleWindow {
  let openedAt: number | undefined;
  let newest: AbrpPoint | undefined;
  let shown: AbrpPoint | undefined;
  const utc = (point: AbrpPoint | undefined): number => Number(point?.tlm.utc ?? Number.NEGATIVE_INFINITY);
  return {
    take(point) {
      if (openedAt === undefined || point.receivedAt - openedAt >= processingWindow) {
        shown = newest ?? shown;
        openedAt = point.receivedAt;
      }
      if (utc(point) >= utc(newest)) newest = point;
    },
    processed: () => shown,
  };
}
