/** What is to be kept for how long: readings in detail, hours, days. Durations as `8w`, `1825d`, `inf`. */
export interface RetentionPlan {
  database: string;
  weeks: string;
  monthly: string;
  yearly: string;
  /** Measurements to downsample, with their fields; empty: none. */
  measurements: readonly { name: string; fields: readonly string[] }[];
}

/** Whether a text is a duration of this plan. */
export const isRetention = (text: string): boolean => /^(?:inf|\d+[hdw])$/i.test(text);

/** Hours of a duration; 0 is for ever, as databases have it. */
export function retentionHours(text: string): number {
  const [, count = '0', unit = ''] = /^(\d+)([hdw])$/i.exec(text) ?? [];
  return Number(count) * ({ h: 1, d: 24, w: 168 }[unit.toLowerCase()] ?? 0);
}
