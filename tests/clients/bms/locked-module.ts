import type { Wire } from '../../../src/clients/bms/probe.ts';
import type { Link } from '../../../src/transports/link.ts';
import { bytesOf, vectorsOf } from '../../support/bms-vectors.ts';

/** A recorded session with a JBD module that has a password. */
export const recorded = vectorsOf('jbd').find(({ name }) => name === 'jbd-auth-flow-213ah')!;

/** A Bluetooth link to the recorded module: silent until it has had the right password, as the real one is. */
export function lockedModule(log: string[]): { wire: Wire; open(): number } {
  let listener: (bytes: Buffer) => void = () => {};
  let over: () => void = () => {};
  let unlocked = false;
  let open = 0;
  const answers = new Map(recorded.exchanges.map(({ request, response }) => [request, response]));
  const link: Link = {
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
      for (const chunk of wrong ? ['ffaa1801011a'] : (answers.get(request) ?? [])) {
        setImmediate(() => listener(bytesOf(chunk)));
      }
    },
    async close() {
      open--;
      over();
    },
  };
  return {
    wire: {
      name: recorded.address!,
      kind: () => 'ble',
      async connect() {
        open++;
        return link;
      },
    },
    open: () => open,
  };
}
