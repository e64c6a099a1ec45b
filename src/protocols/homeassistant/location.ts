import type { VoltRecord } from '../../records/record.ts';

/**
 * Where the last position of a vehicle is kept, below the topic of its records. They carry a position only while it is fresh, and the
 * retained one of a parked car has none: after a restart of Home Assistant nobody would know where it is.
 */
export const locationTopic = (telemetryTopic: string): string => `${telemetryTopic}/location`;

/** A position as Home Assistant's tracker reads it, with the time since when the vehicle has been there. */
export interface Location {
  topic: string;
  payload: { latitude: number; longitude: number; time?: string };
}

/** Notices that vehicles move. */
export interface Locations {
  /** The position in a record that goes to this topic, when it is another one than before. */
  take(record: VoltRecord, topic: string | undefined): Location | undefined;
}

/** Makes one that knows no position yet. */
export function createLocations(): Locations {
  const last = new Map<string, string>();
  return {
    take({ type, time, lat, lon }, topic) {
      if (type !== 'vehicle_telemetry' || topic === undefined) return undefined;
      if (typeof lat !== 'number' || typeof lon !== 'number') return undefined;
      const place = `${lat} ${lon}`;
      if (last.get(topic) === place) return undefined;
      last.set(topic, place);
      return {
        topic: locationTopic(topic),
        payload: { latitude: lat, longitude: lon, ...(time !== undefined && { time }) },
      };
    },
  };
}
