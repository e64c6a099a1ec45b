import { writeSync } from 'node:fs';
import { descriptorKind } from './host.ts';

/** Width of the terminal behind stdout, 80 when there is none, never so wide that lines are hard to read. */
export function terminalWidth(): number {
  return descriptorKind(1) === 'terminal' ? Math.min(process.stdout.columns ?? 80, 100) : 80;
}

/** Whether stdout shows colours: a terminal, and nobody said NO_COLOR. */
export function wantsColour(): boolean {
  return descriptorKind(1) === 'terminal' && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

/** Prints help or a version on stdout, waiting for it: making the stream would cost more. A reader that went away is no failure. */
export function writeText(text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(1, bytes, offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
    }
  }
}
