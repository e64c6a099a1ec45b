import { defineCommand } from '../runtime/command.ts';
import { disk } from '../spool/disk.ts';
import { drop } from '../spool/repair.ts';
import { spoolFolder, statusRecord } from './spool-status.ts';

/** Gives up a backlog. */
export const command = defineCommand({
  name: 'spool drop',
  kind: 'tool',
  input: 'none',
  writes: ['spool_status'],
  format: 'record',
  summary: 'gives up what waits in a spool',
  description: `Counts all records that wait as delivered, but for the newest --keep of them, and removes their files. Prints a spool_status record of what is left. There is no way back.

Whoever uses the spool has to be stopped first, else the exit status is 75.`,
  arguments: [{ name: 'dir', summary: 'folder of the spool', required: true }],
  options: { keep: { type: 'integer', min: 0, default: 0, summary: 'newest records that stay' } },
  examples: [
    {
      text: 'Give up all but the newest record',
      prepare: `for n in 1 2 3; do echo '{"type":"x","n":'$n'}'; done | spool put ./kept`,
      command: 'spool drop ./kept --keep 1 | jq .backlog',
      stdout: '1\n',
    },
  ],
  seeAlso: ['spool(1)'],
  async *run({ args, opts, clock, log }) {
    const folder = spoolFolder(args);
    const count = await drop(disk, folder, opts.keep);
    log.info(`${count === 1 ? '1 record' : `${count} records`} given up`);
    yield statusRecord(folder, clock.now());
    return undefined;
  },
});
