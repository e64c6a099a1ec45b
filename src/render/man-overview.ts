import type { Kind } from '../runtime/command.ts';
import { pageName, type Toolkit } from './described.ts';
import { exitStatus, seeAlso, sentence } from './man.ts';
import { blocks } from './prose.ts';
import { page } from './roff.ts';

const kinds: readonly (readonly [Kind, string])[] = [
  ['source', 'Sources'],
  ['filter', 'Filters'],
  ['sink', 'Sinks'],
  ['tool', 'Tools'],
];

/** voltpipe(7): the commands, and what they have in common. */
export function overviewPage(toolkit: Toolkit): string {
  const out = page({ name: 'voltpipe', section: 7, date: toolkit.date, version: toolkit.version });
  out.section('Name');
  out.paragraph('voltpipe - small commands for electric cars, wallboxes and battery monitors');
  out.section('Description');
  out.blocks(blocks(description));
  out.section('Commands');
  for (const [kind, title] of kinds) {
    const list = toolkit.commands.filter(({ definition }) => definition.kind === kind);
    if (list.length > 0) out.subsection(title);
    for (const { definition } of list)
      out.entry(`\`${definition.name}\``, `${sentence(definition.summary)} See \`${pageName(definition.name)}\`(1).`);
  }
  for (const [title, text] of chapters) {
    out.section(title);
    out.blocks(blocks(text));
  }
  exitStatus(out, toolkit);
  out.paragraph(
    'In `voltpipe run`, as with the pipefail option of a shell, the rightmost stage that failed gives the status. Death by SIGINT, SIGTERM or SIGHUP is shown to the parent process as such.',
  );
  seeAlso(out, ['voltpipe(1)', 'voltpipe-config(5)', 'voltpipe-records(5)']);
  return out.toString();
}

const description = `
voltpipe is a set of small commands. Each does one thing, and reads or writes records: one JSON object a line. What belongs
together is put together by a shell, a cron line or a systemd unit.

A source makes records, a filter maps them, a sink brings them somewhere, a tool does something once.

Standard output is for records alone. Messages go to standard error: short and coloured on a terminal, with a priority under
systemd, as JSON with \`--log-format json\`.`;

const chapters: readonly (readonly [string, string])[] = [
  [
    'Pipelines',
    `
Commands are joined with the pipes of a shell:

  bmw-stream | normalize | abrp-push

\`voltpipe run\` runs the same line in one process, which saves the memory of the others:

  voltpipe run 'bmw-stream | normalize | abrp-push'

A line that is not a record is told once with its number and skipped; the exit status is then 65. \`--strict\` stops at the
first. A line may be up to 1 MiB long. Blank lines are skipped. A record is never held back to fill a buffer.

A filter that is behind stops reading, and so, one after the other, do the stages before it. A source that has to stay alive
goes on: its manual says what it does when nobody reads. Where records are dropped, a \`gap\` record says how many.

When the reader of standard output goes away, a command ends quietly with status 0: on Linux within a second where standard output is a pipe of
the shell, elsewhere with the next record. A signal makes sources stop, filters drain
and sinks flush, all within \`--grace\`. A second signal is immediate.

When the terminal goes in which a command was started, a closed window or a dead connection, the command stops in the same way. SIGHUP while
the terminal is there, or where there never was one, as under systemd, makes it read its configuration again; a command that has
nothing to read again stops. What shall outlive its terminal is a systemd unit, or is started with nohup, then a hang-up only reloads, or with setsid, then its terminal sends it none.

Several sinks behind one source are the business of the shell: \`tee -p\` with a process substitution for each.`,
  ],
  [
    'Delivery',
    `
Delivery is at least once: what was not acknowledged is sent again by who has it. Far sides that tell records apart by their
time of measurement take a repeated one as the same.

Inside \`voltpipe run\` the acknowledgement of the sink travels back to the source.`,
  ],
  [
    'Acknowledgement',
    `
A program that starts a sink can ask for acknowledgements: it opens a pipe, names its descriptor in \`VOLTPIPE_ACK_FD\` and
reads lines from it. The sink writes \`0\` at its start, then after each delivery the number of further input lines, in their
order, that are now safe. Lines that it skipped or ignored count too. A filter in that place would break the count: it writes
\`x\`.`,
  ],
  [
    'Environment',
    `
Every configuration key has an environment name, listed in \`voltpipe-config\`(5). Besides those:

- \`VOLTPIPE_CONFIG\` names the configuration file.
- \`VOLTPIPE_DATA_DIR\` names the data directory.
- \`VOLTPIPE_ACK_FD\` is the descriptor for acknowledgements, see above.
- \`CREDENTIALS_DIRECTORY\`, \`STATE_DIRECTORY\`, \`RUNTIME_DIRECTORY\` and \`NOTIFY_SOCKET\` are set by systemd for a unit.
- \`NO_COLOR\`, set to anything, turns colours off.`,
  ],
  [
    'Directories',
    `
Tokens, ledgers and the state of filters are in the data directory, which only its owner may enter. It is the first of:
\`--data-dir\`, \`$VOLTPIPE_DATA_DIR\`, \`$STATE_DIRECTORY\`, *$XDG_STATE_HOME/voltpipe* (*~/.local/state/voltpipe*).

Sockets and locks of adapters are in \`$RUNTIME_DIRECTORY\`, else *$XDG_RUNTIME_DIR/voltpipe*, else a directory for the
user alone.

A command that a systemd unit runs finds what a login by hand stored only if both use the same directory and the same user.`,
  ],
  [
    'Systemd',
    `
A unit of type notify is told when the data path works, and its watchdog is fed only while it does. Use \`voltpipe run\` in
such units: there must be one sender of these messages a unit.`,
  ],
];
