import type { BatteryFields } from './fields.ts';

/**
 * The one shape of a battery monitor's codec: data and pure functions, no I/O, no clock. What `src/protocols/bms/index.ts` lists and
 * what a user's own `--driver ./mine.mjs` exports as `codec`.
 *
 * A codec says what to ask (`Task.requests`), cuts the answers out of a stream of bytes (`parser`), and says what they mean
 * (`Task.decode`). Sending, waiting, retrying and giving up are the exchange's alone (`src/clients/bms`).
 */
export interface Codec {
  /** What `--type` calls it: `jbd`, `daly-a5`. */
  name: string;
  /** The `device_type` of its records, shared by dialects: `daly`. */
  family: string;
  /** One phrase for help and lists, without full stop. */
  summary: string;
  /** A parser for one connection. */
  parser(options: CodecOptions): Parser;
  /** What is asked for one reading, and what the answers say. */
  reading: Task<Reading>;
  /** Versions, hardware, counters: `--info`. */
  info?: Task<Info>;
  /** The device's own log: `--history`. */
  history?: Task<History>;
  /** What it tells by itself, beside any answer, such as an engine start: records of their own, whenever they come. */
  pushed?: Pushed;
  /** Requests once a connection stands, before any task: a password. Their answers are judged by the requests themselves. */
  opening?(options: CodecOptions): Requests;
  /** Questions that show whether this codec is the right one, in the order to try; none: it can't be told by asking. */
  probes?(options: CodecOptions): readonly Probe[];
  /** Relatives on a wire that answer nothing of this codec: known by an answer of their own, so that they are refused by name. */
  variants?: readonly Variant[];
  /**
   * Requests that set the charge and discharge switches, sent under `--allow-write` alone and checked by a reading
   * afterwards. A rejection when the user has to say more.
   */
  switching?(change: Switches, now: BatteryFields, options: CodecOptions): readonly Request[] | Rejection;
  /** The next step to name when it never answers: `Wake it with its button`. Undefined: the usual one. */
  whenSilent?: (options: CodecOptions) => string | undefined;
  timing: Timing;
  /** Serial settings; absent: Bluetooth only. */
  serial?: SerialSettings;
  /** Where to subscribe and write, in the order to try; absent: serial only. */
  gatt?: readonly Gatt[];
}

/** What a user can say about the device; a codec takes what concerns it. */
export interface CodecOptions {
  /** Number of the board on a shared bus, from 1. */
  board?: number;
  /** The firmware's sign of the current is the other way round. */
  invertCurrent?: boolean;
  /** Daly A5: the address that we speak from (0x40 or 0x80), as a probe found it. */
  host?: number;
  /** Daly A5: what unused bytes of a request hold, as a probe found it. */
  fill?: number;
  /** Bluetooth address of the device, `A4:C1:37:00:5E:07`, when there is one. */
  address?: string;
  /** Password of the Bluetooth module. */
  password?: string;
  /** How many pages of history to ask for. */
  pages?: number;
}

/** One thing that a device can be asked for. */
export interface Task<T> {
  /** What to ask, in order. */
  requests(options: CodecOptions): Requests;
  /** What the answers say, from all frames that were accepted, in the order of their arrival. A rejection when they can't mean it. */
  decode(frames: readonly Frame[], options: CodecOptions): T | Rejection;
}

/**
 * Requests, one at a time. A plain array where they are known beforehand; a generator where the next one depends on an answer:
 * `const [size] = yield sizeRequest; yield dataRequest(size)`. It gets the frames that its request accepted, none for an
 * optional one that stayed unanswered.
 */
export type Requests = Iterable<Request, unknown, readonly Frame[]>;

/** One request and what counts as its answer. */
export interface Request {
  /** In messages: `cell voltages`. */
  what: string;
  /** Absent: nothing is sent, the device speaks by itself (BM2). */
  bytes?: Uint8Array;
  /** Whether a frame belongs to this request, by its function and length. */
  accepts(frame: Frame): boolean;
  /** Whether the frames accepted so far are the whole answer. Absent: one frame is. */
  complete?(frames: readonly Frame[]): boolean;
  /** For answers of unknown length: silence of so many ms after a frame ends them too. */
  quiet?: number;
  /** The rest can go on without it: firmware that doesn't know it stays silent or refuses. After some silent rounds it is asked for now and then only. */
  optional?: boolean;
  /** Why the frames accepted are a refusal that no retry will mend: `the password is wrong`. */
  refusal?(frames: readonly Frame[]): string | undefined;
  /** Wait so many ms before it is sent. */
  after?: number;
  /** Its own time-out for the answer in ms, where the codec's is wrong. */
  response?: number;
  /** Changes the device: sent by {@link Codec.switching} under `--allow-write`, refused in every other task. */
  writes?: true;
  /** Must not be shown in logs: it carries a password. */
  secret?: true;
}

