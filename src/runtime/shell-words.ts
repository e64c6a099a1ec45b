import { fail } from './exit.ts';

/**
 * Splits a pipeline as a shell would: `|` between stages, white space between words, single and double quotes, backslash. What a
 * shell would do beyond that (variables, redirection, `;`, `&`, globs) is refused rather than passed on as text.
 *
 * @returns one list of words a stage
 * @throws exit status 64
 */
export function splitPipeline(text: string): string[][] {
  const stages: string[][] = [[]];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;

  const append = (char: string): void => {
    word = (word ?? '') + char;
  };
  const endWord = (): void => {
    if (word !== undefined) stages.at(-1)?.push(word);
    word = undefined;
  };

  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (quote) {
      if (char === quote) quote = undefined;
      else if (quote === '"' && (char === '`' || (char === '$' && /[\w{(@*#?$!-]/.test(text[i + 1] ?? '')))) {
        throw shellOnly(char, i, 'Use single quotes');
      } else if (quote === '"' && char === '\\' && '"\\$`'.includes(text[i + 1] ?? '\0')) append(text[++i]!);
      else append(char);
    } else if (char === '"' || char === "'") {
      quote = char;
      append('');
    } else if (char === '\\') {
      if (i + 1 === text.length) throw fail('usage', 'pipeline: ends in a backslash');
      append(text[++i]!);
    } else if (/\s/.test(char)) {
      endWord();
    } else if (char === '|') {
      if (text[i + 1] === '|') throw shellOnly('||', i);
      endWord();
      stages.push([]);
    } else if (';&<>`$()*?'.includes(char) || ('#~'.includes(char) && word === undefined)) {
      throw shellOnly(char, i);
    } else {
      append(char);
    }
  }
  if (quote) throw fail('usage', `pipeline: a ${quote} is not closed`);
  endWord();
  if (stages.some((words) => words.length === 0)) throw fail('usage', 'pipeline: a stage is empty');
  return stages;
}

function shellOnly(what: string, at: number, remedy = 'Quote it'): Error {
  return fail('usage', `pipeline: '${what}' at character ${at + 1} is the shell's`, `${remedy}, or use a shell.`);
}
