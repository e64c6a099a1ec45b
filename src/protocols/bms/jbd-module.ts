/*
 * The Bluetooth module of a JBD pack (2023 and later): until it has its password, every DD request stays unanswered.
 *
 *   FF AA command length data… sum8    sum over command, length and data
 *   15 app key "000000" → 00 password needed, 01 rejected, 02 no password
 *   17 → a random byte r
 *   18 six bytes ((mac[i] ^ password[i]) + r) & 255 → 00 right, 01 wrong
 *   1D fifteen bytes of "JBDbtpwd!@#2023", mac continued with zeros, the same arithmetic: the root level, not needed for reading
 *
 * Source: recorded sessions of syssi/esphome-jbd-bms, docs/ffaa-auth-flow.
 */
import type { CodecOptions, Frame, Request } from './codec.ts';
import { type Cut, sum } from './framing.ts';

const appKey = 0x15;
const random = 0x17;
const password = 0x18;
const longest = 0x14;
const rejected = 1;

/** Judges a frame of the module at `at`. */
export function cutModuleFrame(bytes: Uint8Array, at: number, end: number): Cut | undefined {
  if (end - at < 2) return undefined;
  if (bytes[at + 1] !== 0xaa) return { rejection: { rejected: 'noise', detail: '1 byte' }, size: 1 };
  if (end - at < 4) return undefined;
  const length = bytes[at + 3]!;
  const size = length + 5;
  if (length > longest) return { rejection: { rejected: 'length', bytes: bytes.slice(at, at + 4) }, size: 4 };
  if (end - at < size) return undefined;
  const whole = bytes.subarray(at, at + size);
  if ((sum(bytes, at + 2, at + size - 1) & 0xff) !== bytes[at + size - 1]) {
    return { rejection: { rejected: 'checksum', bytes: whole }, size };
  }
  const data = bytes.subarray(at + 4, at + 4 + length);
  return { frame: { layer: 'module', code: bytes[at + 2]!, data, bytes: whole }, size };
}

/** A request to the module. */
export function moduleRequest(command: number, data: ArrayLike<number> = []): Uint8Array {
  const body = Uint8Array.of(command, data.length, ...Array.from(data));
  return Uint8Array.of(0xff, 0xaa, ...body, sum(body, 0, body.length) & 0xff);
}

/** What stands for the password on the air: `((mac ^ text) + random) & 255`, the mac continued with zeros. */
export function veiled(text: string, mac: readonly number[], randomByte: number): number[] {
  return Array.from(text, (char, i) => (((mac[i] ?? 0) ^ (char.charCodeAt(0) & 0xff)) + randomByte) & 0xff);
}

const ask = (what: string, command: number, data: ArrayLike<number>, more: Partial<Request>): Request => ({
  what,
  bytes: moduleRequest(command, data),
  accepts: ({ layer, code }) => layer === 'module' && code === command,
  ...more,
});

const digits = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0) & 0xff);

/** Gives the module its password, when the user gave us one. A module without the layer stays silent, which is as good. */
export function* unlock({ address, password: secret }: CodecOptions): Generator<Request, void, readonly Frame[]> {
  if (address === undefined || secret === undefined) return;
  const mac = address.split(/[:-]/).map((part) => Number.parseInt(part, 16));
  const introduce = (more: Partial<Request>) => ask('app key of the Bluetooth module', appKey, digits('000000'), more);
  const [state] = yield introduce({ optional: true });
  if (state?.data[0] === rejected) {
    yield introduce({ refusal: ([frame]) => (frame?.data[0] === rejected ? 'it is rejected' : undefined) });
  }
  if (state?.data[0] !== 0 || mac.length !== 6) return;
  const [drawn] = yield ask('random byte of the Bluetooth module', random, [], {});
  yield ask('password of the Bluetooth module', password, veiled(secret.slice(0, 6), mac, drawn?.data[0] ?? 0), {
    secret: true,
    refusal: ([frame]) => (frame?.data[0] === 0 ? undefined : 'the password is wrong'),
  });
}
