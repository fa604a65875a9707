import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  FormatError,
  formatReplicaPlacement,
  formatTtl,
  parseReplicaPlacement,
  parseSuperBlock,
  parseTtl,
  writeSuperBlock,
} from '../src/index.js';
import { goldens, list, read } from './fixtures.js';

const refusal = (code: string) => expect.objectContaining({ name: 'FormatError', code });

test.each(goldens().map(({ name, dat, manifest }) => ({ name, dat, manifest })))(
  '$name',
  ({ dat, manifest }) => {
    const superBlock = parseSuperBlock(dat);
    expect(Buffer.from(writeSuperBlock(superBlock)).toString('hex')).toBe(manifest.superBlock.bytesHex);
    expect(superBlock.compactionRevision).toBe(manifest.superBlock.compactionRevision);
    expect(formatReplicaPlacement(superBlock.replicaPlacement)).toBe(manifest.superBlock.replication);
    expect(formatTtl(superBlock.ttl)).toBe(manifest.superBlock.ttl);
  },
);

test('what is written is read', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1 as const, 2 as const, 3 as const),
      fc.nat(255),
      fc.nat(255),
      fc.nat(255),
      fc.nat(65535),
      (version, placement, count, unit, revision) => {
        const bytes = Uint8Array.of(version, placement, count, unit, revision >>> 8, revision & 255, 0, 0);
        expect(writeSuperBlock(parseSuperBlock(bytes))).toEqual(bytes);
      },
    ),
  );
});

test.each(['superblock-version-0', 'superblock-version-9', 'superblock-extra', 'dat-empty', 'dat-5-bytes'])(
  'damaged: %s',
  (part) => {
    const names = list().filter((name) => name.startsWith(`bad-${part}`));
    expect(names.length).toBeGreaterThan(1);
    for (const name of names) {
      const file = list(name).find((each) => each.endsWith('.dat'))!;
      expect(() => parseSuperBlock(read(`${name}/${file}`)), name).toThrow(refusal('bad-super-block'));
    }
  },
);

test('a caller mistake is a RangeError', () => {
  const superBlock = parseSuperBlock(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0));
  expect(() => writeSuperBlock({ ...superBlock, compactionRevision: 65536 })).toThrow(RangeError);
});

test('replica placement', () => {
  expect(
    writeSuperBlock({
      ...parseSuperBlock(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0)),
      replicaPlacement: parseReplicaPlacement('210'),
    })[1],
  ).toBe(0xd2);
  expect(parseReplicaPlacement('001')).toEqual({ otherDataCenters: 0, otherRacks: 0, sameRack: 1 });
  expect(formatReplicaPlacement(parseReplicaPlacement(''))).toBe('000');
  expect(formatReplicaPlacement(parseReplicaPlacement('255'))).toBe('255');
  for (const text of ['256', '300', 'abc', '0001', '-1', ' 1']) {
    expect(() => parseReplicaPlacement(text), text).toThrow(refusal('bad-replica-placement'));
  }
  const impossible = { otherDataCenters: 0, otherRacks: 0, sameRack: 10 };
  expect(() => formatReplicaPlacement(impossible)).toThrow(FormatError);
});

test('the ttl of a super block survives', () => {
  const bytes = writeSuperBlock({
    version: 3,
    replicaPlacement: parseReplicaPlacement('000'),
    ttl: parseTtl('5d'),
    compactionRevision: 65535,
    extraSizeBytes: 0,
  });
  expect([...bytes]).toEqual([3, 0, 5, 3, 255, 255, 0, 0]);
});
