import { fail } from '../runtime/exit.ts';
import { readText } from '../runtime/text-file.ts';

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

/** The text of a PEM file; undefined for no file. `flag` is the option that names it. Throws exit status 78 when it is none. */
export function readPem(file: string | undefined, flag: string): string | undefined {
  if (file === undefined) return undefined;
  const text = readText(file, 'config', `${flag} ${file}`);
  if (!text.includes('-----BEGIN ')) throw fail('config', `${flag} ${file}: is no PEM file`);
  return text;
}

/**
 * Looks whether a certificate and its key can be used, before anything is connected. `what` names the options that they came from.
 * Throws exit status 78: the key of another certificate, a text that is no certificate, a key with a password.
 */
export async function checkIdentity({ cert, key }: TlsOptions, what: string): Promise<void> {
  if (cert === undefined) return;
  const { createSecureContext } = await import('node:tls');
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const { code, reason, message } = error as { code?: string; reason?: string; message: string };
    const mismatch = code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH';
    const why = mismatch ? 'the key belongs to another certificate' : `cannot be used: ${reason ?? message}`;
    throw fail('config', `${what}: ${why}`, undefined, error);
  }
}
