/** What is to be kept for how long: readings in detail, hours, days. Durations as `8w`, `1825d`, `inf`. */
export interface RetentionPlan {
  database: string;
  weeks: string;
  monthly: string;
  yearly: string;
  /** Measurements to downsample, with their fields; empty: none. */
  measurements: readonly { name: string; fields: readonly string[] }[];
}

/** What 1.x can count: 64 bits of nanoseconds. */
const mostHours = 2_562_047;

/** Whether a text is a duration of this plan. None at all is no duration: databases take it for one that never ends. */
export const isRetention = (text: string): boolean => {
  if (/^inf$/i.test(text)) return true;
  const hours = retentionHours(text);
  return hours > 0 && hours <= mostHours;
};

/** Hours of a duration; 0 is for ever, as databases have it. */
export function retentionHours(text: string): number {
  const [, count = '0', unit = ''] = /^(\d+)([hdw])$/i.exec(text) ?? [];
  return Number(count) * ({ h: 1, d: 24, w: 168 }[unit.toLowerCase()] ?? 0);
}
