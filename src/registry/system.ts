import { join } from 'node:path';
import { isJsonObject, type JsonObject } from '../records/json.ts';
import { writeDurably } from '../runtime/durable.ts';
import { layoutVersion, readDocument } from './document.ts';
import { lockRegistry } from './store.ts';

/** The whole system.json of the requirement (HAWK-53 to HAWK-72), as `registry init --defaults battery-hawk` writes it. */
export const batteryHawkSystem = {
  version: layoutVersion,
  discovery: { initial_scan: true, periodic_interval: 43_200, scan_duration: 10 },
  bluetooth: { max_concurrent_connections: 1, connection_timeout: 30 },
  influxdb: {
    enabled: true,
    host: 'localhost',
    port: 8086,
    database: 'battery_hawk',
    username: '',
    password: '',
  },
  logging: { level: 'INFO', file_logging: false, log_file: '/data/battery_hawk.log' },
  api: { port: 5000, host: '0.0.0.0' },
  mqtt: { enabled: false, broker: 'localhost', port: 1883, topic_prefix: 'battery_hawk' },
} as const;

/** The keys with a value in a tree, dotted: `mqtt.port`. */
export function leavesOf(tree: JsonObject, prefix = ''): [key: string, value: unknown][] {
  return Object.entries(tree).flatMap(([name, value]) =>
    isJsonObject(value) ? leavesOf(value, `${prefix}${name}.`) : [[`${prefix}${name}`, value] as [string, unknown]],
  );
}

/** `into` with `from` over it, key by key; keys that only `into` has stay. */
export function overlay(into: JsonObject, from: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...into };
  for (const [name, value] of Object.entries(from)) {
    const below = merged[name];
    merged[name] = isJsonObject(value) && isJsonObject(below) ? overlay(below, value) : value;
  }
  return merged;
}

/** A tree of one value at a dotted key. */
export function treeOf(key: string, value: unknown): JsonObject {
  return key.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as JsonObject;
}

/**
 * `system.json` of the data directory: the settings that `registry set` and an API write. They go over the configuration file key by
 * key, and a running command takes them up by itself.
 */
export interface SystemFile {
  readonly path: string;
  /** What is in the file; `version` alone when there is none. Throws exit status 78 for what can't be understood. */
  read(): JsonObject;
  /**
   * Under the registry's lock: reads, calls `change`, writes what it returns. What `change` throws leaves the file as it is; so does a
   * file that can't be understood.
   */
  update(change: (tree: JsonObject) => JsonObject | Promise<JsonObject>): Promise<JsonObject>;
}

/** Opens the system file of a data directory. */
export function openSystem(dataDir: string): SystemFile {
  const path = join(dataDir, 'system.json');
  return {
    path,
    read: () => readDocument(path),
    async update(change) {
      const release = await lockRegistry(dataDir);
      try {
        const tree = await change(readDocument(path));
        await writeDurably(path, `${JSON.stringify(tree, null, 2)}\n`);
        return tree;
      } finally {
        await release();
      }
    },
  };
}
