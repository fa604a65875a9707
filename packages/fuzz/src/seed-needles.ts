import { type NeedleContent, type Version, writeNeedle } from '@holdfast/format';

export const VERSIONS: readonly Version[] = [1, 2, 3];

const CONTENTS: readonly NeedleContent[] = [
  { needleId: 1n, cookie: 1, data: new Uint8Array(100).fill(7), appendAtNs: 1_700_000_000_000_000_001n },
  {
    needleId: 0x1122334455667788n,
    cookie: 0xfffffffe,
    data: Uint8Array.of(1, 2, 3),
    name: 'a.txt',
    mime: 'text/plain',
    lastModifiedSeconds: 1_700_000_000,
    ttl: { count: 3, unit: 2 },
    pairs: '{"Seaweed-k":"v"}',
    flags: 0x81,
    appendAtNs: 1_700_000_000_000_000_002n,
  },
  { needleId: 3n, cookie: 3, data: new Uint8Array(0), appendAtNs: 3n },
  { needleId: 4n, cookie: 4, data: new Uint8Array(4096).fill(9), name: '', appendAtNs: 4n },
];

/** Whole records of one version, each kind once. */
export function seedNeedles(version: Version): Uint8Array[] {
  return CONTENTS.map((content) => writeNeedle(content, version));
}

/** The version that a byte of an input stands for. */
export function versionOf(byte: number | undefined): Version {
  return VERSIONS[(byte ?? 0) % VERSIONS.length]!;
}
