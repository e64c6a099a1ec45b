import type { SimulatorRequest } from '../http.ts';
import { type Answer, type Dialect, errorAnswer } from './dialects.ts';

type Item = Record<string, unknown> & { id: string };

/** Answers requests that manage a server; undefined: it has no such path. */
export type Management = (request: SimulatorRequest) => Answer | undefined;

const parse = (body: string): Record<string, unknown> => {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return {};
  }
};

/** The lists of 2.x that influx-setup works on, with the key that names an item. */
const lists = { buckets: 'name', tasks: 'name', dbrps: 'database' } as const;

/**
 * What `influx-setup` and `--create-db` ask of a server: of 2.x organisations, buckets, tasks and mappings, of 3 databases, of 1.x
 * `CREATE DATABASE` and `DROP DATABASE` alone, since there the real one is to be had.
 */
export function createManagement(dialect: Dialect, org: string, databases: Set<string> | undefined): Management {
  const items: Record<keyof typeof lists, Item[]> = { buckets: [], tasks: [], dbrps: [] };
  let lastId = 0;
  for (const name of databases ?? []) items.buckets.push({ id: `b${++lastId}`, name, retentionRules: [] });

  /** A task's name stands in its Flux. */
  const named = (list: keyof typeof lists, body: Record<string, unknown>): Record<string, unknown> => {
    if (list !== 'tasks') return body;
    const name = /option task = \{\s*name: "([^"]*)"/.exec(String(body.flux))?.[1];
    return { ...body, name };
  };

  const list = (name: keyof typeof lists, { method, path, query, body }: SimulatorRequest): Answer | undefined => {
    const all = items[name];
    const id = path.split('/')[4];
    if (method === 'GET' && id === undefined) {
      const wanted = query.get(name === 'dbrps' ? 'db' : 'name');
      const found = all.filter((item) => wanted === null || item[lists[name]] === wanted);
      return { status: 200, body: { [name === 'dbrps' ? 'content' : name]: found } };
    }
    if (method === 'POST' && id === undefined) {
      const item: Item = { id: `x${++lastId}`, ...named(name, parse(body)) };
      if (
        name !== 'tasks' &&
        all.some((one) => one[lists[name]] === item[lists[name]] && one.retention_policy === item.retention_policy)
      ) {
        return errorAnswer('2', 422, `${name.slice(0, -1)} with name ${String(item.name)} already exists`);
      }
      all.push(item);
      if (name === 'buckets') databases?.add(String(item.name));
      return { status: 201, body: item };
    }
    const item = all.find((one) => one.id === id);
    if (!item) return errorAnswer('2', 404, `${name.slice(0, -1)} not found`);
    if (method !== 'PATCH') return errorAnswer('2', 405, 'method not allowed');
    Object.assign(item, named(name, parse(body)));
    return { status: 200, body: item };
  };

  const second: Management = (request) => {
    const { path, query } = request;
    if (path === '/api/v2/orgs') {
      const wanted = query.get('org');
      if (wanted !== null && wanted !== org) return errorAnswer('2', 404, `organization name "${wanted}" not found`);
      return { status: 200, body: { orgs: [{ id: 'o1', name: org }] } };
    }
    const name = Object.keys(lists).find((one) => path.split('/')[3] === one) as keyof typeof lists | undefined;
    return path.startsWith('/api/v2/') && name ? list(name, request) : undefined;
  };

  const third: Management = ({ method, path, body }) => {
    if (method !== 'POST' || path !== '/api/v3/configure/database') return undefined;
    databases?.add(String(parse(body).db));
    return { status: 200 };
  };

  const first: Management = ({ path, body, query }) => {
    if (path !== '/query') return undefined;
    const statement = new URLSearchParams(body).get('q') ?? query.get('q') ?? '';
    const [, verb, name] = /^(CREATE|DROP) DATABASE "((?:[^"\\]|\\.)*)"$/.exec(statement) ?? [];
    const answer = (error?: string): Answer => ({
      status: 200,
      body: { results: [{ statement_id: 0, ...(error === undefined ? {} : { error }) }] },
    });
    if (name === undefined) return answer('not simulated');
    if (/^$|^\.\.?$|[/\\]/.test(name)) return answer('invalid name');
    if (verb === 'CREATE') databases?.add(name);
    else databases?.delete(name);
    return answer();
  };

  return { 1: first, 2: second, 3: third }[dialect];
}
