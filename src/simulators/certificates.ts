import { webcrypto as crypto } from 'node:crypto';

/** A certificate authority of the moment and a server certificate under it, all PEM. Nothing of it is kept on disk. */
export interface ServerCertificate {
  /** The authority's certificate: what a client has to trust. */
  ca: string;
  /** The server's certificate. */
  cert: string;
  /** The server's private key (PKCS #8). */
  key: string;
}

const curve = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
/** Wide enough for a client whose clock is wrong, or turned by a test. */
const validity = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2049-12-31T00:00:00Z') };

const isAddress = (name: string): boolean => /^[\d.]+$/.test(name) || name.includes(':');

/**
 * Makes an authority and a server certificate (ECDSA P-256) for a simulator.
 *
 * @param names host names and IP addresses that the server is reached by
 */
export async function serverCertificate(
  names: readonly string[] = ['localhost', '127.0.0.1', '::1'],
): Promise<ServerCertificate> {
  // The package's dependency injection asks for the global that this one sets.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(crypto);

  const newKeys = () => crypto.subtle.generateKey(curve, true, ['sign', 'verify']);
  const [authorityKeys, serverKeys] = await Promise.all([newKeys(), newKeys()]);

  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=voltpipe simulator CA',
    keys: authorityKeys,
    signingAlgorithm: curve,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(authorityKeys.publicKey, false, crypto),
    ],
  });
  const server = await x509.X509CertificateGenerator.create({
    subject: 'CN=voltpipe simulator',
    issuer: authority.subject,
    publicKey: serverKeys.publicKey,
    signingKey: authorityKeys.privateKey,
    signingAlgorithm: curve,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isAddress(value) ? 'ip' : 'dns', value }) as const),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(authority, false, crypto),
    ],
  });
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', serverKeys.privateKey), 'PRIVATE KEY');
  return { ca: authority.toString('pem'), cert: server.toString('pem'), key };
}
