import 'reflect-metadata';
import { webcrypto } from 'node:crypto';

/** A certificate authority of the test and a server certificate it signed, in PEM. */
export interface TestCertificates {
  ca: string;
  key: string;
  cert: string;
}

/** Issues a server certificate, by default for 127.0.0.1, by an authority made for this call. */
export async function testCertificates(address = '127.0.0.1'): Promise<TestCertificates> {
  const x509 = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const [authority, server] = await Promise.all(
    [1, 2].map(() => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])),
  );
  if (!authority || !server) throw new Error('no keys');
  const validity = { notBefore: new Date('2020-01-01'), notAfter: new Date('2099-01-01') };
  const ca = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: 'CN=voltpipe test authority',
      keys: authority,
      signingAlgorithm: algorithm,
      extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
      ...validity,
    },
    webcrypto,
  );
  const cert = await x509.X509CertificateGenerator.create(
    {
      serialNumber: '02',
      subject: 'CN=voltpipe test server',
      issuer: ca.subject,
      publicKey: server.publicKey,
      signingKey: authority.privateKey,
      signingAlgorithm: algorithm,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: address }])],
      ...validity,
    },
    webcrypto,
  );
  const key = await webcrypto.subtle.exportKey('pkcs8', server.privateKey);
  return {
    ca: ca.toString('pem'),
    cert: cert.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${Buffer.from(key).toString('base64')}\n-----END PRIVATE KEY-----\n`,
  };
}
