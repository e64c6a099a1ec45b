import type { CommandEntry, CommandGroup } from '../runtime/command.ts';

/** Every command of the toolkit, in the order of the overview. A line here, a file beside it and `npm run generate` make a new one. */
export const commands: readonly CommandEntry[] = [
  { name: 'bmw-login', load: () => import('./bmw-login.ts') },
  { name: 'bmw-stream', load: () => import('./bmw-stream.ts') },
  { name: 'bmw-poll', load: () => import('./bmw-poll.ts') },
  { name: 'ble-scan', load: () => import('./ble-scan.ts') },
  { name: 'bms-read', load: () => import('./bms-read.ts') },
  { name: 'mqtt-sub', load: () => import('./mqtt-sub.ts') },
  { name: 'normalize', load: () => import('./normalize.ts') },
  { name: 'stats', load: () => import('./stats.ts') },
  { name: 'alarm', load: () => import('./alarm.ts') },
  { name: 'rollup', load: () => import('./rollup.ts') },
  { name: 'spool', load: () => import('./spool.ts') },
  { name: 'spool put', load: () => import('./spool-put.ts') },
  { name: 'spool get', load: () => import('./spool-get.ts') },
  { name: 'spool stat', load: () => import('./spool-stat.ts') },
  { name: 'spool verify', load: () => import('./spool-verify.ts') },
  { name: 'spool repair', load: () => import('./spool-repair.ts') },
  { name: 'spool drop', load: () => import('./spool-drop.ts') },
  { name: 'ha-discovery', load: () => import('./ha-discovery.ts') },
  { name: 'to-csv', load: () => import('./to-csv.ts') },
  { name: 'abrp-push', load: () => import('./abrp-push.ts') },
  { name: 'influx-write', load: () => import('./influx-write.ts') },
  { name: 'influx-setup', load: () => import('./influx-setup.ts') },
  { name: 'mqtt-pub', load: () => import('./mqtt-pub.ts') },
  { name: 'send', load: () => import('./send.ts') },
  { name: 'registry init', load: () => import('./registry-init.ts') },
  { name: 'registry list', load: () => import('./registry-list.ts') },
  { name: 'registry show', load: () => import('./registry-show.ts') },
  { name: 'registry add', load: () => import('./registry-add.ts') },
  { name: 'registry set', load: () => import('./registry-set.ts') },
  { name: 'registry assign', load: () => import('./registry-assign.ts') },
  { name: 'registry remove', load: () => import('./registry-remove.ts') },
  { name: 'simulate bmw', load: () => import('./simulate-bmw.ts') },
  { name: 'simulate abrp', load: () => import('./simulate-abrp.ts') },
  { name: 'simulate bm2', load: () => import('./simulate-bm2.ts') },
  { name: 'simulate bm6', load: () => import('./simulate-bm6.ts') },
  { name: 'simulate bm7', load: () => import('./simulate-bm7.ts') },
  { name: 'simulate jbd', load: () => import('./simulate-jbd.ts') },
  { name: 'simulate daly', load: () => import('./simulate-daly.ts') },
  { name: 'simulate influx', load: () => import('./simulate-influx.ts') },
  { name: 'voltpipe run', load: () => import('./voltpipe-run.ts') },
  { name: 'voltpipe demo', load: () => import('./voltpipe-demo.ts') },
  { name: 'voltpipe doctor', load: () => import('./voltpipe-doctor.ts') },
];

/** First words with several commands behind them. */
export const groups: readonly CommandGroup[] = [
  {
    name: 'registry',
    summary: 'battery monitors, the vehicles that they are in, and the settings of the installation',
    description:
      'The registry is three files in the data directory: devices.json, vehicles.json and system.json. ble-scan and bms-read use it, and take up changes while they run. Each file has a version; one of a newer layout is refused, and one that cannot be understood is never written over.',
    examples: [
      {
        text: 'Register the battery monitors that are on the air, and look at them',
        command: 'ble-scan --register > /dev/null; registry list',
        needs: ['bluetooth'],
      },
      {
        text: 'Give one a name and a vehicle',
        prepare: 'registry add 50:54:7B:00:00:C1 --type bm6',
        command:
          "registry set 50547b0000c1 friendly_name='Starter battery' && registry assign 50547b0000c1 --new Camper",
      },
      {
        text: 'What holds for the home broker',
        command: "registry show mqtt | jq -r 'select(.value) | [.key, .value] | @tsv'",
      },
    ],
  },
  {
    name: 'simulate',
    summary: 'the other side of every protocol, for demos, tests and load',
    description:
      'Each simulator behaves as the real far side does, with its errors and its manners, on this machine alone. Its first line on stdout is an `endpoint` record with every address; `--write-config` writes a configuration file that points the real commands at it.',
    examples: [
      {
        text: 'A battery management system for as long as bms-read takes to read it',
        command: 'simulate jbd --write-config sim.yaml | { read -r endpoint; bms-read --config sim.yaml; }',
      },
      {
        text: 'An ABRP for another terminal, in which abrp-push --config sim.yaml finds it',
        command: 'simulate abrp --write-config sim.yaml',
        interruptAfter: 2,
      },
    ],
  },
  {
    name: 'voltpipe',
    summary: 'runs any command, runs a whole pipeline in one process, checks the installation, shows a demo',
    description: '`voltpipe CMD …` is the same as `CMD …`, for every command of the toolkit.',
    examples: [
      { text: 'See it at work, with no account and no device', command: 'voltpipe demo', interruptAfter: 3 },
      {
        text: 'A BMW live in A Better Routeplanner, in one process',
        command: "voltpipe run 'bmw-stream | normalize | abrp-push'",
        needs: ['bmw', 'abrp', 'login'],
        interruptAfter: 4,
      },
      { text: 'Find out what keeps it from working', command: 'voltpipe doctor' },
    ],
  },
];
