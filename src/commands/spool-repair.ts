import { defineCommand } from '../runtime/command.ts';
import { disk } from '../spool/disk.ts';
import { repair } from '../spool/repair.ts';
import { findingOf, spoolFolder } from './spool-status.ts';

/** Takes out what is damaged. */
export const command = defineCommand({
  name: 'spool repair',
  kind: 'tool',
  input: 'none',
  writes: ['finding'],
  format: 'record',
  summary: 'takes damaged lines out of a spool',
  description: `Moves damaged lines and a torn end to quarantine/ and leaves whole records as they are. Prints a finding for each file that it changed.

It is never needed for a spool to start or to go on: the commands leave damaged lines out by themselves. It is for a spool that shall be clean. Whoever uses the spool has to be stopped first, else the exit status is 75.`,
  arguments: [{ name: 'dir', summary: 'folder of the spool', required: true }],
  options: {},
  examples: [
    {
      text: 'Mend a spool whose last line was cut',
      prepare: `echo '{"type":"x","n":1}' | spool put ./kept; echo 'half a li' >> ./kept/0000000000000001.log`,
      command: 'spool repair ./kept | jq -r .message',
      stdout: '1 damaged piece taken out\n1 record, all whole\n',
    },
  ],
  seeAlso: ['spool(1)', 'spool-verify(1)'],
  async *run({ args, clock }) {
    const folder = spoolFolder(args);
    const { records, mended } = await repair(disk, folder, clock.now());
    for (const fault of mended) yield findingOf(fault, 'warning', clock.now());
    const what = records === 1 ? '1 record, all whole' : `${records} records, all whole`;
    yield findingOf({ file: folder, what }, 'ok', clock.now());
    return undefined;
  },
});
