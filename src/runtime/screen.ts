import type { Screen } from './context.ts';
import { descriptorKind } from './host.ts';
import { say } from './stderr.ts';

/** The terminal behind stderr, if it is one. */
export function createScreen(env: Readonly<Record<string, string | undefined>>): Screen {
  const interactive = descriptorKind(2) === 'terminal';
  let drawn = 0;
  return {
    interactive,
    shared: interactive && descriptorKind(1) === 'terminal',
    get columns() {
      return interactive ? (process.stderr.columns ?? 80) : 80;
    },
    color: interactive && !env.NO_COLOR && env.TERM !== 'dumb',
    print(text) {
      const erased = drawn > 0 ? `\u001b[${drawn}A\u001b[J` : '';
      drawn = 0;
      say(erased + (text.endsWith('\n') ? text : `${text}\n`));
    },
    draw(text) {
      if (!interactive) return;
      const lines = text.replace(/\n$/, '').split('\n');
      const up = drawn > 0 ? `\u001b[${drawn}A\u001b[J` : '';
      drawn = lines.length;
      say(`${up}${lines.join('\n')}\n`);
    },
  };
}
