import { type Connection, openConnection } from './child-connection.ts';
import type { Noble, Peripheral } from './child-noble.ts';
import { goneBecause, race, TroubleError } from './child-race.ts';
import { idOf, sightings } from './child-sightings.ts';
import type { Connected, FromChild, Request } from './messages.ts';

/** Scans and connects by way of noble. */
export interface Radio {
  /** Does what the parent asks; rejects with {@link TroubleError}. */
  handle(request: Request): Promise<Connected | undefined>;
  /** Lets everything go: no scan, no connection, no attempt is left in the controller. */
  end(): Promise<void>;
}

const scanWait = 3000;
const flushWait = 500;

/** Sets up noble's events and returns the radio. `tell` sends to the parent. */
export function createRadio(noble: Noble, tell: (message: FromChild) => void): Radio {
  const merge = sightings();
  const peripherals = new Map<string, Peripheral>();
  const connections = new Map<string, Connection>();
  /** Peripherals that something was begun with: those that have to be let go. */
  const touched = new Set<Peripheral>();
  const waiting = new Map<string, (peripheral: Peripheral) => void>();
  let isScanning = false;
  /** The parent wants to be told what is seen. */
  let wanted = false;
  /** Attempts to connect that wait until their device is seen, and those that are past it: controllers refuse to connect while they scan. */
  let looking = 0;
  let connecting = 0;
  let ending = false;
  let settling: Promise<unknown> = Promise.resolve();

  noble.on('stateChange', (state) => tell({ say: 'state', state }));
  noble.on('discover', (peripheral) => {
    const { id } = idOf(peripheral);
    const isNew = !peripherals.has(id);
    peripherals.set(id, peripheral);
    if (isNew) tell({ say: 'known', addresses: peripherals.size });
    waiting.get(id)?.(peripheral);
    const sighting = merge(peripheral, Date.now());
    if (sighting && wanted) tell({ say: 'seen', sighting });
  });

  /**
   * Starts or stops the scan as all who need it want it together: one that has enough ends it for nobody else. One change at a time, each by
   * what is wanted when its turn comes.
   */
  function settle(): Promise<void> {
    const settled = settling
      .catch(() => {})
      .then(async () => {
        const on = !ending && connecting === 0 && (wanted || looking > 0);
        if (on === isScanning) return;
        if (on) await race(noble.startScanningAsync([], true), scanWait, 'start to scan');
        else await race(noble.stopScanningAsync(), scanWait, 'stop scanning');
        isScanning = on;
        tell({ say: 'scanning', on });
      });
    settling = settled;
    return settled;
  }

  /**
   * Scans until the device is seen; one that was seen before need not be seen again, unless somebody else held it then: only another
   * advertisement tells that it is free.
   */
  async function find(id: string, ms: number): Promise<Peripheral> {
    const known = peripherals.get(id);
    if (known?.connectable) return known;
    const found = new Promise<Peripheral>((resolve) => waiting.set(id, resolve));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TroubleError('silent', `not seen in ${ms / 1000} s`)), ms);
    });
    late.catch(() => {});
    looking++;
    try {
      await settle();
      return await Promise.race([found, late]);
    } finally {
      looking--;
      clearTimeout(timer);
      waiting.delete(id);
    }
  }

  async function connect(request: Extract<Request, { do: 'connect' }>): Promise<Connected> {
    const { id, gatt, connect: ms, step } = request;
    if (connections.has(id)) throw new TroubleError('failed', 'connected already');
    const peripheral = await find(id, request.find);
    connecting++;
    try {
      await settle();
      // What begins now, nobody would take back.
      if (ending) throw new TroubleError('closed', 'told to stop');
      if (!peripheral.connectable) {
        throw new TroubleError('refused', 'it takes no connection now: a phone or another host holds it');
      }
      touched.add(peripheral);
      const onData = (bytes: Buffer): void => tell({ say: 'data', id, hex: bytes.toString('hex') });
      const connection = await openConnection(peripheral, gatt, { connect: ms, step }, onData);
      connections.set(id, connection);
      peripheral.once('disconnect', (reason) => {
        connections.delete(id);
        tell({ say: 'gone', id, reason: goneBecause(reason) });
      });
      return connection.connected;
    } finally {
      connecting--;
    }
  }

  /** Ends what was begun with a device. */
  async function letGo(peripheral: Peripheral): Promise<void> {
    if (peripheral.state === 'connecting') peripheral.cancelConnect();
    else if (peripheral.state === 'connected') await race(peripheral.disconnectAsync(), scanWait, 'disconnect');
  }

  return {
    async handle(request) {
      switch (request.do) {
        case 'scan':
          wanted = true;
          await settle();
          return undefined;
        case 'stop':
          wanted = false;
          await settle();
          return undefined;
        case 'connect':
          // What it came to is told first: a connection that stands is not lost by a scan that can't begin again.
          return connect(request).finally(() => {
            settle().catch((error: Error) => tell({ say: 'doubt', reason: error.message }));
          });
        case 'write': {
          const connection = connections.get(request.id);
          if (!connection) throw new TroubleError('closed', 'disconnected');
          await connection.write(Buffer.from(request.hex, 'hex'), request.step);
          return undefined;
        }
        case 'disconnect':
          await connections.get(request.id)?.close();
          connections.delete(request.id);
          return undefined;
      }
    },
    async end() {
      ending = true;
      await Promise.allSettled([...[...touched].map(letGo), settle()]);
      // What was said last may still be on its way, and a connection may have come about before its attempt was cancelled: the answer to
      // what is asked now comes after both.
      await race(noble.stopScanningAsync(), flushWait, 'flush').catch(() => {});
      await Promise.allSettled([...touched].filter(({ state }) => state === 'connected').map(letGo));
    },
  };
}
