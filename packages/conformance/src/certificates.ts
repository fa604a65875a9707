import './reflect-metadata.js';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

cryptoProvider.set(webcrypto as unknown as Crypto);

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const dayMs = 24 * 60 * 60 * 1000;

export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Its own certificate, PEM. */
  readonly ca: string;
  /** A certificate for `dnsName` and 127.0.0.1, or for the name alone; already over where `expired`. */
  issue(
    dnsName: string,
    options?: { readonly expired?: boolean; readonly address?: boolean },
  ): Promise<Identity>;
}

/** A certificate authority of a test's own. */
export async function createAuthority(name: string): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 1, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  let serial = 1;
  return {
    ca: root.toString('pem'),
    async issue(dnsName, { expired = false, address = true } = {}) {
      serial += 1;
      const own = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
      const names = [
        { type: 'dns' as const, value: dnsName },
        ...(address ? [{ type: 'ip' as const, value: '127.0.0.1' }] : []),
      ];
      const certificate = await X509CertificateGenerator.create({
        serialNumber: serial.toString(16).padStart(2, '0'),
        subject: `CN=${dnsName}`,
        issuer: root.subject,
        notBefore: new Date(Date.now() - dayMs),
        notAfter: new Date(Date.now() + (expired ? -dayMs / 2 : dayMs)),
        signingAlgorithm: algorithm,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [new SubjectAlternativeNameExtension(names)],
      });
      const exported = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey));
      const body = exported.toString('base64').replace(/.{64}/g, '$&\n');
      return {
        cert: certificate.toString('pem'),
        key: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
      };
    },
  };
}
