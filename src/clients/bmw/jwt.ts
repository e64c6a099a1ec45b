/** The claims of an id token that we look at. */
export interface IdTokenClaims {
  /** Seconds since 1970. */
  exp?: number;
  iat?: number;
  /** Rules of BMW's broker, as `read:streaming/*\/{gcid}.*`; an empty list means that the client has no stream. */
  dynamic_scopes?: readonly string[];
}

/** Reads the claims of a JWT without checking its signature: it is our own password, not somebody's proof. Undefined: it is none. */
export function claimsOf(token: string | undefined): IdTokenClaims | undefined {
  const [, body] = token?.split('.') ?? [];
  if (!body) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? (claims as IdTokenClaims) : undefined;
  } catch {
    return undefined;
  }
}
