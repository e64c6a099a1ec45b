import { defineCommand } from '../runtime/command.ts';
import { splitPipeline } from '../runtime/shell-words.ts';

export const command = defineCommand({
  name: 'voltpipe run',
  kind: 'tool',
  input: 'optional',
  format: 'record',
  longRunning: true,
  summary: 'runs a whole pipeline in one process',
  description: `Runs commands of the toolkit one behind the other, as a shell would, but in one process: four stages then take the
memory of one, and acknowledgements travel from the sink up to the source.

The pipeline is one argument. Stages are separated by \`|\`; words by white space; quotes and backslashes work as in sh(1). What a
shell would do beyond that (variables, redirection, globs) is refused. Options given to \`voltpipe run\` itself hold for every stage;
--config, --no-config, --data-dir and --env-file also for the sink of \`spool DIR -- SINK\`, which is a process of its own.

The rightmost stage that failed decides the exit status.`,
  arguments: [{ name: 'pipeline', summary: "stages separated by '|'", required: true, variadic: true }],
  options: {},
  examples: [
    {
      text: 'A BMW live in A Better Routeplanner, in one process',
      command: "voltpipe run 'bmw-stream | normalize | abrp-push'",
      needs: ['bmw', 'abrp', 'login'],
      interruptAfter: 3,
    },
    {
      text: 'From a file, and only shown',
      command: `voltpipe run 'normalize | abrp-push --dry-run' < capture.ndjson`,
      notRun: 'needs a recording',
    },
  ],
  seeAlso: ['voltpipe(7)'],
  expand: (args) => splitPipeline(args.join(' ')),
});
