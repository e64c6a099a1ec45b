import { claimsOf } from './jwt.ts';
import type { Tokens } from './oauth.ts';

/** What we ask for. Without it BMW's server grants less than the client is registered for. */
export const requestedScope = 'authenticate_user openid cardata:streaming:read cardata:api:read';

/** What a set of tokens is good for; undefined: the tokens don't say. */
export interface Grants {
  /** The MQTT stream. */
  stream: boolean | undefined;
  /** The REST interface. */
  api: boolean | undefined;
}

/**
 * Reads off `scope` and the id token's `dynamic_scopes` what was granted. A client that was authorised before it was subscribed
 * to both services gets tokens that look fine and open nothing.
 */
export function grantsOf(tokens: Pick<Tokens, 'scope' | 'id_token'>): Grants {
  const scopes = tokens.scope?.split(/\s+/);
  const rules = claimsOf(tokens.id_token)?.dynamic_scopes;
  const named = scopes?.includes('cardata:streaming:read');
  const ruled = Array.isArray(rules) ? rules.length > 0 : undefined;
  return {
    stream: ruled === false ? false : named,
    api: scopes?.includes('cardata:api:read'),
  };
}
