import { explainSocket } from '../socket-failure.ts';

/**
 * Why there is no MQTT connection, or no longer.
 *
 * - `offline`: the broker's name cannot be resolved: most likely we are offline
 * - `network`: refused, reset, unreachable
 * - `timeout`: no answer in time, also to a SUBSCRIBE, a PUBLISH or a keep-alive
 * - `tls`: the handshake failed or the certificate was refused
 * - `refused`: CONNACK with a code
 * - `disconnected`: DISCONNECT of MQTT 5 with a code
 * - `closed`: the broker closed the connection without a word
 * - `protocol`: what came is not MQTT, or not as the standard has it
 * - `url`: the address is unusable
 * - `aborted`: the caller gave up
 */
export type MqttFailureKind =
  | 'offline'
  | 'network'
  | 'timeout'
  | 'tls'
  | 'refused'
  | 'disconnected'
  | 'closed'
  | 'protocol'
  | 'url'
  | 'aborted';

/** A connection that failed or ended. `reason` is the why alone, `code` the broker's own number. */
export class MqttFailure extends Error {
  readonly kind: MqttFailureKind;
  readonly reason: string;
  readonly code: number | undefined;

  constructor(kind: MqttFailureKind, reason: string, code?: number, options?: ErrorOptions) {
    super(code === undefined ? reason : `${reason} (code ${code})`, options);
    this.name = 'MqttFailure';
    this.kind = kind;
    this.reason = reason;
    this.code = code;
  }
}

/** Codes of CONNACK, SUBACK and DISCONNECT in words: MQTT 3.1.1 section 3.2.2.3 (1 to 5), MQTT 5 section 2.4. */
const reasonCodes: Readonly<Record<number, string>> = {
  1: 'protocol version not accepted',
  2: 'client id rejected',
  3: 'broker unavailable',
  4: 'bad user name or password',
  5: 'not authorised',
  128: 'unspecified error',
  129: 'malformed packet',
  130: 'protocol error',
  131: 'broker-specific error',
  132: 'protocol version not supported',
  133: 'client id not valid',
  134: 'bad user name or password',
  135: 'not authorised',
  136: 'broker unavailable',
  137: 'broker busy',
  138: 'banned',
  139: 'broker shutting down',
  140: 'bad authentication method',
  141: 'keep-alive time-out',
  142: 'session taken over by another client',
  143: 'topic filter not valid',
  144: 'topic name not valid',
  147: 'receive maximum exceeded',
  149: 'packet too large',
  150: 'message rate too high',
  151: 'quota exceeded',
  152: 'administrative action',
  153: 'payload format not valid',
  154: 'retain not supported',
  155: 'QoS not supported',
  156: 'use another server',
  157: 'server moved',
  159: 'connection rate exceeded',
  160: 'maximum connect time',
  162: 'wildcard subscriptions not supported',
};

/** What a code of CONNACK, SUBACK or DISCONNECT means. */
export const reasonOf = (code: number): string => reasonCodes[code] ?? 'unknown code';

/** All codes from 128 on that this file has words for. */
export const failureCodes: ReadonlyMap<number, string> = new Map(
  Object.entries(reasonCodes)
    .map(([code, reason]) => [Number(code), reason] as const)
    .filter(([code]) => code >= 0x80),
);

/** From this code on a SUBACK, PUBACK or DISCONNECT means failure. */
export const failureCode = 0x80;

/** What the codes of a socket mean here, where {@link explainSocket} has other words. */
const socketReasons: Readonly<Record<string, readonly [MqttFailureKind, string]>> = {
  EPIPE: ['network', 'connection reset'],
  ETIMEDOUT: ['timeout', 'no connection in time'],
  EPROTO: ['tls', 'the broker does not speak TLS, or not this version'],
};

/** Names what mqtt.js or the socket reported. */
export function explainMqtt(error: unknown): MqttFailure {
  if (error instanceof MqttFailure) return error;
  const { code, message = String(error) } = error as { code?: string | number; message?: string };
  const named = (kind: MqttFailureKind, reason: string, number?: number): MqttFailure =>
    new MqttFailure(kind, reason, number, { cause: error });
  if (typeof code === 'number') return named('refused', reasonOf(code), code);
  const known = socketReasons[code ?? ''];
  if (known) return named(...known);
  if (message === 'connack timeout') return named('timeout', 'no answer from the broker in time');
  if (message === 'Keepalive timeout') return named('timeout', 'the broker stopped answering keep-alives');
  if (code === undefined) return named('protocol', message);
  const { kind, message: reason } = explainSocket(error);
  return named(kind === 'offline' || kind === 'timeout' || kind === 'tls' ? kind : 'network', reason);
}
