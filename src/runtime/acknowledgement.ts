import { writeSync } from 'node:fs';
import type { AnyDefinition } from './command.ts';
import type { Host } from './host.ts';

/** Where a sink acknowledges to, after design section 4; a command that would break the count says so. */
export function acknowledgement(host: Host, last: AnyDefinition): ((lines: number) => void) | undefined {
  const fd = host.ackFd;
  if (fd === undefined || !Number.isInteger(fd)) return undefined;
  const say = (text: string): void => {
    try {
      writeSync(fd, text);
    } catch {
      // Whoever asked for acknowledgements went away.
    }
  };
  if (last.kind !== 'sink' && !last.takesOver) {
    say('x\n');
    return undefined;
  }
  say('0\n');
  return (lines) => say(`${lines}\n`);
}
