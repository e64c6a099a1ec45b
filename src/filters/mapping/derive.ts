import { clean } from '../units.ts';
import type { Value } from '../values.ts';
import type { Check } from './conditions.ts';
import type { Convert } from './convert.ts';
import type { Derivation, Vehicle } from './program.ts';

/** Whether all conditions hold of a vehicle. */
export function conjunction(tests: readonly (readonly [rule: number, check: Check])[]): (vehicle: Vehicle) => boolean {
  return ({ value }) => {
    for (let i = 0; i < tests.length; i++) {
      const [rule, check] = tests[i]!;
      if (!check(value[rule])) return false;
    }
    return true;
  };
}

/** The newest time among rules; written as a loop, since it runs several times a record. */
export function newestOf(rules: readonly number[], vehicle: Vehicle): number {
  let newest = -Infinity;
  for (let i = 0; i < rules.length; i++) newest = Math.max(newest, vehicle.time[rules[i]!]!);
  return newest;
}

/** The value of a field, or the product of several; unknown while one of them is. */
export function productOf(rules: readonly number[], convert: Convert): Derivation {
  const [first = -1] = rules;
  return {
    value(vehicle): Value | undefined {
      if (rules.length === 1) return convert(vehicle.value[first], undefined);
      let result = 1;
      for (const rule of rules) {
        const factor = vehicle.value[rule];
        if (typeof factor !== 'number') return undefined;
        result *= factor;
      }
      return convert(clean(result), undefined);
    },
    time: (vehicle) =>
      rules.every((rule) => vehicle.value[rule] !== undefined) ? newestOf(rules, vehicle) : -Infinity,
  };
}
