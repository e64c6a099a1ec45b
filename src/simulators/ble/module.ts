import type { Clock } from '../../runtime/clock.ts';
import type { SerialDevice } from '../bms/device.ts';
import { lockedBoard } from './jbd-lock.ts';
import { ad, type Characteristic, type Peripheral, type PeripheralFaults, type PeripheralLink } from './peripheral.ts';
import { connectionTimers } from './timers.ts';

/** How a board's Bluetooth module shows itself. */
export interface ModuleOptions {
  address: string;
  name: string;
  service: number;
  notify: number;
  write: number;
  writeProperties: Characteristic['properties'];
  /** Manufacturer record, company identifier included. */
  manufacturerData?: Buffer;
  /** The board behind it. */
  device: SerialDevice;
  clock: Clock;
  /** Milliseconds until an answer (default 20). */
  latency?: number;
  faults?: PeripheralFaults;
  /** A central has gone. */
  onGone?: () => void;
}

/** Modules of this kind send at most so many bytes in one notification, whatever the MTU. */
const pieceSize = 20;

/** A Bluetooth module that hands on what it hears to a serial board, and the answers back in pieces. */
export function modulePeripheral(options: ModuleOptions): Peripheral {
  const { address, name, service, notify, write, device, clock, latency = 20, faults = {} } = options;
  const { after, cancel } = connectionTimers(clock);
  const say = (link: PeripheralLink, bytes: Buffer): void => {
    const size = Math.min(pieceSize, link.room);
    for (let at = 0; at < bytes.length; at += size) link.notify(notify, bytes.subarray(at, at + size));
  };

  return {
    address,
    faults,
    services: [
      {
        uuid: service,
        characteristics: [
          { uuid: notify, properties: ['notify'] },
          { uuid: write, properties: options.writeProperties },
        ],
      },
    ],
    advertise: () => ({
      data: Buffer.concat([
        ad.flags(),
        ad.services(service),
        ...(options.manufacturerData ? [ad.manufacturer(options.manufacturerData)] : []),
      ]),
      scanResponse: ad.name(name),
      connectable: true,
    }),
    onSubscribe(_, link) {
      // Recorded from several modules: a single zero right after subscribing.
      after(1, () => link.notify(notify, Buffer.of(0)));
    },
    onWrite(_, value, link) {
      for (const { frames } of device.receive(value)) {
        if (frames.length > 0) after(latency, () => say(link, Buffer.concat(frames)));
      }
    },
    onDisconnect() {
      cancel();
      options.onGone?.();
    },
  };
}

/**
 * The Bluetooth module of a JBD board: its address, last byte first, stands where a company identifier would. With a password it is
 * one of the newer ones, which are silent until they get it.
 */
export function jbdModule(
  {
    device,
    password,
    ...options
  }: Pick<ModuleOptions, 'device' | 'clock' | 'latency' | 'faults'> & { password?: string | undefined },
  address: string,
): Peripheral {
  const locked = password === undefined ? undefined : lockedBoard(device, address, password);
  return modulePeripheral({
    ...options,
    device: locked ?? device,
    ...(locked && { onGone: locked.lock }),
    address,
    name: 'xiaoxiang BMS',
    service: 0xff00,
    notify: 0xff01,
    write: 0xff02,
    writeProperties: ['write', 'writeWithoutResponse'],
    manufacturerData: Buffer.from(address.replaceAll(':', ''), 'hex').reverse(),
  });
}

/** The Bluetooth module of a Daly board. */
export function dalyModule(
  options: Pick<ModuleOptions, 'device' | 'clock' | 'latency' | 'faults'>,
  address: string,
): Peripheral {
  return modulePeripheral({
    ...options,
    address,
    name: 'DL-40D2F0A1',
    service: 0xfff0,
    notify: 0xfff1,
    write: 0xfff2,
    writeProperties: ['writeWithoutResponse'],
    manufacturerData: Buffer.from('0201', 'hex'),
  });
}
