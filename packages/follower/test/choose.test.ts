import type { LeaderStatus } from '@holdfast/protocol';
import type { GenerationPosition } from '@holdfast/store';
import { describe, expect, it } from 'vitest';
import { choose } from '../src/choose.js';
import { assertSameGeneration } from '../src/fence.js';
import type { VolumeRun } from '../src/run.js';

const LEADER_COPY = { server: 's1', volumeId: 7, collection: '' };
const HELD: GenerationPosition = {
  leaderCopy: LEADER_COPY,
  lineageId: null,
  revision: 2,
  version: 3,
  offsetWidthBytes: 5,
  datSizeBytes: 1000,
  idxSizeBytes: 170,
  proofOffset: 8,
  lastAppendAtNs: '1',
  liveNeedles: 10,
  greatestLiveNeedles: 10,
  countedIdxSizeBytes: null,
  leaderTailBytes: 0,
  leaderDamage: [],
};
const STATUS = {
  collection: '',
  revision: 2,
  version: 3,
  offsetWidthBytes: 5,
  datSizeBytes: 1000,
  idxSizeBytes: 170,
} as LeaderStatus;

describe('what the figures of a leader ask for', () => {
  const cases: [string, Partial<GenerationPosition>, Partial<LeaderStatus>][] = [
    ['idle', {}, {}],
    ['idle', { leaderTailBytes: 16 }, { datSizeBytes: 1016 }],
    ['append', {}, { datSizeBytes: 1100, idxSizeBytes: 187 }],
    ['adopt-index', {}, { idxSizeBytes: 187 }],
    ['build: another leader copy: s1, was s2', { leaderCopy: { ...LEADER_COPY, server: 's2' } }, {}],
    ['build: the leader was compacted: revision 3, held 2', {}, { revision: 3 }],
    ['build: another lineage', {}, { lineageId: 'a' }],
    ['build: another offset width', {}, { offsetWidthBytes: 4 }],
    ['build: the leader ends at 900, held are 1000', {}, { datSizeBytes: 900 }],
    ["build: the leader's index is shorter", {}, { datSizeBytes: 1100, idxSizeBytes: 153 }],
  ];
  it.each(cases)('%s', (expected, position, status) => {
    const choice = choose({ ...HELD, ...position }, LEADER_COPY, { ...STATUS, ...status });
    expect(choice.kind === 'build' ? `build: ${choice.reason}` : choice.kind).toBe(expected);
  });

  it('build, where nothing is held', () => {
    expect(choose(undefined, LEADER_COPY, STATUS)).toEqual({ kind: 'build', reason: 'nothing is held' });
  });
});

describe('a status that can be no later one of the same generation voids the step', () => {
  const run = { leaderCopy: LEADER_COPY } as VolumeRun;
  it.each<[string, Partial<LeaderStatus>]>([
    ['revision 3, was 2', { revision: 3 }],
    ['version 2, was 3', { version: 2 }],
    ['another offset width', { offsetWidthBytes: 4 }],
    ['another lineage', { lineageId: 'a' }],
    ['a tail of 999, was 1000', { datSizeBytes: 999 }],
    ['an index of 153, was 170', { idxSizeBytes: 153 }],
  ])('%s', (reason, changed) => {
    const check = () => assertSameGeneration(run, STATUS, { ...STATUS, ...changed });
    expect(check).toThrow(reason);
    expect(check).toThrow(expect.objectContaining({ code: 'step-voided' }));
  });

  it('one that has grown does not', () => {
    assertSameGeneration(run, STATUS, { ...STATUS, datSizeBytes: 2000, idxSizeBytes: 340 });
  });
});
