import {
  type Codec,
  type CodecOptions,
  type History,
  type Info,
  isRejection,
  type Switches,
  type Task,
} from '../../protocols/bms/codec.ts';
import type { BatteryFields } from '../../protocols/bms/fields.ts';
import type { VoltRecord } from '../../records/record.ts';
import { timestamp } from '../../runtime/clock.ts';
import { CommandError, exit, fail } from '../../runtime/exit.ts';
import { type Link, LinkError } from '../../transports/link.ts';
import { createExchange, type Patience } from './exchange.ts';
import { type BmsHost, hostOf } from './host.ts';
import { type Begin, type Found, probe, type Wire } from './probe.ts';
import { createSaid } from './said.ts';
import { Unrecognised } from './silence.ts';
import { refuseVariants } from './variants.ts';

/** A device to be read: where it is, what it may be, and whose records it makes. */
export interface Target extends Patience {
  wire: Wire;
  /** What it may be, in the order to try. One that can be asked in a single way is taken for granted. */
  candidates: readonly Codec[];
  options: CodecOptions;
  /** Candidate and options are those of an earlier {@link Device}: nothing is tried out again. */
  isKnown?: boolean;
  /** What it is when no candidate gets an answer to its probe. */
  fallback?: Codec | undefined;
  identity: Identity;
  /** Takes a record of what the device tells by itself while it is connected, such as an `engine_start`. */
  onPushed?: (record: VoltRecord) => void;
}

/** The identity keys of its records; `device_type` is the codec's family. */
export interface Identity {
  device_id: string;
  device_name?: string;
  vehicle_id?: string;
  vehicle_name?: string;
}

/** A connected device. */
export interface Device {
  readonly codec: Codec;
  /** How it wants to be read: the target's options and what a probe found. To be kept with the codec. */
  readonly options: CodecOptions;
  /** A `battery_reading`. Everything here throws a {@link CommandError}: 69 the device or its link, 76 an answer without sense. */
  read(): Promise<VoltRecord>;
  /** A `device_info`. */
  info(): Promise<VoltRecord>;
  /** `battery_reading` records of the device's own log, oldest first; `complete` is false when the end is missing. */
  history(): Promise<{ complete: boolean; records: VoltRecord[] }>;
  /** Sets switches, and returns the reading that proves it. Throws 76 when the device doesn't do it. */
  switch(change: Switches): Promise<VoltRecord>;
  /** Hangs up, once the device is not in the middle of something that it tells by itself. */
  close(): Promise<void>;
}

/**
 * Reads one device once: connects, finds out what it is, asks, disconnects. What a poller of many devices calls; who reads one
 * device again and again keeps it open with {@link openDevice}.
 *
 * @throws a {@link CommandError}: 69 unreachable, silent or lost; 76 it spoke nonsense; 75 in use by another; 77 no rights
 * @public (the poller of the registry)
 */
export async function readDevice(target: Target, host: BmsHost): Promise<VoltRecord> {
  const device = await openDevice(target, host);
  try {
    return await device.read();
  } finally {
    await device.close();
  }
}

/** Connects to a device, finds out what it is and does what a connection begins with. Throws as {@link readDevice}. */
export async function openDevice(target: Target, given: BmsHost): Promise<Device> {
  const { said = createSaid(given.log) } = given;
  const host = hostOf(given, { said });
  const record = (codec: Codec, type: string, fields: object, at = host.clock.now()): VoltRecord => ({
    type,
    time: timestamp(at),
    ...target.identity,
    device_type: codec.family,
    ...fields,
  });
  const begin: Begin = (on, of, how) =>
    createExchange(on, of, how, target, host, ({ type, fields: told }, at) =>
      target.onPushed?.(record(of, type, told, at)),
    );
  const { codec, options, link, exchange, isOpen } = await find(target, host, begin);
  try {
    if (!isOpen) await exchange.open();
  } catch (error) {
    await link.close();
    throw error;
  }

  let isProven = isOpen;
  /** Runs a task. One that nobody has ever answered here may have gone to a relative, which then is called by its name. */
  async function run<T extends object>(task: Task<T>): Promise<T> {
    try {
      const result = await exchange.run(task);
      isProven = true;
      return result;
    } catch (error) {
      const isSilence =
        error instanceof CommandError && error.status === exit.unavailable && !(error.cause instanceof LinkError);
      if (isSilence && !isProven && !target.wire.shared) {
        await refuseVariants(link, codec, options, target.readTimeout, host);
      }
      throw error;
    }
  }

  async function fields(): Promise<BatteryFields> {
    const { fields: read, remarks } = await run(codec.reading);
    said.reading(link.name, read, remarks ?? []);
    return read;
  }

  return {
    codec,
    options,
    read: async () => record(codec, 'battery_reading', await fields()),
    async info() {
      if (!codec.info) throw fail('usage', `--info: a ${codec.name} says nothing about itself`);
      return record(codec, 'device_info', (await run<Info>(codec.info)) as object);
    },
    async history() {
      if (!codec.history) throw fail('usage', `--history: a ${codec.name} keeps no log`);
      const { complete, readings } = await run<History>(codec.history);
      const now = host.clock.now();
      return {
        complete,
        records: readings.map(({ age, fields: past }) => record(codec, 'battery_reading', past, now - age * 1000)),
      };
    },
    async switch(change) {
      if (!codec.switching) throw fail('usage', `--charge, --discharge: a ${codec.name} has no switches`);
      const requests = codec.switching(change, await fields(), options);
      if (isRejection(requests)) throw fail('usage', `${link.name}: ${requests.detail ?? requests.rejected}`);
      for (const request of requests) await exchange.write(request);
      return record(codec, 'battery_reading', await proven(change, fields, link, host));
    },
    async close() {
      await exchange.settled();
      await link.close();
    },
  };
}

/** Reads until the switches are as they should be: the acknowledgement alone proves nothing. */
async function proven(
  change: Switches,
  fields: () => Promise<BatteryFields>,
  link: Link,
  host: BmsHost,
): Promise<BatteryFields> {
  for (let n = 1; ; n++) {
    const now = await fields();
    const wrong = (['charge', 'discharge'] as const).filter(
      (which) => change[which] !== undefined && now[`${which}_enabled`] !== change[which],
    );
    if (wrong.length === 0) return now;
    if (n === readBacks) {
      throw fail(
        'protocol',
        `${link.name}: it took the command, but the ${wrong.join(' and ')} switch stays as it was`,
      );
    }
    await host.clock.sleep(readBackAfter, host.signal);
  }
}

const readBacks = 5;
const readBackAfter = 500;

async function find(target: Target, host: BmsHost, begin: Begin): Promise<Found> {
  const { wire, options, readTimeout, fallback, isKnown = false } = target;
  const known = async (codec: Codec): Promise<Found> => {
    const link = await wire.connect(codec);
    return { codec, options, link, exchange: begin(link, codec, options), isOpen: false };
  };
  const given = target.candidates;
  const candidates = given.length > 1 ? ((await wire.narrow?.(given)) ?? given) : given;
  const [only, ...others] = candidates;
  // A codec that can be asked in several ways is only half an answer.
  const isUnsettled = (codec: Codec): boolean => !isKnown && (codec.probes?.(options).length ?? 0) > 1;
  if (only && others.length === 0 && !isUnsettled(only)) return known(only);
  try {
    return await probe(wire, candidates, options, readTimeout, host, begin);
  } catch (error) {
    if (!fallback || !(error instanceof Unrecognised)) throw error;
    host.log.info(`${error.message}. Taken for a ${fallback.name}, as --fallback says.`);
    return known(fallback);
  }
}
