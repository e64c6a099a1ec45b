import type { LinkFailure } from '../link.ts';

/*
 * What parent and Bluetooth child say to each other: JSON over Node's IPC channel. Every request has an id and gets one answer. Bytes
 * are hexadecimal.
 */

/** How long an answer may take that waits for no device, in ms. */
export const shortRequest = 6000;

/** Where to subscribe and write; UUIDs in short form, lower case. */
export interface GattChoice {
  service: string;
  notify: string;
  write: string;
  /** `as-offered`: without response where the characteristic has it, else with. */
  writeType: 'with-response' | 'without-response' | 'as-offered';
}

/** A device that a scan saw, with all that its advertisements have said so far. */
export interface Sighting {
  /** Its address in capitals with colons, or the system's own name for it where addresses are hidden (macOS). */
  id: string;
  /** Absent where the system hides it. */
  address?: string;
  /** As it came: anybody may write anything into it. */
  name?: string;
  rssi?: number;
  /** Short form, lower case. */
  services: readonly string[];
  /** The last manufacturer record of each kind (iBeacon, other), company identifier included. Never older ones. */
  manufacturerData: readonly string[];
  connectable: boolean;
  /** Wall time of the last advertisement, ms. */
  at: number;
}

/** What a connection came to. */
export interface Connected {
  /** The choice that the device has, by its place in the list asked for. */
  gatt: number;
  mtu?: number;
}

/** From the parent. */
export type Request =
  | { do: 'scan' }
  | { do: 'stop' }
  | {
      do: 'connect';
      id: string;
      gatt: readonly GattChoice[];
      /** Milliseconds to see it, to connect, and for each step of setting up. */
      find: number;
      connect: number;
      step: number;
    }
  | { do: 'write'; id: string; hex: string; step: number }
  | { do: 'disconnect'; id: string };

/** From the parent, as sent; `end` has no answer but the end of the child. */
export type ToChild = (Request & { request: number }) | { do: 'end' };

/** Why a request failed. */
export interface Trouble extends LinkFailure {
  /** The Bluetooth stack may be left in an unknown state: the child should be replaced. */
  tainted: boolean;
}

/** From the child. */
export type FromChild =
  | { say: 'state'; state: string }
  | { say: 'failed'; reason: string; code?: string }
  | { say: 'answer'; request: number; value?: Connected }
  | { say: 'trouble'; request: number; trouble: Trouble }
  /** Whether it listens now: while a connection is made it doesn't, whoever wants it. */
  | { say: 'scanning'; on: boolean }
  | { say: 'seen'; sighting: Sighting }
  /** How many addresses it has seen so far, whoever scanned: it forgets none. */
  | { say: 'known'; addresses: number }
  /** Something failed that nobody waits for: the child should be replaced. */
  | { say: 'doubt'; reason: string }
  | { say: 'data'; id: string; hex: string }
  | { say: 'gone'; id: string; reason: string };
