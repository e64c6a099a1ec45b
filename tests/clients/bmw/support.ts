import { join } from 'node:path';
import type { OAuthAnswer, OAuthClient, Tokens } from '../../../src/clients/bmw/oauth.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import type { Context } from '../../../src/runtime/context.ts';
import { createLog, createRedactor } from '../../../src/runtime/logger.ts';
import type { State } from '../../../src/runtime/state.ts';
import { createState } from '../../../src/runtime/state-file.ts';
import { temporaryFolder } from '../../support/shell.ts';

/** The part of a context that clients use, with a data directory of its own. */
export interface TestContext {
  context: Pick<Context, 'state' | 'clock' | 'log' | 'redact' | 'dataDir' | 'signal' | 'deadline'>;
  /** What was said on stderr, redacted. */
  said: string[];
  dataDir: string;
  stop: AbortController;
}

/** Makes it. */
export function clientContext(clock: Clock, dataDir = temporaryFolder('bmw')): TestContext {
  const said: string[] = [];
  const redactor = createRedactor();
  const log = createLog(
    'test',
    { level: 'info', format: 'text', journal: false },
    { clock, redactor, write: (line) => void said.push(line.trimEnd()) },
  );
  const stop = new AbortController();
  const context: TestContext['context'] = {
    clock,
    log,
    dataDir,
    signal: stop.signal,
    deadline: new AbortController().signal,
    redact: redactor.add,
    state: (name) =>
      createState(
        join(dataDir, `${name}.json`),
        (why) => log.error(why),
        () => {},
      ),
  };
  return { context, said, dataDir, stop };
}

/** States in memory, for a fake clock: it doesn't wait for a disk. */
export function memoryStates(): Context['state'] {
  const documents = new Map<string, unknown>();
  let last = Promise.resolve<unknown>(undefined);
  return <T>(name: string): State<T> => ({
    read: async () => documents.get(name) as T | undefined,
    update(fn) {
      const next = last.then(async () => {
        const value = await fn(documents.get(name) as T | undefined);
        documents.set(name, value);
        return value;
      });
      last = next.catch(() => {});
      return next;
    },
    keep() {},
  });
}

/** A JWT whose claims can be read and whose signature is none. */
export function jwt(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${Buffer.from('no signature').toString('base64url')}`;
}

export const gcid = '00000000-0000-4000-8000-000000000001';
export const clientId = '00000000-0000-4000-8000-0000000000c1';
export const scope = 'authenticate_user openid cardata:streaming:read cardata:api:read';

/** A set of tokens, the `n`th of a login, got at `now` and good for an hour. */
export function tokenSet(n: number, now: number, lifetime = 3_600_000): Tokens {
  return {
    client_id: clientId,
    access_token: `access-token-${n}`,
    refresh_token: `refresh-token-${n}`,
    id_token: jwt({ exp: Math.floor((now + lifetime) / 1000), iat: Math.floor(now / 1000), n }),
    gcid,
    scope,
    token_type: 'Bearer',
    expires_at: new Date(now + lifetime).toISOString(),
  };
}

/** An answer of the authorisation server. */
export function answer(status: number, body: object = {}): OAuthAnswer {
  const { error, fault } = body as { error?: string; fault?: { detail: { errorcode: string } } };
  return {
    status,
    body: body as Record<string, unknown>,
    error,
    fault: fault?.detail.errorcode,
    correlation: undefined,
    retryAfter: undefined,
  };
}

/** A server that trades refresh tokens: `refresh-token-1` for set 2, and so on; each is good for one use. */
export function rotatingServer(clock: Clock, lifetime = 3_600_000): OAuthClient & { refreshed: string[] } {
  let good = 1;
  const refreshed: string[] = [];
  const unused = async (): Promise<never> => {
    throw new Error('not asked for in this test');
  };
  return {
    refreshed,
    device: unused,
    poll: unused,
    async refresh(_client, token) {
      refreshed.push(token);
      if (token !== `refresh-token-${good}`) return answer(400, { error: 'invalid_request' });
      good++;
      const { client_id, gcid: _gcid, expires_at, ...rest } = tokenSet(good, clock.now(), lifetime);
      return answer(200, { ...rest, expires_in: lifetime / 1000 - 1 });
    },
  };
}
