/** What the value of a key is in JSON; `any` is each of them but null. */
type KeyKind = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'any';

/** One key of a record family. */
export interface RecordKey {
  name: string;
  kind: KeyKind;
  /** Unit of the number (or of each number in an array): `kW`, `%`, `°C`. */
  unit?: string;
  /** What it says, a phrase without full stop. */
  summary: string;
  /** Part of the identity: a tag of a time-series point. */
  tag?: true;
  /** Always there; every other key is absent while it is unknown. */
  required?: true;
  /** The lowest and highest value that can be meant; what lies outside is a fault of the source and is left out. */
  min?: number;
  max?: number;
  /** The values that it takes, where they are few. */
  values?: readonly string[];
}

/** A record family: what a `type` stands for and which keys its records have beyond the common ones. */
export interface RecordFamily {
  type: string;
  /** What a record of this family is, a phrase without full stop. */
  summary: string;
  /** A command to a device has no time of measurement: its `time` may be absent. */
  timeless?: true;
  /** Its records may have further keys. */
  open?: true;
  keys: readonly RecordKey[];
}
