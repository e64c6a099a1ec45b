import { createHash, randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import type { IClientOptions, MqttClient } from 'mqtt';
import { type Bmw, type BmwOptions, startBmw } from '../../../src/simulators/bmw/index.ts';
import { type FakeClock, fakeClock } from '../../support/clock.ts';

export const scope = 'authenticate_user openid cardata:streaming:read cardata:api:read';

/** A simulator on a clock that stands still, ended with the test. */
export async function simulator(t: TestContext, options: BmwOptions = {}): Promise<{ bmw: Bmw; clock: FakeClock }> {
  const clock = fakeClock();
  const bmw = await startBmw({ clock, ...options });
  t.after(() => bmw.close());
  return { bmw, clock };
}

export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at bodies of any shape.
  body: any;
}

async function reply(response: Response): Promise<Reply> {
  const text = await response.text();
  const json = response.headers.get('content-type')?.startsWith('application/json');
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
}

/** Posts a form to the authorisation server. */
export async function post(bmw: Bmw, path: string, form: Record<string, string>, type?: string): Promise<Reply> {
  const headers = { 'content-type': type ?? 'application/x-www-form-urlencoded' };
  return reply(
    await fetch(bmw.authUrl + path, { method: 'POST', headers, body: new URLSearchParams(form).toString() }),
  );
}

export async function get(url: string, headers: Record<string, string> = {}): Promise<Reply> {
  return reply(await fetch(url, { headers }));
}

/** A login in its steps. */
export interface Login {
  verifier: string;
  code: Reply;
  poll(changes?: Record<string, string>): Promise<Reply>;
}

/** Asks for a device code with all five parameters. */
export async function startLogin(bmw: Bmw, changes: Record<string, string> = {}): Promise<Login> {
  const verifier = randomBytes(32).toString('base64url');
  const code = await post(bmw, '/gcdm/oauth/device/code', {
    client_id: bmw.clientId,
    response_type: 'device_code',
    scope,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...changes,
  });
  const poll = (more: Record<string, string> = {}) =>
    post(bmw, '/gcdm/oauth/token', {
      client_id: bmw.clientId,
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: code.body.device_code,
      code_verifier: verifier,
      ...more,
    });
  return { verifier, code, poll };
}

/** A whole login: the answer with the tokens. */
export async function login(bmw: Bmw): Promise<Reply['body']> {
  const { poll } = await startLogin(bmw);
  bmw.approve();
  return (await poll()).body;
}

export const refresh = (bmw: Bmw, token: string): Promise<Reply> =>
  post(bmw, '/gcdm/oauth/token', { client_id: bmw.clientId, grant_type: 'refresh_token', refresh_token: token });

/** Calls the REST interface with a token. */
export async function api(
  bmw: Bmw,
  token: string | undefined,
  path: string,
  init: { method?: string; body?: object; headers?: Record<string, string> } = {},
): Promise<Reply> {
  const { method = 'GET', body, headers } = init;
  return reply(
    await fetch(bmw.apiUrl + path, {
      method,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), 'x-version': 'v1', ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }),
  );
}

/** What became of an attempt to connect: the client, or the code of the refusal. */
export interface Attempt {
  client: MqttClient;
  /** 0 when it was let in. */
  code: number;
  messages: { topic: string; payload: string }[];
  /** Resolves when the connection is closed. */
  closed: Promise<void>;
}

/** Connects an MQTT client; ended with the test. */
export async function connect(
  t: TestContext,
  bmw: Bmw,
  password: string,
  options: IClientOptions = {},
): Promise<Attempt> {
  const { connect: open } = await import('mqtt');
  const client = open(bmw.brokerUrl, {
    username: bmw.gcid,
    password,
    ca: bmw.ca,
    keepalive: 30,
    reconnectPeriod: 0,
    protocolVersion: 4,
    ...options,
  });
  t.after(() => client.end(true));
  const messages: Attempt['messages'] = [];
  client.on('message', (topic, payload) => messages.push({ topic, payload: payload.toString() }));
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  const code = await new Promise<number>((resolve) => {
    client.once('connect', () => resolve(0));
    client.on('error', (error) => resolve((error as { code?: number }).code ?? -1));
    client.once('close', () => resolve(-1));
  });
  return { client, code, messages, closed };
}

/** Waits until `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 2000) throw new Error('it never came to be');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
