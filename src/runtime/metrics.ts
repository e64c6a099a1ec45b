import type { Metric } from './context.ts';

/** The metrics of the process. */
export interface Metrics {
  /** A metric of one command; `cmd` is added to its labels. */
  metric(command: string, name: string, help: string | undefined): Metric;
  /** Prometheus text, and its media type. */
  render(): Promise<{ type: string; body: string }>;
}

/** Used without `--http`: counts nothing. */
export const noMetrics: Metrics = {
  metric: () => ({ add() {}, set() {} }),
  render: async () => ({ type: 'text/plain', body: '' }),
};

/** One metric with all its series. */
interface Family {
  name: string;
  help: string;
  /** By their labels as JSON: values, and the labels themselves. */
  series: Map<string, { labels: Record<string, string>; value: number }>;
}

/**
 * Metrics as Prometheus reads them, rendered by prom-client, which is loaded only when somebody can ask for them. Counted here,
 * since prom-client wants to know all labels of a metric before it counts the first time. Names in `_total` are counters.
 */
export async function createMetrics(): Promise<Metrics> {
  const { Counter, Gauge, Registry, collectDefaultMetrics } = await import('prom-client');
  const ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  const families = new Map<string, Family>();

  const render = async (): Promise<string> => {
    const registers = [new Registry()];
    for (const { name, help, series } of families.values()) {
      const all = [...series.values()];
      const labelNames = [...new Set(all.flatMap(({ labels }) => Object.keys(labels)))];
      const metric = new (name.endsWith('_total') ? Counter : Gauge)({ name, help, labelNames, registers });
      for (const { labels, value } of all) metric.inc(labels, value);
    }
    return `${await ofProcess.metrics()}${await registers[0]!.metrics()}`;
  };

  return {
    metric(cmd, short, help) {
      const name = short.startsWith('voltpipe_') ? short : `voltpipe_${short}`;
      const family = families.get(name) ?? { name, help: help ?? name.replaceAll('_', ' '), series: new Map() };
      families.set(name, family);
      const change = (extra: Readonly<Record<string, string>>, next: (value: number) => number): void => {
        const labels = { cmd, ...extra };
        const key = JSON.stringify(labels);
        family.series.set(key, { labels, value: next(family.series.get(key)?.value ?? 0) });
      };
      return {
        add: (n, labels = {}) => change(labels, (value) => value + n),
        set: (value, labels = {}) => change(labels, () => value),
      };
    },
    render: async () => ({ type: ofProcess.contentType, body: await render() }),
  };
}
