/** How a value is compared. */
export type Operator = '<' | '<=' | '>' | '>=' | '==' | '!=';

/** What a limit can be; a number is the rule, true and false are for switches. */
export type Limit = number | boolean | string;

/** One rule of `alarm`; times are milliseconds. */
export interface Rule {
  /** What the alarm is called. */
  name: string;
  /** The record type that it looks at. */
  type: string;
  field: string;
  operator: Operator;
  limit: Limit;
  /** How long the limit must be passed before the alarm is raised. */
  hold: number;
  /** Where the alarm is over; undefined: as soon as the limit is no longer passed. */
  clear: number | undefined;
  /** The limit is one of the slope: units of the field in `per` milliseconds, over a window. */
  slope?: { per: number; over: number };
}

/** Faults of an expression, for the message. */
export class RuleError extends Error {}

const units: Record<string, number> = { s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const number = String.raw`[-+]?\d+(?:\.\d+)?`;
const time = String.raw`\d+(?:\.\d+)?(?:ms|s|m|h|d)`;

const shape = new RegExp(
  String.raw`^\s*(?:(?<name>[^:<>=!]+):)?\s*(?:(?<type>\w+)\.)?(?<field>\w+)\s*(?<operator><=|>=|==|!=|<|>)\s*` +
    String.raw`(?<limit>"[^"]*"|${number}|true|false)\s*(?:/\s*(?<per>s|min|m|h|d))?\s*(?<rest>.*?)\s*$`,
);

const clause = new RegExp(
  String.raw`^\s*(?:for\s+(?<hold>${time})|clear\s+(?<clear>${number})|hysteresis\s+(?<hysteresis>${number})|over\s+(?<over>${time}))\s*`,
);

const example = "expected an expression such as 'voltage<12.2 for 30m' or 'low: voltage<12.2 hysteresis 0.3'";

function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)!;
  return Number(match[1]) * (match[2] === 'ms' ? 1 : units[match[2]!]!);
}

function limitOf(text: string): Limit {
  if (text === 'true' || text === 'false') return text === 'true';
  return text.startsWith('"') ? text.slice(1, -1) : Number(text);
}

interface Clauses {
  hold?: string;
  clear?: string;
  hysteresis?: string;
  over?: string;
}

/** The clauses behind the condition, each at most once and in any order. */
function clausesOf(text: string): Clauses {
  const found: Clauses = {};
  for (let rest = text; rest !== ''; ) {
    const match = clause.exec(rest);
    if (!match) throw new RuleError(`'${rest}': expected for, clear, hysteresis or over, each with its value`);
    for (const [name, value] of Object.entries(match.groups ?? {})) {
      if (value === undefined) continue;
      if (found[name as keyof Clauses] !== undefined)
        throw new RuleError(`${name === 'hold' ? 'for' : name}: stands twice`);
      found[name as keyof Clauses] = value;
    }
    rest = rest.slice(match[0].length);
  }
  return found;
}

const isUpper = (operator: Operator): boolean => operator === '>' || operator === '>=';

/** The value at which the alarm is over; it must lie on the good side of the limit. */
function clearOf({ clear, hysteresis }: Clauses, operator: Operator, limit: Limit): number | undefined {
  if (clear === undefined && hysteresis === undefined) return undefined;
  if (clear !== undefined && hysteresis !== undefined)
    throw new RuleError('clear and hysteresis mean the same; give one');
  if (typeof limit !== 'number' || operator === '==' || operator === '!=') {
    throw new RuleError('clear and hysteresis go with <, <=, > and >= alone');
  }
  const sign = isUpper(operator) ? -1 : 1;
  const value = clear === undefined ? limit + sign * Math.abs(Number(hysteresis)) : Number(clear);
  if ((value - limit) * sign < 0) throw new RuleError(`clear ${value}: lies on the wrong side of ${limit}`);
  return value;
}

/**
 * Reads an expression: `[NAME:] [TYPE.]FIELD OPERATOR LIMIT [for TIME] [clear VALUE | hysteresis VALUE]`; for a slope the limit is
 * `NUMBER/UNIT`, with `over TIME` behind it.
 *
 * @throws {@link RuleError} that says what was expected
 */
export function parseRule(text: string, kind: 'value' | 'slope' = 'value'): Rule {
  const match = shape.exec(text);
  if (!match?.groups) throw new RuleError(example);
  const {
    name,
    type = 'battery_reading',
    field = '',
    operator: sign,
    limit: limitText = '',
    per,
    rest = '',
  } = match.groups;
  const operator = sign as Operator;
  const clauses = clausesOf(rest);
  const limit = limitOf(limitText);
  if (kind === 'slope' && (per === undefined || typeof limit !== 'number')) {
    throw new RuleError("expected a slope such as 'voltage<-0.05/d over 3d'");
  }
  if (kind === 'value' && (per !== undefined || clauses.over !== undefined)) {
    throw new RuleError('a slope is for --slope');
  }
  if (typeof limit !== 'number' && operator !== '==' && operator !== '!=') {
    throw new RuleError(`${limitText}: can only be compared with == and !=`);
  }
  const over = clauses.over === undefined ? units.d! : duration(clauses.over);
  return {
    name: name?.trim() ?? `${field}${operator}${limitText}${per === undefined ? '' : `/${per}`}`,
    type,
    field,
    operator,
    limit,
    hold: clauses.hold === undefined ? 0 : duration(clauses.hold),
    clear: clearOf(clauses, operator, limit),
    ...(kind === 'slope' && { slope: { per: units[per!]!, over } }),
  };
}

const compare: Record<Operator, (value: Limit, limit: Limit) => boolean> = {
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
  '==': (value, limit) => value === limit,
  '!=': (value, limit) => value !== limit,
};

/** Whether a value passes the rule's limit. */
export const passes = ({ operator, limit }: Rule, value: Limit): boolean => compare[operator](value, limit);

/** Whether a raised alarm is over. */
export function isOver(rule: Rule, value: Limit): boolean {
  if (rule.clear === undefined || typeof value !== 'number') return !passes(rule, value);
  return isUpper(rule.operator) ? value <= rule.clear : value >= rule.clear;
}
