import type { RecordFamily } from './family.ts';

/** A point that a simulated InfluxDB stored. */
export const influxPoint = {
  type: 'influx_point',
  summary: 'a point of a time series that `simulate influx` stored; time is that of the point',
  keys: [
    { name: 'database', kind: 'string', summary: 'database or bucket', required: true },
    { name: 'measurement', kind: 'string', summary: 'measurement', required: true },
    { name: 'tags', kind: 'object', summary: 'tag → text', required: true },
    { name: 'fields', kind: 'object', summary: 'field → number, boolean or text', required: true },
  ],
} as const satisfies RecordFamily;
