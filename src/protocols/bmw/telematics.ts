import { isJsonObject, type JsonObject } from '../../records/json.ts';
import type { VoltRecord } from '../../records/record.ts';
import { formatTime, parseTime } from '../../records/time.ts';

/** One value of BMW CarData. Everything in it may be missing or null; numbers may be quoted. */
export interface DataPoint {
  /** When the value was taken or left the vehicle: RFC 3339 in UTC, with or without milliseconds. */
  timestamp?: string | null;
  value?: unknown;
  unit?: string | null;
}

/** The way that a message took: BMW's broker, BMW's REST interface, or somebody's mirror broker. */
export type Via = 'stream' | 'rest' | 'mirror';

/** BMW CarData values as a record, the same for all ways. */
export interface BmwTelematics extends VoltRecord {
  type: 'bmw_telematics';
  vin?: string;
  via?: Via;
  received_at?: string;
  sent_at?: string;
  /** Descriptor → data point, untouched. */
  data: Record<string, DataPoint>;
}

/** What lies around the values in BMW's own JSON. */
export interface Envelope {
  vin: string | undefined;
  /** BMW's time stamp of the message, as it was written; of a capture without one, when it was received. */
  sentAt: string | undefined;
  data: Record<string, DataPoint>;
}

/** What the caller knows about a message beyond its text. */
export interface Arrival {
  via: Via;
  /** Our clock when it came, in milliseconds since 1970. */
  receivedAt: number;
  /** For an answer of the REST interface, which doesn't name its vehicle. */
  vin?: string;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** `{gcid}/{VIN}`, or the VIN alone, as mirrors and BMW's own `topic` have it. */
const vinOfTopic = (topic: unknown): string | undefined => text(text(topic)?.split('/').at(-1));

/** Descriptors begin with `vehicle.`: an object with only such keys is the values without an envelope. */
const isBare = (message: JsonObject): boolean => {
  const keys = Object.keys(message);
  return keys.length > 0 && keys.every((key) => key.startsWith('vehicle.') && isJsonObject(message[key]));
};

/** A payload as a subscriber captured it: JSON, or the text that it came as (`mosquitto_sub -F %j`). */
function payloadOf(payload: unknown): unknown {
  if (typeof payload !== 'string' || !payload.startsWith('{')) return payload;
  try {
    return JSON.parse(payload);
  } catch {
    return undefined;
  }
}

/**
 * Recognises BMW's JSON in the shapes that it is met in:
 *
 * - a stream message `{vin, entityId, topic, timestamp, data}`, of which anything but `data` may be missing, or the record
 *   that was made of one;
 * - an answer of the REST interface, `{telematicData}`;
 * - a capture of a subscriber, `{topic, payload, received_at, …}` with one of these as payload, as JSON or as text;
 * - the values alone, descriptor → data point.
 *
 * @returns undefined for anything else
 */
export function openEnvelope(message: unknown): Envelope | undefined {
  if (!isJsonObject(message)) return undefined;
  const payload = payloadOf(message.payload);
  if (isJsonObject(payload)) {
    const inner = openEnvelope(payload);
    if (!inner) return undefined;
    const { vin = vinOfTopic(message.topic), sentAt = text(message.received_at) } = inner;
    return { ...inner, vin, sentAt };
  }
  const data = isJsonObject(message.data)
    ? message.data
    : isJsonObject(message.telematicData)
      ? message.telematicData
      : undefined;
  if (!data && !isBare(message)) return undefined;
  return {
    vin: data && (text(message.vin) ?? vinOfTopic(message.topic)),
    sentAt: data && (text(message.timestamp) ?? text(message.sent_at)),
    data: (data ?? message) as Record<string, DataPoint>,
  };
}

/** The newest time stamp among the values, in milliseconds since 1970; NaN when none has one. */
export function newestTime(data: Readonly<Record<string, DataPoint>>): number {
  let newest = Number.NaN;
  for (const point of Object.values(data)) {
    const time = parseTime(point?.timestamp);
    if (!(time <= newest) && !Number.isNaN(time)) newest = time;
  }
  return newest;
}

/**
 * Makes the `bmw_telematics` record of one message. BMW's values stay untouched in `data`; `time` is the newest time stamp among
 * them, else that of the message, else our own; topic and gcid are left out.
 *
 * @returns undefined when the message has none of BMW's shapes
 */
export function toRecord(message: unknown, arrival: Arrival): BmwTelematics | undefined {
  const envelope = openEnvelope(message);
  if (!envelope) return undefined;
  const vin = envelope.vin ?? arrival.vin;
  const sentAt = parseTime(envelope.sentAt);
  const measured = newestTime(envelope.data);
  const known = [measured, sentAt].find((time) => !Number.isNaN(time)) ?? arrival.receivedAt;
  return {
    type: 'bmw_telematics',
    time: formatTime(known),
    ...(vin !== undefined && { vin }),
    via: arrival.via,
    received_at: formatTime(arrival.receivedAt),
    ...(!Number.isNaN(sentAt) && { sent_at: formatTime(sentAt) }),
    data: envelope.data,
  };
}
