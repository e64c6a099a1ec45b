import type { VoltRecord } from '../records/record.ts';
import { identityOf, type RegistryContent } from '../registry/content.ts';
import { openRegistry } from '../registry/store.ts';
import type { Context } from '../runtime/context.ts';

/** A registry that changes is seen after so long, in ms. */
const lookAgain = 10_000;
/** What is no measurement of a device: whatever is on the air, and bytes. */
const unnamed = new Set(['ble_device', 'bms_raw']);

/**
 * Gives records of a device that the registry knows its names there: `device_name`, `vehicle_id`, `vehicle_name` (HAWK-118). A registry
 * that can't be read hinders nothing: it is said, and the records go on without names.
 */
export async function* named<R>(
  ctx: Pick<Context, 'dataDir' | 'clock' | 'log'>,
  records: AsyncGenerator<VoltRecord, R, void>,
): AsyncGenerator<VoltRecord, R, void> {
  const { clock, log } = ctx;
  let content: RegistryContent | undefined;
  let readAt = Number.NEGATIVE_INFINITY;

  function look(): void {
    if (clock.monotonic() - readAt < lookAgain) return;
    readAt = clock.monotonic();
    try {
      content = openRegistry({ dataDir: ctx.dataDir, clock }).read();
      log.recovered('names', 'the registry can be read again');
    } catch (error) {
      log.lost('names', `no names of devices and vehicles: ${(error as Error).message}`);
    }
  }

  function withNames(record: VoltRecord): VoltRecord {
    const { device_id: id, device_name: name } = record;
    if (typeof id !== 'string' || name !== undefined || unnamed.has(record.type)) return record;
    look();
    if (!content || !Object.hasOwn(content.devices, id)) return record;
    const { device_type: _, ...names } = identityOf(content, id);
    const { type, time, ...rest } = record;
    return { type, ...(time !== undefined && { time }), ...names, ...rest };
  }

  try {
    for (;;) {
      const { done, value } = await records.next();
      if (done) return value;
      yield withNames(value);
    }
  } finally {
    await records.return(undefined as R);
  }
}
