/** The types that an option's value can have. Durations are milliseconds, sizes bytes. */
export type OptionType =
  | 'flag'
  | 'string'
  | 'number'
  | 'integer'
  | 'duration'
  | 'size'
  | 'choice'
  | 'url'
  | 'file'
  | 'list'
  | 'secret'
  | 'map'
  | 'object';

/**
 * One option, declared once: its flag, its key in the configuration file, its environment names, its default and its text.
 *
 * The flag is the property's name in kebab-case (`minInterval` → `--min-interval`); a `flag` that defaults to true gets `--no-…`.
 * `secret` has no flag but `--<name>-file`. `map` (string → string) and `object` come from the configuration file alone.
 */
export interface OptionSpec {
  type: OptionType;
  /** What it does, a phrase without full stop. */
  summary: string;
  /** Its flag, without dashes, where it is another word than the name. */
  flag?: string;
  /** One letter, without the dash. */
  short?: string;
  /** What stands for the value in the help: `DURATION`. */
  value?: string;
  choices?: readonly string[];
  /** May be given several times; the value is a list. (`list` is that, with commas too.) */
  repeatable?: boolean;
  default?: unknown;
  min?: number;
  max?: number;
  /** Key in the configuration file: `abrp.minInterval`. The environment name follows: `VOLTPIPE_ABRP_MIN_INTERVAL`. */
  key?: string;
  /** Further keys that mean the same, in order of precedence after `key`: `rateLimitSeconds`. */
  aliases?: readonly string[];
  /** Further environment names, where a requirement fixes them. */
  env?: readonly string[];
  /** `map` and `object`: the values are secret. */
  sensitive?: boolean;
  /** `secret`: none by itself, as the name of a user; it comes the same ways, but may be seen. */
  open?: boolean;
  /** `object`: JSON Schema of the value, for the configuration's schema. */
  schema?: object;
  /** Not shown in the help; still in the manual. */
  rare?: boolean;
  /** Only from the configuration file and the environment. */
  configOnly?: boolean;
}

/** Options by name. */
export type Options = { readonly [name: string]: OptionSpec };

interface ValueOf {
  flag: boolean;
  string: string;
  number: number;
  integer: number;
  duration: number;
  size: number;
  url: string;
  file: string;
  list: readonly string[];
  secret: never;
  map: Readonly<Record<string, string>>;
  object: unknown;
}

type Single<S extends OptionSpec> = S['type'] extends 'choice'
  ? S['choices'] extends readonly (infer C)[]
    ? C
    : string
  : S['type'] extends keyof ValueOf
    ? ValueOf[S['type']]
    : never;

type Always<S extends OptionSpec> = S extends { default: unknown }
  ? true
  : S['type'] extends 'flag' | 'list'
    ? true
    : S extends { repeatable: true }
      ? true
      : false;

type Plain<S extends OptionSpec> = S extends { repeatable: true } ? readonly Single<S>[] : Single<S>;

/** The values of parsed options: a default, a flag or a list is always there, everything else may be undefined. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: Always<O[K]> extends true ? Plain<O[K]> : Plain<O[K]> | undefined;
};

/** The options of type `secret`. */
export type SecretName<O extends Options> = { [K in keyof O]: O[K]['type'] extends 'secret' ? K : never }[keyof O] &
  string;
