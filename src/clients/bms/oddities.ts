import type { BatteryFields } from '../../protocols/bms/fields.ts';
import type { Log } from '../../runtime/log.ts';

/** Says what is odd about readings, once each; and when the number of cells changes. */
export function createWatch(name: string, log: Log): (fields: BatteryFields, remarks: readonly string[]) => void {
  let said = new Set<string>();
  let count: number | undefined;
  return ({ cell_count }, remarks) => {
    for (const remark of remarks) if (!said.has(remark)) log.warn(`${name}: ${remark}`);
    said = new Set(remarks);
    if (count !== undefined && cell_count !== undefined && cell_count !== count) {
      log.warn(`${name}: it had ${count} cells, now it has ${cell_count}: is this another battery?`);
    }
    count = cell_count ?? count;
  };
}
