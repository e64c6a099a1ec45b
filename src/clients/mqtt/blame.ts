import type { MqttFailure } from '../../transports/mqtt/failure.ts';

/**
 * Codes of DISCONNECT that can be about the message that was sent last (MQTT 5 section 3.14.2.1): unspecified, malformed, protocol
 * error, broker-specific, not authorised, topic name, packet too large, payload format, retain, QoS. All others are about the broker
 * or the client: shutting down, busy, taken over, moved.
 */
const aboutMessages: ReadonlySet<number> = new Set([128, 129, 130, 131, 135, 144, 149, 153, 154, 155]);
/** A broker that does not like a message says so at once, in milliseconds. */
const atOnce = 10_000;

/** Code of a message given up since the broker closes the connection on it without a word: MQTT 5, unspecified error. */
const unspecified = 128;

/** How a connection ended on which messages were under way and none of a record had got through. */
export interface BarrenEnd {
  why: MqttFailure;
  /** Milliseconds since the broker last acknowledged something, or the first message was sent. */
  silent: number;
  /** The broker had acknowledged another message over the same connection. */
  tookOthers: boolean;
}

/**
 * The code with which the broker seems to refuse the message that was under way, or undefined: it has said nothing about it. Our own
 * time-outs, a broker that goes, one that closes later than at once are no answer; nor is a reset, the sign of a bad line, unless the
 * same connection had just carried another message: mosquitto resets on a packet that is too large for it, of which it leaves the rest unread.
 */
export function blamed({ why: { kind, code = unspecified }, silent, tookOthers }: BarrenEnd): number | undefined {
  if (silent > atOnce) return undefined;
  if (kind === 'disconnected') return aboutMessages.has(code) ? code : undefined;
  return kind === 'closed' || (kind === 'network' && tookOthers) ? unspecified : undefined;
}
