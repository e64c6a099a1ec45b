import { type Link, LinkError, type LinkFailure } from '../link.ts';

/** A connection to a device: bytes by write and notification. */
export interface BleLink extends Link {
  /** Which of the choices the device has. */
  readonly gatt: number;
  readonly mtu: number | undefined;
}

/** A link as the adapter that feeds it sees it. */
export interface OpenLink extends BleLink {
  push(bytes: Buffer): void;
  end(failure: LinkFailure | undefined): void;
}

/** Makes the link; `wire` is what the adapter does for it. */
export function openLink(
  id: string,
  gatt: number,
  mtu: number | undefined,
  wire: { send(bytes: Uint8Array): Promise<void>; close(): Promise<unknown>; ended(): void },
): OpenLink {
  /** What comes before there is a listener. */
  let held: Buffer[] = [];
  let listener: ((bytes: Buffer) => void) | undefined;
  let failure: LinkFailure | undefined;
  let over = false;
  let settle: (failure: LinkFailure | undefined) => void = () => {};
  const closed = new Promise<LinkFailure | undefined>((resolve) => {
    settle = resolve;
  });
  const end = (why: LinkFailure | undefined): void => {
    if (over) return;
    over = true;
    failure = why;
    wire.ended();
    settle(why);
  };
  return {
    name: id,
    gatt,
    mtu,
    closed,
    async send(bytes) {
      if (over) throw new LinkError(failure ?? { kind: 'closed', reason: 'closed' });
      await wire.send(bytes);
    },
    onData(fn) {
      listener = fn;
      for (const bytes of held.splice(0)) fn(bytes);
    },
    async close() {
      if (over) return;
      end(undefined);
      await wire.close().catch(() => {});
    },
    push(bytes) {
      if (over) return;
      if (listener) listener(bytes);
      else held = [...held.slice(-63), bytes];
    },
    end,
  };
}
