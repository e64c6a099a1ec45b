import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runService } from './services.ts';

/** A shell that completes command lines. */
export type Shell = 'bash' | 'zsh' | 'fish';

/** All of them. */
export const shells: readonly Shell[] = ['bash', 'zsh', 'fish'];

/** The name of a completion file in each shell. */
export const completionFile: Record<Shell, (binary: string) => string> = {
  bash: (binary) => binary,
  zsh: (binary) => `_${binary}`,
  fish: (binary) => `${binary}.fish`,
};

const bashScript = `
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
spec=$(complete -p "$1") || exit
spec=\${spec#*-F }
\${spec%% *}
printf '%s\\n' "\${COMPREPLY[@]}"`;

const asks: Record<Shell, (path: string, folder: string, line: string) => string> = {
  bash(path, folder, line) {
    // Bash takes the equals sign for a word of its own.
    const words = line.split(' ').flatMap((word) => word.split(/(=)/).filter((part) => part !== ''));
    if (line.endsWith(' ')) words.push('');
    const file = join(folder, completionFile.bash(words[0] ?? ''));
    return runService(path, ['--norc', '-c', bashScript, 'bash', file, ...words]);
  },
  zsh(path, folder, line) {
    const home = mkdtempSync(join(tmpdir(), 'voltpipe-zsh-'));
    return runService(path, ['-f', join('tests', 'support', 'complete.zsh'), folder, line], {
      env: { ...process.env, TMPDIR: home, HOME: home },
    });
  },
  fish(path, folder, line) {
    const home = mkdtempSync(join(tmpdir(), 'voltpipe-fish-'));
    // By itself fish reads no completions of a command that is not installed.
    const file = join(folder, completionFile.fish(line.split(' ')[0] ?? ''));
    return runService(path, ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', file, line], {
      env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_DATA_HOME: home },
    });
  },
};

/**
 * What a shell offers for a command line that ends where the cursor is, sorted.
 *
 * @param path the shell's program
 * @param folder where the completion files are
 */
export function offers(shell: Shell, path: string, folder: string, line: string): string[] {
  const words = asks[shell](path, folder, line)
    .split('\n')
    .map((text) => text.split('\t')[0]?.trim() ?? '')
    .filter((word) => word !== '');
  return [...new Set(words)].sort();
}
