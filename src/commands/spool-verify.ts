import { defineCommand } from '../runtime/command.ts';
import { exit } from '../runtime/exit.ts';
import { disk } from '../spool/disk.ts';
import { verify } from '../spool/inspect.ts';
import { findingOf, spoolFolder } from './spool-status.ts';

/** Whether a spool is whole. */
export const command = defineCommand({
  name: 'spool verify',
  kind: 'tool',
  input: 'none',
  writes: ['finding'],
  format: 'record',
  summary: 'checks every line of a spool',
  description: `Reads all segments, compares every checksum and the sequence of numbers, and prints one finding for each fault, and one that says how many records are whole when no line is damaged. Exit status 65 when one is. Numbers that are missing are a warning.

It only looks. While another command writes, its last line may be seen half written. Faults need no care by themselves: spool and spool get leave damaged lines out, put them into quarantine/ and show downstream, with a gap record, how many are missing.`,
  arguments: [{ name: 'dir', summary: 'folder of the spool', required: true }],
  options: {},
  examples: [
    {
      text: 'Check a spool',
      prepare: `echo '{"type":"x","n":1}' | spool put ./kept`,
      command: 'spool verify ./kept | jq -r .message',
      stdout: '1 record, all whole\n',
    },
  ],
  seeAlso: ['spool(1)', 'spool-repair(1)'],
  async *run({ args, clock }) {
    const { records, faults } = await verify(disk, spoolFolder(args));
    for (const fault of faults) yield findingOf(fault, fault.missing ? 'warning' : 'error', clock.now());
    if (faults.some(({ missing }) => !missing)) return exit.data;
    const what = records === 1 ? '1 record, all whole' : `${records} records, all whole`;
    yield findingOf({ file: args[0]!, what }, 'ok', clock.now());
    return exit.ok;
  },
});
