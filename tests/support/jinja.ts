/*
 * As much of Jinja as the templates of discovery messages use: names, attributes, elements, texts, numbers, lists, the filters
 * default and length, `is [not] defined`, `in`, `>`, and one value or another. What is not chosen is not evaluated. That it says what
 * Jinja itself does is shown where that is installed: tests/protocols/homeassistant/templates.test.ts.
 */

type Value = unknown;
type Term = () => Value;

const filters: Readonly<Record<string, (value: Value, ...args: Value[]) => Value>> = {
  default: (value, other) => (value === undefined ? other : value),
  length: (value) => (value as string | Value[]).length,
};

const truth = (value: Value): boolean => (Array.isArray(value) ? value.length > 0 : Boolean(value));

function memberOf(value: Value, key: string | number): Value {
  if (value === undefined || value === null) throw new Error(`jinja: ${key} of what is not defined`);
  return (value as Record<string | number, Value>)[key];
}

/** What Home Assistant makes of `{{ expression }}` for this payload: a text; what is not defined prints nothing. */
export function rendered(template: string, payload: object): string {
  const inner = /^\{\{ (.*) \}\}$/.exec(template)?.[1] ?? '';
  const tokens = inner.match(/'[^']*'|\w+|\S/g) ?? [];
  let at = 0;
  const next = (wanted?: string): string => {
    const one = tokens[at++];
    if (one === undefined || (wanted !== undefined && one !== wanted)) throw new Error(`jinja: ${one} in ${template}`);
    return one;
  };
  const takes = (wanted: string): boolean => {
    if (tokens[at] !== wanted) return false;
    at++;
    return true;
  };
  const listUntil = <T>(end: string, one: () => T): T[] => {
    const all: T[] = [];
    while (!takes(end)) {
      all.push(one());
      takes(',');
    }
    return all;
  };

  const primary = (): Term => {
    const one = next();
    if (one.startsWith("'")) return () => one.slice(1, -1);
    if (/^\d+$/.test(one)) return () => Number(one);
    if (one === 'value_json') return () => payload;
    if (one === '[') {
      const items = listUntil(']', choice);
      return () => items.map((item) => item());
    }
    if (one !== '(') throw new Error(`jinja: ${one} in ${template}`);
    const inside = choice();
    next(')');
    return inside;
  };
  const filtered = (): Term => {
    let term = primary();
    for (;;) {
      const of = term;
      if (takes('.')) {
        const key = next();
        term = () => memberOf(of(), key);
      } else if (takes('[')) {
        const index = choice();
        next(']');
        term = () => memberOf(of(), index() as number);
      } else if (takes('|')) {
        const filter = filters[next()]!;
        const args = takes('(') ? listUntil(')', choice) : [];
        term = () => filter(of(), ...args.map((arg) => arg()));
      } else return term;
    }
  };
  const compared = (): Term => {
    const left = filtered();
    if (takes('in')) {
      const list = filtered();
      return () => (list() as Value[]).includes(left());
    }
    if (takes('>')) {
      const right = filtered();
      return () => (left() as number) > (right() as number);
    }
    if (!takes('is')) return left;
    const isNot = takes('not');
    next('defined');
    return () => (left() !== undefined) !== isNot;
  };
  const choice = (): Term => {
    const first = compared();
    if (!takes('if')) return first;
    const condition = compared();
    next('else');
    const second = choice();
    return () => (truth(condition()) ? first() : second());
  };

  const expression = choice();
  if (at < tokens.length) throw new Error(`jinja: ${tokens.slice(at).join(' ')} in ${template}`);
  const result = expression();
  return result === undefined ? '' : String(result);
}
