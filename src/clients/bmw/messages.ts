import { type BmwTelematics, toRecord, type Via } from '../../protocols/bmw/telematics.ts';
import { fail } from '../../runtime/exit.ts';
import type { MqttMessage } from '../../transports/mqtt/client.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });
const vinLike = /^[A-HJ-NPR-Z0-9]{17}$/;
/** No message of BMW's is anywhere near this; a longer one would be no line that the next command reads. */
const longest = 1 << 20;

/** A VIN as BMW writes it: 17 characters, upper case. */
export const isVin = (text: string): boolean => vinLike.test(text);

/** Refuses what is no VIN, in whatever case, with exit status 78. */
export function checkVins(vins: readonly string[]): void {
  const bad = vins.find((vin) => !isVin(vin.toUpperCase()));
  if (bad !== undefined) throw fail('config', `bmw.vin: '${bad}' is no VIN`, 'A VIN has 17 letters and digits.');
}

/** Makes the record of one MQTT message; a text says why it can't be. */
export function recordOf(message: MqttMessage, via: Via, receivedAt: number): BmwTelematics | string {
  if (message.payload.length > longest) return 'longer than 1 MiB';
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(message.payload));
  } catch (error) {
    return error instanceof SyntaxError ? 'not JSON' : 'not UTF-8';
  }
  const vin = message.topic.split('/').find(isVin);
  return toRecord(json, { via, receivedAt, ...(vin !== undefined && { vin }) }) ?? 'not a CarData message';
}
