import type { Value } from '../values.ts';
import type { Test, When } from './model.ts';

/** Whether a value, or undefined while it is unknown, passes. */
export type Check = (value: Value | undefined) => boolean;

const among = (wanted: Value | readonly Value[]): ((value: Value) => boolean) => {
  if (typeof wanted === 'boolean') return (value) => value === wanted;
  const list = [wanted].flat().map(fold);
  return (value) => list.includes(fold(value));
};

/** Words are compared whatever their case. */
const fold = (value: Value): Value => (typeof value === 'string' ? value.toUpperCase() : value);

/** Builds the check of one test; see {@link When}. */
export function checkOf(test: Test): Check {
  if (typeof test !== 'object' || Array.isArray(test)) {
    const hit = among(test as Value | readonly Value[]);
    return (value) => value !== undefined && hit(value);
  }
  const { not, above, below } = test as { not?: Value | readonly Value[]; above?: number; below?: number };
  const refused = not === undefined ? () => false : among(not);
  const bounded = above !== undefined || below !== undefined;
  return (value) => {
    if (value === undefined) return !bounded;
    if (refused(value)) return false;
    if (!bounded) return true;
    return typeof value === 'number' && value > (above ?? -Infinity) && value < (below ?? Infinity);
  };
}

/** The fields (or paths) that conditions look at. */
export const subjects = (when: When | undefined): string[] => Object.keys(when ?? {});
