import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** The numbers of the processes that have a text in their environment, where the system tells. */
export function processesWith(text: string): number[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc')
    .filter((pid) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}
