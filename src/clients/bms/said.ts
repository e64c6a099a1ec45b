import type { BatteryFields } from '../../protocols/bms/fields.ts';
import type { Log } from '../../runtime/log.ts';

/**
 * What has been said of one device: what is odd is said once, and once more when it is over. It outlives the connections to the device, of
 * which a fleet makes one for each reading.
 */
export interface Said {
  /** A reading came, with what is odd about it. Also says when the number of its cells is another one than before. */
  reading(name: string, fields: BatteryFields, remarks: readonly string[]): void;
  /** Another master was heard on the bus. */
  stranger(name: string, what: string): void;
  /** The adapter hears itself. */
  echo(name: string): void;
}

/** Another master is over when so many readings went by without it. */
const quietReadings = 20;

/** Nothing was said yet. */
export function createSaid(log: Log): Said {
  let odd: ReadonlySet<string> = new Set();
  let cells: number | undefined;
  let echoed = false;
  /** Readings since another master was heard; absent while none was. */
  let quiet: number | undefined;

  return {
    reading(name, { cell_count: count }, remarks) {
      const now = new Set(remarks);
      for (const remark of now) if (!odd.has(remark)) log.warn(`${name}: ${remark}`);
      for (const remark of odd) if (!now.has(remark)) log.info(`${name}: no longer: ${remark}`);
      odd = now;
      if (cells !== undefined && count !== undefined && count !== cells) {
        log.warn(`${name}: it had ${cells} cells, now it has ${count}: is this another battery?`);
      }
      cells = count ?? cells;
      if (quiet === undefined || ++quiet <= quietReadings) return;
      quiet = undefined;
      log.info(`${name}: no other master is heard any longer`);
    },
    stranger(name, what) {
      if (quiet === undefined) {
        log.warn(`${name}: another master asks on this bus (${what}): readings will be missed. Only one may ask.`);
      }
      quiet = 0;
    },
    echo(name) {
      if (!echoed) log.debug(`${name}: the adapter hears its own bytes; they are ignored`);
      echoed = true;
    },
  };
}
