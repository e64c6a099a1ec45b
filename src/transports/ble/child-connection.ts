import type { Characteristic, Peripheral } from './child-noble.ts';
import { race, TroubleError } from './child-race.ts';
import type { Connected, GattChoice } from './messages.ts';

/** A connection that stands, subscribed. */
export interface Connection {
  readonly connected: Connected;
  /** Resolves when the bytes are written, acknowledged where the characteristic does that. */
  write(bytes: Buffer, step: number): Promise<void>;
  close(): Promise<void>;
}

const closeWait = 2000;
/** What fits into one write of a link whose MTU is not known. */
const smallestMtu = 23;

/** Whether a call to noble can still come to an end: one made after the connection is gone never does. */
const isUp = (peripheral: Peripheral): boolean => peripheral.state === 'connected';

function demandUp(peripheral: Peripheral): void {
  if (!isUp(peripheral)) throw new TroubleError('closed', 'disconnected');
}

/** Connects, or cancels the attempt: it would hold up every later one. */
async function connect(peripheral: Peripheral, ms: number): Promise<void> {
  try {
    await race(peripheral.connectAsync(), ms, 'connect');
  } catch (error) {
    try {
      peripheral.cancelConnect();
    } catch {
      // There was nothing to cancel.
    }
    throw error;
  }
}

async function closePeripheral(peripheral: Peripheral): Promise<void> {
  // Otherwise noble would send a disconnect for handle 0, which may be somebody else's.
  if (isUp(peripheral)) await race(peripheral.disconnectAsync(), closeWait, 'disconnect');
}

interface Chosen {
  index: number;
  notify: Characteristic;
  write: Characteristic;
}

/** The first choice that the device has. */
async function choose(peripheral: Peripheral, choices: readonly GattChoice[], step: number): Promise<Chosen> {
  const services = await race(peripheral.discoverServicesAsync([]), step, 'discover services', peripheral);
  const seen = new Set<string>();
  for (const [index, choice] of choices.entries()) {
    const service = services.find(({ uuid }) => uuid === choice.service);
    if (!service) continue;
    demandUp(peripheral);
    const found = await race(
      service.discoverCharacteristicsAsync([]),
      step,
      `discover characteristics of ${service.uuid}`,
      peripheral,
    );
    seen.add(`${service.uuid}: ${found.map(({ uuid }) => uuid).join(', ')}`);
    const notify = found.find(({ uuid }) => uuid === choice.notify);
    const write = found.find(({ uuid }) => uuid === choice.write);
    const notifies = notify?.properties.some((name) => name === 'notify' || name === 'indicate');
    if (notify && write && notifies) return { index, notify, write };
  }
  const has = seen.size > 0 ? [...seen].join('; ') : services.map(({ uuid }) => uuid).join(', ') || 'none';
  throw new TroubleError('unsuited', `the device has none of the services asked for (it has ${has})`);
}

/** How to write, by what is wanted and what the characteristic offers. */
function withoutResponse(type: GattChoice['writeType'], { properties }: Characteristic): boolean {
  const quick = properties.includes('writeWithoutResponse');
  const slow = properties.includes('write');
  if (!quick && !slow) throw new TroubleError('unsuited', 'its characteristic cannot be written');
  return type === 'with-response' ? !slow : quick;
}

/** Connects, finds the service and subscribes. Whatever fails, the device is let go. */
export async function openConnection(
  peripheral: Peripheral,
  choices: readonly GattChoice[],
  limits: { connect: number; step: number },
  onData: (bytes: Buffer) => void,
): Promise<Connection> {
  await connect(peripheral, limits.connect);
  try {
    demandUp(peripheral);
    const { index, notify, write } = await choose(peripheral, choices, limits.step);
    const quick = withoutResponse(choices[index]!.writeType, write);
    demandUp(peripheral);
    // Before the subscription: a notification may come before its acknowledgement.
    notify.on('data', onData);
    await race(notify.subscribeAsync(), limits.step, `subscribe to ${notify.uuid}`, peripheral);
    return {
      connected: { gatt: index, ...(typeof peripheral.mtu === 'number' && { mtu: peripheral.mtu }) },
      async write(bytes, step) {
        const room = Math.max(smallestMtu, peripheral.mtu ?? 0) - 3;
        const size = quick ? room : Math.max(1, bytes.length);
        for (let at = 0; at === 0 || at < bytes.length; at += size) {
          demandUp(peripheral);
          const part = bytes.subarray(at, at + size);
          await race(write.writeAsync(part, quick), step, `write to ${write.uuid}`, peripheral);
        }
      },
      close: () => closePeripheral(peripheral),
    };
  } catch (error) {
    await closePeripheral(peripheral).catch(() => {});
    throw error;
  }
}
