import { defineCommand } from '../runtime/command.ts';
import { spoolFolder, statusRecord } from './spool-status.ts';

/** What waits in a spool. */
export const command = defineCommand({
  name: 'spool stat',
  kind: 'tool',
  input: 'none',
  writes: ['spool_status'],
  format: 'record',
  summary: 'tells what waits in a spool and how much it takes',
  description: `Prints one spool_status record: how many records wait for delivery, since when, and what they take on disk. It only looks, and may be run while others write and read.`,
  arguments: [{ name: 'dir', summary: 'folder of the spool', required: true }],
  options: {},
  examples: [
    {
      text: 'How many records wait',
      prepare: `echo '{"type":"x","n":1}' | spool put ./kept`,
      command: 'spool stat ./kept | jq .backlog',
      stdout: '1\n',
    },
  ],
  seeAlso: ['spool(1)'],
  async *run({ args, clock }) {
    yield statusRecord(spoolFolder(args), clock.now());
    return undefined;
  },
});