/** One question of {@link Codec.probes}. */
export interface Probe {
  request: Request;
  /** How often to send it; a sleeping device loses the first. Absent: once. */
  times?: number;
  /** Tried only when every other question to every candidate stayed unanswered. */
  late?: true;
  /** What a device that answers wants to be read with. */
  options: CodecOptions;
}

/** A device that is recognised and not read. */
export interface Variant {
  /** In messages: `a JBD of the UP series`. */
  name: string;
  parser(): Parser;
  /** A question that changes nothing and that no other device answers. */
  request(options: CodecOptions): Request;
}

/** One whole frame whose checksum held (a BM monitor: one decrypted block). */
export interface Frame {
  /** Function, register or command: what a request asks for and an answer repeats. */
  code: number;
  /** The payload, without header and checksum. */
  data: Uint8Array;
  /** The frame as it came (a BM monitor: decrypted). */
  bytes: Uint8Array;
  /** Address of the sender, on a bus. */
  address?: number;
  /** The device's own verdict; absent or 0: all right. */
  status?: number;
  /** Of another layer on the same characteristic, which carries no battery data: `module`. */
  layer?: string;
}

/** Bytes or frames that are not used, and the name of the reason. */
export interface Rejection {
  /**
   * `noise`, `checksum`, `tail`, `length`, `cut`, `request`, `too short`, `zero` (bytes that say nothing) …: a codec's opening comment
   * lists its own.
   */
  rejected: string;
  /** What it was about, for messages: `basic information has 3 bytes, 23 are needed`. */
  detail?: string;
  /** The bytes in question; of noise those of one push. */
  bytes?: Uint8Array;
}

/** What came out of the bytes pushed. */
export interface Parsed {
  frames: readonly Frame[];
  rejections: readonly Rejection[];
}

/**
 * Cuts frames out of a stream. It takes bytes in any pieces, never throws, keeps a bounded number of them, and after a bad frame
 * goes on with the byte behind its head, so that a torn frame never costs the next one.
 */
export interface Parser {
  /** Takes one serial read or one notification. */
  push(bytes: Uint8Array): Parsed;
  /** The line is silent or a new request goes out: what is pending will not be completed. */
  reset(): Parsed;
}

/** What a reading says. */
export interface Reading {
  fields: BatteryFields;
  /** For the user, said when they change: `cell 3 reads 5 V: its sense wire is open`. */
  remarks?: readonly string[];
}

/** What is known about the device itself, as the keys of a `device_info` record. */
export type Info = Readonly<Record<string, string | number | readonly string[] | Readonly<Record<string, number>>>>;

/** The device's own log. */
export interface History {
  /** False when the answer ended before its end was announced. */
  complete: boolean;
  /** Oldest first. */
  readings: readonly { /** Seconds before now. */ age: number; fields: BatteryFields }[];
}

/** What a device tells by itself, in one frame or several, between its answers or in the middle of one. */
export interface Pushed {
  /** In messages: `engine start`. */
  what: string;
  /** Whether a frame belongs to it; asked only of frames that the present request does not want. */
  accepts(frame: Frame): boolean;
  /** Whether the frames accepted so far are the whole of it. Absent: one frame is. */
  complete?(frames: readonly Frame[]): boolean;
  /** What it says. A rejection when it can't mean it. */
  decode(frames: readonly Frame[], options: CodecOptions): Happening | Rejection;
}

/** Something that happened, as a device tells it: a record beside its identity and its time. */
export interface Happening {
  /** The `type` of the record: `engine_start`. */
  type: string;
  /** How many seconds before the first frame it began. */
  age: number;
  fields: Readonly<Record<string, number | string | boolean | readonly number[]>>;
}

/** Which switches shall change to what. */
export interface Switches {
  charge?: boolean;
  discharge?: boolean;
}

/** Times in milliseconds. */
export interface Timing {
  /** How long an answer may take. */
  response: number;
  /** Silence between an answer and the next request. */
  gap: number;
  /** The first request on a connection is normally lost: send it again after this time. */
  wake?: number;
  /** How long a half frame may wait for its rest. */
  torn: number;
}

/** Settings of the serial port. */
export interface SerialSettings {
  baudRate: number;
  dataBits: 7 | 8;
  parity: 'none' | 'even' | 'odd';
  stopBits: 1 | 2;
}

/** One service of a Bluetooth device; UUIDs in short form, lower case. */
export interface Gatt {
  service: string;
  notify: string;
  write: string;
  /** How to write; `as-offered`: with response where the characteristic has it not the other way. */
  writeType: 'with-response' | 'without-response' | 'as-offered';
  /** Sent raw once, as soon as the subscription stands, to wake the link; an empty array is an empty write. */
  wake?: Uint8Array;
}

/** Nothing came out. */
export const nothing: Parsed = { frames: [], rejections: [] };

/** Whether a task's answer is a rejection. */
export const isRejection = (value: object): value is Rejection =>
  'rejected' in value && typeof value.rejected === 'string';
