/** What one element of a list is called, where that is not the list's own name: `cells` become `cell_1`, `cell_2` … */
const elementNames: Readonly<Record<string, string>> = {
  cells: 'cell',
  temperatures: 'temperature',
  voltages: 'voltage',
};

/** Lists that say which, not how much: their number of elements is what can be charted, as `alarms_count`. */
const sets: ReadonlySet<string> = new Set(['alarms', 'balancing', 'invalid', 'vins', 'service_uuids']);

/** Whether a list says which, not how much. */
export const isSet = (name: string, list: readonly unknown[]): boolean => sets.has(name) || typeof list[0] === 'string';

/** The name of a list's element; `index` is from 0, the name's number from 1. */
export const elementName = (list: string, index: number): string => `${elementNames[list] ?? list}_${index + 1}`;

/** How deep objects may be in one another; what lies deeper is no measurement. */
const depth = 5;

/**
 * Takes a list or an object apart into single values with names of their own: list elements count from 1, keys of an object are
 * joined with `_`.
 *
 * @param put gets each number, boolean and text in it
 */
export function flatten(name: string, value: object, put: (name: string, value: unknown) => void, level = depth): void {
  if (level === 0) return;
  const visit = (key: string, inner: unknown): void => {
    if (typeof inner === 'object' && inner !== null) flatten(key, inner, put, level - 1);
    else put(key, inner);
  };
  if (!Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) visit(`${name}_${key}`, inner);
    return;
  }
  if (isSet(name, value)) put(`${name}_count`, value.length);
  else for (let i = 0; i < value.length; i++) visit(elementName(name, i), value[i]);
}
