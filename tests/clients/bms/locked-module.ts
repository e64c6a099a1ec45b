import type { Wire } from '../../../src/clients/bms/probe.ts';
import type { Link } from '../../../src/transports/link.ts';
import { bytesOf, vectorsOf } from '../../support/bms-vectors.ts';

/** A recorded session with a JBD module that has a password. */
export const recorded = vectorsOf('jbd').find(({ name }) => name === 'jbd-auth-flow-213ah')!;

const answers = new Map(recorded.exchanges.map(({ request, response }) => [request, response]));

/** One connection to the recorded module: silent until it has had the right password, as the real one is. */
function connection(log: string[], onClose: () => void, others: ReadonlyMap<string, string[]>): Link {
  let listener: (bytes: Buffer) => void = () => {};
  let over: () => void = () => {};
  let unlocked = false;
  return {
    name: recorded.address!,
    closed: new Promise((resolve) => {
      over = () => resolve(undefined);
    }),
    onData(fn) {
      listener = fn;
    },
    async send(bytes) {
      const request = Buffer.from(bytes).toString('hex');
      log.push(request);
      if (request.startsWith('dd') && !unlocked) return;
      const wrong = request.startsWith('ffaa18') && !answers.has(request);
      if (request.startsWith('ffaa18')) unlocked = !wrong;
      for (const chunk of wrong ? ['ffaa1801011a'] : (others.get(request) ?? answers.get(request) ?? [])) {
        setImmediate(() => listener(bytesOf(chunk)));
      }
    },
    async close() {
      onClose();
      over();
    },
  };
}

/**
 * The way to the recorded module over Bluetooth; `open` counts the connections that stand.
 *
 * @param others answers that differ from the recorded ones, by request
 */
export function lockedModule(
  log: string[],
  others: ReadonlyMap<string, string[]> = new Map(),
): { wire: Wire; open(): number } {
  let open = 0;
  return {
    wire: {
      name: recorded.address!,
      kind: () => 'ble',
      async connect() {
        open++;
        return connection(log, () => open--, others);
      },
    },
    open: () => open,
  };
}
