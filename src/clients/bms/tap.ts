import { hex } from '../../protocols/bms/framing.ts';
import type { VoltRecord } from '../../records/record.ts';
import { type Clock, timestamp } from '../../runtime/clock.ts';
import type { Wire } from './probe.ts';

/** A wire that shows every byte that passes, as `bms_raw` records; of what carries a password only how long it is: `**` a byte. */
export function tapped(wire: Wire, deviceId: string, clock: Clock, show: (record: VoltRecord) => void): Wire {
  const tell = (direction: 'sent' | 'received', bytes: string): void =>
    show({ type: 'bms_raw', time: timestamp(clock.now()), device_id: deviceId, direction, bytes });
  return {
    ...wire,
    async connect(codec) {
      const link = await wire.connect(codec);
      let listener: (bytes: Buffer) => void = () => {};
      link.onData((bytes) => {
        tell('received', hex(bytes));
        listener(bytes);
      });
      return {
        ...link,
        async send(bytes, secret) {
          tell('sent', secret ? '**'.repeat(bytes.length) : hex(bytes));
          await link.send(bytes, secret);
        },
        onData(fn) {
          listener = fn;
        },
      };
    },
  };
}
