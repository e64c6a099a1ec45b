import type { Screen } from './context.ts';

/** The terminal behind stderr, if it is one. */
export function createScreen(env: Readonly<Record<string, string | undefined>>): Screen {
  const { stderr } = process;
  const interactive = stderr.isTTY === true;
  let drawn = 0;
  return {
    interactive,
    get columns() {
      return stderr.columns ?? 80;
    },
    color: interactive && !env.NO_COLOR && env.TERM !== 'dumb',
    print(text) {
      drawn = 0;
      stderr.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    draw(text) {
      if (!interactive) return;
      const lines = text.replace(/\n$/, '').split('\n');
      const up = drawn > 0 ? `\u001b[${drawn}A\u001b[J` : '';
      drawn = lines.length;
      stderr.write(`${up}${lines.join('\n')}\n`);
    },
  };
}
