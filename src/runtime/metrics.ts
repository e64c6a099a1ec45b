import type { Counter, Gauge, Registry } from 'prom-client';
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

/** Metrics through prom-client, loaded only when somebody can ask for them. */
export async function createMetrics(): Promise<Metrics> {
  const { Counter, Gauge, Registry, collectDefaultMetrics } = await import('prom-client');
  const register = new Registry();
  collectDefaultMetrics({ register });
  const known = new Map<string, Counter | Gauge>();

  const gauge = (name: string, help: string, labels: readonly string[]): Gauge => {
    const made = (known.get(name) ??
      new Gauge({ name, help, labelNames: [...labels], registers: [register] })) as Gauge;
    known.set(name, made);
    return made;
  };
  const counter = (name: string, help: string, labels: readonly string[]): Counter => {
    const made = (known.get(name) ??
      new Counter({ name, help, labelNames: [...labels], registers: [register] })) as Counter;
    known.set(name, made);
    return made;
  };

  return {
    metric(cmd, short, help) {
      const name = short.startsWith('voltpipe_') ? short : `voltpipe_${short}`;
      const text = help ?? name.replaceAll('_', ' ');
      return {
        add(n, labels = {}) {
          const all = { cmd, ...labels };
          const names = Object.keys(all);
          if (name.endsWith('_total')) counter(name, text, names).inc(all, n);
          else gauge(name, text, names).inc(all, n);
        },
        set(value, labels = {}) {
          const all = { cmd, ...labels };
          gauge(name, text, Object.keys(all)).set(all, value);
        },
      };
    },
    render: async () => ({ type: (register as Registry).contentType, body: await register.metrics() }),
  };
}
