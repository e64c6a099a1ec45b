import type { Screen } from './context.ts';
import { descriptorKind } from './host.ts';
import { say } from './stderr.ts';

/** What is behind stderr. */
export interface Display {
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

const stderr: Display = {
  get isTerminal() {
    return descriptorKind(2) === 'terminal';
  },
  get columns() {
    return process.stderr.columns || 80;
  },
  get rows() {
    return process.stderr.rows || 24;
  },
  write: say,
};

/** The terminal behind stderr, if it is one and can move its cursor. */
export function createScreen(env: Readonly<Record<string, string | undefined>>, display: Display = stderr): Screen {
  const interactive = display.isTerminal && env.TERM !== 'dumb';
  let view: string[] = [];
  /** Goes back to where the view begins. A terminal that has become narrower since then has broken its lines. */
  const back = (): string => {
    const up = view.reduce((rows, line) => rows + Math.max(1, Math.ceil(lengthOf(line) / display.columns)), 0);
    return up > 0 ? `\u001b[${Math.min(up, display.rows - 1)}A` : '';
  };
  // Line by line, and what is left below at last: a screen that is cleared whole flickers, and tmux keeps each as history.
  const drawn = (): string => `${view.map((line) => `\u001b[K${line}\n`).join('')}${view.length > 0 ? '\u001b[J' : ''}`;
  return {
    interactive,
    shared: interactive && descriptorKind(1) === 'terminal',
    get columns() {
      return interactive ? display.columns : 80;
    },
    color: interactive && !env.NO_COLOR,
    print(text) {
      const erased = view.length > 0 ? `${back()}\u001b[J` : '';
      display.write(erased + (text.endsWith('\n') ? text : `${text}\n`) + drawn());
    },
    draw(text) {
      if (!interactive) return;
      const before = back();
      // What has left the screen at its top can't be drawn over.
      const lines = text
        .replace(/\n$/, '')
        .split('\n')
        .slice(0, display.rows - 1);
      view = lines.map((line) => clip(line, display.columns - 1));
      display.write(before + drawn());
    },
  };
}

/** A colour, or one character. */
const marks = /\u001b\[[\d;]*m|./gu;

const isColour = (mark: string): boolean => mark.length > 2;

const lengthOf = (line: string): number => (line.match(marks) ?? []).filter((mark) => !isColour(mark)).length;

/** The line, cut to a width; its colours end with it. */
function clip(line: string, width: number): string {
  if (lengthOf(line) <= width) return line;
  let left = width;
  let colour = '';
  const kept = (line.match(marks) ?? []).filter((mark) => {
    if (!isColour(mark)) return --left > 0;
    if (left > 0) colour = '\u001b[0m';
    return left > 0;
  });
  return `${kept.join('')}…${colour}`;
}
