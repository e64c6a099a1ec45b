import { type BmFamily, ciphers } from '../../protocols/bms/bm-cipher.ts';
import type { Clock } from '../../runtime/clock.ts';
import {
  acknowledgement,
  advertisedBlock,
  type BmValues,
  beaconRecord,
  crankingBlocks,
  crankingCurve,
  historyRecord,
  liveFrame,
  logBlocks,
  versionFrame,
} from './bm-frames.ts';
import { ad, type Peripheral, type PeripheralFaults, type PeripheralLink } from './peripheral.ts';
import { connectionTimers } from './timers.ts';

/** How a simulated BM2, BM6 or BM7 is set up. */
export interface BmOptions {
  family: BmFamily;
  address?: string;
  name?: string;
  clock: Clock;
  /** What it measures at a time (wall time, ms). */
  values?: (at: number) => BmValues;
  /** How many values it has stored, one every two minutes. */
  stored?: number;
  /** It breaks its history off before the end. */
  cutHistory?: boolean;
  /** The engine is started when a host has listened for so many ms; a BM2 does not tell. */
  engineStart?: number;
  /** V, the lowest of an engine start. */
  crankingVoltage?: number;
  faults?: PeripheralFaults;
}

const uuids = { service: 0xfff0, notify: 0xfff4, write: 0xfff3 } as const;
const defaults: Readonly<Record<BmFamily, { address: string; name: string }>> = {
  bm2: { address: '50:54:7B:00:00:05', name: 'Battery Monitor' },
  bm6: { address: '50:54:7B:00:00:02', name: 'BM6' },
  bm7: { address: '50:54:7B:00:00:09', name: 'BM300 Pro' },
};
const second = 1000;
/** Between two notifications of an engine start: some thirty a second, as recorded. */
const betweenBlocks = 30;
const defaultCranking = 9.8;
const historyStep = 120_000;
const pageRecords = 256;
/** A device answers within this time. */
const latency = 10;
/** Blocks of a log in one notification. */
const blocksTogether = 1;

/** A lead battery over a day: it is charged around noon. */
export function dayOfBattery(at: number): BmValues {
  const hour = ((at / 3_600_000) % 24) - 12;
  const sun = Math.max(0, Math.cos((hour / 12) * Math.PI));
  const voltage = Math.round((12.5 + sun * 1.3) * 100) / 100;
  return {
    voltage,
    charge: Math.round(80 + sun * 20),
    temperature: Math.round(sun * 14 - 4),
    state: voltage > 13.2 ? 'charging' : 'normal',
  };
}

/** A monitor for the virtual controller. */
export function bmPeripheral(options: BmOptions): Peripheral {
  const { family, clock, values = dayOfBattery, stored = 720, faults = {} } = options;
  const { address, name } = { ...defaults[family], ...(options.address && { address: options.address }) };
  const shownName = options.name ?? name;
  const cipher = ciphers[family];
  const { after, cancel } = connectionTimers(clock);
  let counter = 0;

  const say = (link: PeripheralLink, ...blocks: readonly Buffer[]): void =>
    link.notify(uuids.notify, cipher.encrypt(Buffer.concat(blocks)));

  const sayLog = (link: PeripheralLink, head: readonly Buffer[], data: Buffer): void => {
    const blocks = [...head, ...logBlocks(family, data)];
    const sent = options.cutHistory ? blocks.slice(0, Math.ceil(blocks.length / 2)) : blocks;
    for (let at = 0; at < sent.length; at += blocksTogether) say(link, ...sent.slice(at, at + blocksTogether));
  };

  /** The newest first. */
  const history = (count: number): Buffer[] =>
    Array.from({ length: Math.min(count, stored) }, (_, i) =>
      historyRecord(family, values(clock.now() - i * historyStep)),
    );

  const everySecond = (link: PeripheralLink): void => {
    counter += 25;
    say(link, liveFrame(family, values(clock.now()), counter));
    after(second, () => everySecond(link));
  };

  const pushEngineStart = (link: PeripheralLink): void => {
    const { crankingVoltage = defaultCranking } = options;
    const blocks = crankingBlocks(crankingCurve(values(clock.now()).voltage, crankingVoltage));
    for (const [n, one] of blocks.entries()) after(n * betweenBlocks, () => say(link, one));
  };

  const answerBm2 = (plain: Buffer, link: PeripheralLink): void => {
    if (plain[0] === 0xe7) {
      const size = Buffer.alloc(3);
      size.writeUIntBE(stored * 4, 0, 3);
      say(link, Buffer.concat([Uint8Array.of(0xe7), size, Buffer.alloc(12)]));
    }
    if (plain[0] === 0xe3) sayLog(link, [], Buffer.concat(history(plain.readUInt32BE(3) / 4).reverse()));
  };

  const answerBm6 = (plain: Buffer, link: PeripheralLink): void => {
    if (plain[0] !== 0xd1 || plain[1] !== 0x55) return;
    if (plain[2] === 0x07) {
      say(link, acknowledgement());
      say(link, liveFrame(family, values(clock.now())));
    }
    if (plain[2] === 0x01) say(link, versionFrame(family));
    if (plain[2] === 0x05) {
      const pages = plain[7] ?? 1;
      const head = Buffer.from(plain);
      sayLog(link, [head], Buffer.concat(history(pages * pageRecords)));
    }
  };

  return {
    address,
    faults,
    services: [
      {
        uuid: uuids.service,
        characteristics: [
          { uuid: uuids.write, properties: ['write', 'writeWithoutResponse'] },
          { uuid: uuids.notify, properties: ['notify'] },
        ],
      },
    ],
    advertise() {
      const now = values(clock.now());
      const beacon = beaconRecord(family, now.charge);
      const reading = ad.manufacturer(advertisedBlock(family, address, now));
      const named = Buffer.concat([ad.services(uuids.service), ad.name(shownName.slice(0, 7))]);
      const long = shownName.length > 7;
      // Name and reading don't fit into one packet with a long name; the beacon then goes without flags of its own.
      return {
        data: beacon && !long ? Buffer.concat([ad.flags(), ad.manufacturer(beacon)]) : longNamed(shownName),
        scanResponse: long ? reading : Buffer.concat([named, reading]),
        connectable: true,
      };
    },
    onSubscribe(_, link) {
      after(1, () => {
        link.notify(uuids.notify, Buffer.alloc(16));
        if (family === 'bm2') after(latency, () => everySecond(link));
      });
      if (options.engineStart !== undefined) after(options.engineStart, () => pushEngineStart(link));
    },
    onWrite(_, value, link) {
      if (value.length === 0 || value.length % 16 !== 0) return;
      const plain = cipher.decrypt(value);
      after(latency, () => (family === 'bm2' ? answerBm2(plain, link) : answerBm6(plain, link)));
    },
    onDisconnect: cancel,
  };
}

const longNamed = (name: string): Buffer => Buffer.concat([ad.flags(), ad.services(uuids.service), ad.name(name)]);
