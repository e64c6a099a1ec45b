/** What both forks of noble have in common, and all that the child uses. */
export interface Noble {
  on(event: 'stateChange', fn: (state: string) => void): void;
  on(event: 'discover', fn: (peripheral: Peripheral) => void): void;
  startScanningAsync(services: readonly string[], duplicates: boolean): Promise<void>;
  stopScanningAsync(): Promise<void>;
}

/** A device. */
export interface Peripheral {
  id: string;
  address: string;
  connectable: boolean;
  rssi: number;
  state: string;
  mtu: number | null;
  advertisement: { localName?: string; serviceUuids?: readonly string[]; manufacturerData?: Buffer };
  connectAsync(): Promise<void>;
  cancelConnect(): void;
  disconnectAsync(): Promise<void>;
  once(event: 'disconnect', fn: (reason: unknown) => void): void;
  removeListener(event: 'disconnect', fn: (reason: unknown) => void): void;
  discoverServicesAsync(uuids: readonly string[]): Promise<readonly Service[]>;
}

/** A service. */
export interface Service {
  uuid: string;
  discoverCharacteristicsAsync(uuids: readonly string[]): Promise<readonly Characteristic[]>;
}

/** A characteristic. */
export interface Characteristic {
  uuid: string;
  properties: readonly string[];
  subscribeAsync(): Promise<unknown>;
  writeAsync(bytes: Buffer, withoutResponse: boolean): Promise<unknown>;
  on(event: 'data', fn: (bytes: Buffer) => void): void;
}

/** Loads the fork that `driver` names. Throws where there is no Bluetooth at all. */
export async function loadNoble(driver: string | undefined): Promise<Noble> {
  const loaded: unknown =
    driver === 'stoprocent' ? await import('@stoprocent/noble') : await import('@abandonware/noble');
  const { default: inner } = loaded as { default?: unknown };
  return (inner ?? loaded) as Noble;
}
