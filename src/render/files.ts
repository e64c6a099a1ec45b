import { binaries } from './completion.ts';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { zshCompletion } from './completion-zsh.ts';
import { configSchema } from './config-schema.ts';
import { pageName, type Toolkit } from './described.ts';
import { commandPage, groupPage } from './man.ts';
import { configPage } from './man-config.ts';
import { overviewPage } from './man-overview.ts';
import { recordsPage, type Vocabulary } from './man-records.ts';

/** The text of every file under man/, completions/ and schema/, by its path. */
export function generatedFiles(toolkit: Toolkit, vocabulary: Vocabulary): Map<string, string> {
  const files = new Map<string, string>();
  for (const command of toolkit.commands) {
    files.set(`man/man1/${pageName(command.definition.name)}.1`, commandPage(command, toolkit));
  }
  for (const group of toolkit.groups) files.set(`man/man1/${group.name}.1`, groupPage(group, toolkit));
  files.set('man/man5/voltpipe-config.5', configPage(toolkit));
  files.set('man/man5/voltpipe-records.5', recordsPage(vocabulary, toolkit));
  files.set('man/man7/voltpipe.7', overviewPage(toolkit));
  for (const binary of binaries(toolkit)) {
    files.set(`completions/bash/${binary.name}`, bashCompletion(binary));
    files.set(`completions/zsh/_${binary.name}`, zshCompletion(binary));
    files.set(`completions/fish/${binary.name}.fish`, fishCompletion(binary));
  }
  files.set('schema/voltpipe.schema.json', `${JSON.stringify(configSchema(toolkit), null, 2)}\n`);
  return files;
}
