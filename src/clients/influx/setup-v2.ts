import { messageOf } from '../../protocols/influx/answer.ts';
import { apiUrl, authorization, type Credentials, type Target } from '../../protocols/influx/requests.ts';
import type { RetentionPlan } from '../../protocols/influx/retention.ts';
import { bucketsOf, tasksOf } from '../../protocols/influx/retention-v2.ts';
import { fail } from '../../runtime/exit.ts';
import type { HttpClient } from '../../transports/http/client.ts';
import { jsonAnswer } from './failures.ts';

type Json = Record<string, unknown>;

/** Calls of the API of 2.x. Throws what the server says is wrong: 77 for who asks, 78 for what is not there, else 69. */
export type Call = (
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  parameters?: Record<string, string>,
  body?: Json,
) => Promise<Json>;

/** Makes the calls. */
export function apiClient(http: HttpClient, target: Target, credentials: Credentials, timeoutMs: number): Call {
  return async (method, path, parameters = {}, body) => {
    const answer = await http.call({
      method,
      url: apiUrl(target, path, parameters),
      headers: { 'content-type': 'application/json', ...authorization('v2', credentials) },
      timeoutMs,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (answer.status === 401 || answer.status === 403)
      throw fail(
        'noPermission',
        messageOf(answer),
        'Check influxdb.token: it must be one that may make buckets and tasks.',
      );
    if (answer.status === 404) throw fail('config', messageOf(answer), 'Check influxdb.org.');
    if (answer.status >= 300) throw fail('unavailable', `${method} ${path}: ${messageOf(answer)}`);
    return jsonAnswer(answer);
  };
}

const list = (answer: Json, name: string): Json[] => (Array.isArray(answer[name]) ? (answer[name] as Json[]) : []);

/** The mappings that make buckets look like a database with policies, for InfluxQL in Grafana. */
const mappings = [
  { suffix: '', policy: 'weeks', isDefault: true },
  { suffix: '_monthly', policy: 'monthly', isDefault: false },
  { suffix: '_yearly', policy: 'yearly', isDefault: false },
];

/** As `applyV1`: buckets, the mappings that InfluxQL needs, tasks. */
export async function* applyV2(call: Call, plan: RetentionPlan, org: string): AsyncGenerator<string> {
  const [home] = list(await call('GET', '/api/v2/orgs', { org }), 'orgs');
  if (!home) throw fail('config', `organisation ${org} is not there`, 'Check influxdb.org.');
  const orgID = String(home.id);
  const ids = new Map<string, string>();

  for (const { name, seconds } of bucketsOf(plan)) {
    const [found] = list(await call('GET', '/api/v2/buckets', { name, orgID }), 'buckets');
    const retentionRules = seconds === 0 ? [] : [{ type: 'expire', everySeconds: seconds }];
    const [rule] = found ? list(found, 'retentionRules') : [];
    const same = found !== undefined && Number(rule?.everySeconds ?? 0) === seconds;
    const made = found ?? (await call('POST', '/api/v2/buckets', {}, { orgID, name, retentionRules }));
    if (found && !same) await call('PATCH', `/api/v2/buckets/${String(found.id)}`, {}, { retentionRules });
    ids.set(name, String(made.id));
    yield `${same ? 'unchanged' : found ? 'changed' : 'created'} bucket ${name}`;
  }

  const known = list(await call('GET', '/api/v2/dbrps', { orgID, db: plan.database }), 'content');
  for (const { suffix, policy, isDefault } of mappings) {
    const found = known.some(({ retention_policy }) => retention_policy === policy);
    const bucketID = ids.get(plan.database + suffix);
    if (!found)
      await call(
        'POST',
        '/api/v2/dbrps',
        {},
        { orgID, bucketID, database: plan.database, retention_policy: policy, default: isDefault },
      );
    yield `${found ? 'unchanged' : 'created'} mapping ${plan.database}/${policy}`;
  }

  for (const { name, flux } of tasksOf(plan)) {
    const [found] = list(await call('GET', '/api/v2/tasks', { name, orgID }), 'tasks');
    const same = found?.flux === flux;
    if (!found) await call('POST', '/api/v2/tasks', {}, { orgID, flux });
    else if (!same) await call('PATCH', `/api/v2/tasks/${String(found.id)}`, {}, { flux });
    yield `${same ? 'unchanged' : found ? 'changed' : 'created'} task ${name}`;
  }
}
