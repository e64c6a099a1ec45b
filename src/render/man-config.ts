import { type DescribedOption, defaultText, type Toolkit } from './described.ts';
import { codes, rangeText, seeAlso, sentence } from './man.ts';
import { page } from './roff.ts';

/** One key of the configuration, and which commands read it. */
export interface ConfigKey {
  option: DescribedOption;
  /** Names of the commands; empty: all of them. */
  commands: readonly string[];
}

/**
 * Every option that has a configuration key, by its first key, in alphabetical order. Options of several commands that share a
 * key must mean the same: another type is an error of the definitions.
 */
export function configKeys(toolkit: Pick<Toolkit, 'commands'>): Map<string, ConfigKey> {
  const found = new Map<string, { option: DescribedOption; commands: string[] }>();
  for (const { definition, own, common } of toolkit.commands) {
    for (const option of [...own, ...common]) {
      const key = option.keys[0];
      if (key === undefined) continue;
      const entry = found.get(key) ?? { option, commands: [] };
      if (entry.option.spec.type !== option.spec.type) {
        throw new Error(
          `${definition.name}: ${key} is ${option.spec.type} here and ${entry.option.spec.type} elsewhere`,
        );
      }
      entry.commands.push(definition.name);
      found.set(key, entry);
    }
  }
  return new Map(
    [...found]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { option, commands }]) => [
        key,
        { option, commands: commands.length === toolkit.commands.length ? [] : commands },
      ]),
  );
}

/** voltpipe-config(5): where the configuration is looked for, and every key. */
export function configPage(toolkit: Toolkit): string {
  const out = page({ name: 'voltpipe-config', section: 5, date: toolkit.date, version: toolkit.version });
  out.section('Name');
  out.paragraph('voltpipe-config - the configuration file of voltpipe');
  out.section('Description');
  out.paragraph(
    'All commands read one configuration file, YAML or JSON, and take from it the keys that are theirs. None is needed: each key has a flag, an environment name or a default. Flags come before the environment, the environment before `system.json` in the data directory, that before the configuration file, and the file before the default.',
  );
  out.paragraph('The file is the first of these that is there:');
  out.blocks(places.map((text, index) => ({ kind: 'item', number: `${index + 1}.`, text })));
  out.paragraph(
    '`--no-config` reads none. All problems of a configuration are told at once, with exit status 78. A JSON Schema of the whole file is in `schema/voltpipe.schema.json` of the package: `--check-config` checks the file against it and ends, and editors can do so while you type.',
  );
  out.paragraph(
    '`--env-file` names a file of environment variables, a `NAME=value` a line; those that are set already win. Node looks at that flag before any command does: of a file that is not there it says `node: FILE: not found`, and ends with status 9.',
  );
  out.section('Values');
  out.paragraph(
    'A duration is `500ms`, `10s`, `5m`, `1h` or `7d`; a bare number is seconds. A size is in bytes, or `64KiB`, `64MiB`, `1GiB`. A list is a YAML or JSON list, or text with commas.',
  );
  out.section('Secrets');
  out.paragraph(
    'A secret is never an argument of a command. It is taken from `--`*name*`-file`, from the file of the credential name in `$CREDENTIALS_DIRECTORY` (as set by LoadCredential= of systemd), from the file that its environment name with `_FILE` behind it names (`VOLTPIPE_ABRP_API_KEY_FILE`), from the environment, or from the configuration file, in this order. Who can read the file can read the secret: keep its mode at 0600.',
  );
  out.section('Keys');
  for (const [key, { option, commands }] of configKeys(toolkit)) {
    const kind = option.repeatable && option.spec.type !== 'list' ? `list of ${option.spec.type}` : option.spec.type;
    out.entry(`\`${key}\` (${kind})`, ...entryTexts(option, commands));
  }
  out.section('Files');
  for (const place of places.slice(2)) out.entry(place, 'The configuration file.');
  out.entry('*$XDG_STATE_HOME/voltpipe/system.json*', 'What commands wrote of the configuration.');
  seeAlso(out, ['voltpipe(7)', 'voltpipe-records(5)']);
  return out.toString();
}

const places = [
  'the argument of `--config`',
  '`$VOLTPIPE_CONFIG`',
  '*$XDG_CONFIG_HOME/voltpipe/config.yaml* (*~/.config/voltpipe/config.yaml*)',
  '*/etc/voltpipe/config.yaml*',
];

function entryTexts(option: DescribedOption, commands: readonly string[]): string[] {
  const { spec, flag, environment, credential, keys } = option;
  const text = defaultText(option);
  const what = [sentence(spec.summary)];
  if (spec.choices) what.push(`One of ${codes(spec.choices)}.`);
  const range = rangeText(spec);
  if (range) what.push(range);
  if (text !== undefined) what.push(`Default: \`${text}\`.`);
  if (spec.type === 'flag') what.push(`Default: \`${spec.default === true}\`.`);
  const where: string[] = [];
  if (keys.length > 1) where.push(`Also: ${codes(keys.slice(1))}.`);
  if (flag) where.push(`Flag: \`${flag}\`.`);
  if (environment.length > 0) where.push(`Environment: ${codes(environment)}.`);
  if (credential) where.push(`Credential: \`${credential}\`.`);
  where.push(`Read by ${commands.length > 0 ? codes(commands) : 'all commands'}.`);
  return [what.join(' '), where.join(' ')];
}
