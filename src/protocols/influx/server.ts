import type { PlainAnswer } from './answer.ts';
import type { Api } from './requests.ts';

/** What a server is; `version` is what it calls itself. */
export interface Server {
  api: Api;
  version?: string;
}

const byMajor: Readonly<Record<string, Api>> = { 0: 'v1', 1: 'v1', 2: 'v2', 3: 'v3' };

function versionIn({ headers, text }: PlainAnswer): string | undefined {
  if (headers['x-influxdb-version']) return headers['x-influxdb-version'];
  try {
    const { version } = JSON.parse(text) as { version?: unknown };
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Tells servers apart by `GET /ping` and `GET /health`, undefined when it is none of them. InfluxDB names its version in a header
 * of ping or in JSON; VictoriaMetrics answers `OK` to health and names none, or one that it imitates.
 *
 * Seen: 1.6.7 (ping 204 with header, health 404), VictoriaMetrics 1.79 (ping 204 without, health `OK`). Documented: 1.8 and 2.x
 * (health JSON), 3 Core (ping JSON).
 */
export function identify(ping: PlainAnswer, health: PlainAnswer): Server | undefined {
  const version = [ping, health].map(versionIn).find((one) => one !== undefined && one !== '');
  const api = byMajor[/^v?(\d+)\./.exec(version ?? '')?.[1] ?? ''];
  const saysOk = health.status === 200 && health.text.trim() === 'OK';
  // InfluxDB 3 says OK too, but also which version it is.
  if (saysOk && (api === undefined || api === 'v1')) return { api: 'vm' };
  return api === undefined ? undefined : { api, version: version! };
}
