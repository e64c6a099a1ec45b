import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverOptions } from '../../src/commands/influx-options.ts';
import { batteryHawkSystem } from '../../src/registry/system.ts';
import { systemOptions } from '../../src/registry/system-options.ts';

const defaultOf = ({ default: value }: { default: unknown }): unknown => value;

test('the built-in defaults are those of the requirement (HAWK-54 to HAWK-58, HAWK-92, HAWK-93, HAWK-99)', () => {
  const { discovery, bluetooth } = batteryHawkSystem;
  assert.equal(defaultOf(systemOptions.discovery.initialScan), discovery.initial_scan);
  assert.equal(defaultOf(systemOptions.discovery.periodicInterval), discovery.periodic_interval * 1000);
  assert.equal(defaultOf(systemOptions.discovery.scanDuration), discovery.scan_duration * 1000);
  assert.equal(defaultOf(systemOptions.bluetooth.maxConnections), bluetooth.max_concurrent_connections);
  assert.equal(defaultOf(systemOptions.bluetooth.connectionTimeout), bluetooth.connection_timeout * 1000);
  assert.deepEqual(discovery, { initial_scan: true, periodic_interval: 43_200, scan_duration: 10 });
  assert.deepEqual(bluetooth, { max_concurrent_connections: 1, connection_timeout: 30 });
});

test('so are those of InfluxDB (HAWK-60 to HAWK-62)', () => {
  const { host, port, database } = serverOptions;
  assert.deepEqual([host, port, database].map(defaultOf), ['localhost', 8086, 'battery_hawk']);
});
