/** Whom to trust, and who we are, where a far side is reached by TLS. All PEM texts. */
export interface TlsOptions {
  /** Certificates to trust instead of the built-in ones. */
  ca?: string | undefined;
  /** Our own certificate and its key. */
  cert?: string | undefined;
  key?: string | undefined;
  /** Whoever answers is believed: neither chain nor name is checked. */
  insecure?: boolean | undefined;
}

/** The same in the words of `node:tls`. */
export function tlsSettings({ ca, cert, key, insecure }: TlsOptions): {
  ca?: string;
  cert?: string;
  key?: string;
  rejectUnauthorized: boolean;
} {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    rejectUnauthorized: insecure !== true,
  };
}
