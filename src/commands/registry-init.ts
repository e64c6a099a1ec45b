import { existsSync } from 'node:fs';
import { layoutVersion } from '../registry/document.ts';
import { batteryHawkSystem, openSystem, overlay, treeOf } from '../registry/system.ts';
import { defineCommand } from '../runtime/command.ts';
import type { Options } from '../runtime/options.ts';
import { registryOf, settingOf, systemRecords } from './registry-records.ts';

const options = {
  defaults: {
    type: 'choice',
    choices: ['battery-hawk'],
    summary: 'write a whole system.json with these defaults instead of the given keys alone',
  },
} as const satisfies Options;

/** Makes the files of the registry. */
export const command = defineCommand({
  name: 'registry init',
  kind: 'tool',
  input: 'none',
  writes: ['setting'],
  format: 'record',
  summary: 'makes devices.json, vehicles.json and system.json in the data directory',
  description: `Files that are there are kept, with all that is in them. system.json gets the version and the keys given, no more, so that it doesn't go over the configuration file where nobody asked for it. Prints what system.json then says.

With --defaults battery-hawk the whole system.json of Battery Hawk is written, its topic prefix battery_hawk and its log file in /data included; keys that are there already, and those given, win.`,
  arguments: [{ name: 'key=value', summary: 'settings for system.json', variadic: true }],
  options,
  examples: [
    { text: 'An empty registry', command: 'registry init' },
    {
      text: 'With the topics that Battery Hawk has',
      command:
        'registry init --defaults battery-hawk mqtt.broker=broker.example --data-dir hawk | jq -r .key | head -n 1',
      stdout: 'discovery.initial_scan',
    },
  ],
  files: [{ path: '<data dir>/devices.json, vehicles.json, system.json', text: 'the registry' }],
  seeAlso: ['registry-set(1)', 'registry-show(1)', 'voltpipe-config(5)'],

  async *run(ctx) {
    const given = await Promise.all(ctx.args.map(settingOf));
    for (const path of await registryOf(ctx).create()) ctx.log.info(`${path} made`);
    const system = openSystem(ctx.dataDir);
    if (!existsSync(system.path)) ctx.log.info(`${system.path} made`);
    await system.update((tree) => {
      const whole = ctx.opts.defaults === 'battery-hawk' ? batteryHawkSystem : { version: layoutVersion };
      return given.reduce((made, { key, value }) => overlay(made, treeOf(key, value)), overlay(whole, tree));
    });
    yield* systemRecords(ctx);
  },
});
