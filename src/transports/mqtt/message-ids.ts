import type { IClientOptions } from 'mqtt';

/** What mqtt.js takes its packet identifiers from. */
export type MessageIds = NonNullable<IClientOptions['messageIdProvider']>;

const ids = 0x10000;

/**
 * The packet identifiers of one connection, 1 to 65535, none given out twice before it is back: mqtt.js takes those of its
 * subscriptions from here, {@link createOutbound} those of its messages.
 */
export function messageIds(): MessageIds {
  const taken = new Uint8Array(ids);
  let last = 0;
  return {
    allocate() {
      for (let tried = 1; tried < ids; tried++) {
        last = last === ids - 1 ? 1 : last + 1;
        if (taken[last] === 1) continue;
        taken[last] = 1;
        return last;
      }
      return null;
    },
    getLastAllocated: () => last,
    register(id) {
      const free = taken[id] === 0;
      taken[id] = 1;
      return free;
    },
    deallocate(id) {
      taken[id] = 0;
    },
    clear: () => void taken.fill(0),
  };
}
