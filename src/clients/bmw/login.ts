import type { Context } from '../../runtime/context.ts';
import type { Options } from '../../runtime/options.ts';
import { readText } from '../../runtime/text-file.ts';
import { type HttpClient, httpClient } from '../../transports/http/client.ts';
import { type OAuthClient, oauthClient } from './oauth.ts';
import { bmwAddresses } from './portal.ts';
import { createTokenStore, type TokenStore } from './tokens.ts';

/** The options of every command that uses the login. */
export const loginOptions = {
  clientId: {
    type: 'string',
    value: 'ID',
    key: 'bmw.clientId',
    summary: "id of the CarData client, from BMW's portal",
  },
  gcid: {
    type: 'string',
    value: 'ID',
    key: 'bmw.gcid',
    rare: true,
    summary: 'name of the account, where BMW does not send it with the tokens',
  },
  tokensAccess: {
    type: 'secret',
    key: 'bmw.tokens.access',
    configOnly: true,
    summary: 'access token of a login made elsewhere, taken over once when there is no token file',
  },
  tokensRefresh: {
    type: 'secret',
    key: 'bmw.tokens.refresh',
    configOnly: true,
    summary: 'refresh token of a login made elsewhere, taken over once when there is no token file',
  },
  tokensId: {
    type: 'secret',
    key: 'bmw.tokens.id',
    configOnly: true,
    summary: 'id token of a login made elsewhere, taken over once when there is no token file',
  },
  authUrl: {
    type: 'url',
    key: 'bmw.authUrl',
    default: bmwAddresses.auth,
    rare: true,
    summary: "BMW's authorisation server, or a simulator",
  },
  ca: {
    type: 'file',
    key: 'bmw.ca',
    rare: true,
    summary: 'certificates (PEM) to trust instead of the built-in ones, for a simulator or a mirror',
  },
} as const satisfies Options;

/** The login as a command uses it. */
export interface Login {
  http: HttpClient;
  oauth: OAuthClient;
  store: TokenStore;
  ca: string | undefined;
}

/** Opens the token file and a client for BMW's authorisation server. Makes no call. */
export async function openLogin(ctx: Context<typeof loginOptions>): Promise<Login> {
  const { opts } = ctx;
  const http = httpClient(ctx.clock);
  const ca = readCertificates(opts.ca);
  // Not ctx.signal: a renewal that is cut short may have used the refresh token up.
  const oauth = oauthClient({ http, url: opts.authUrl, ca, signal: ctx.deadline });
  const [access, refresh, id] = await Promise.all([
    ctx.secret('tokensAccess'),
    ctx.secret('tokensRefresh'),
    ctx.secret('tokensId'),
  ]);
  return { http, oauth, ca, store: createTokenStore(ctx, oauth, { clientId: opts.clientId, access, refresh, id }) };
}

/** The text of a PEM file; undefined for no file. Throws exit status 78. */
export function readCertificates(file: string | undefined): string | undefined {
  return file === undefined ? undefined : readText(file, 'config', `bmw.ca: ${file}`);
}
