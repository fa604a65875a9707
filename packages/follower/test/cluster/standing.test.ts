import type { SweepEntry } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import {
  createStanding,
  type FollowedVolume,
  type Hearing,
  isDue,
  lagBytesOf,
  noteLeft,
  noteTurn,
  type Pace,
  type Standing,
} from '../../src/cluster/standing.js';
import type { KnownVolume } from '../../src/cluster/volume-source.js';
import { failedReport, type SyncReport } from '../../src/report.js';

const VOLUME = { volumeId: 7, collection: '' };
const KNOWN: KnownVolume = { volume: VOLUME, locations: [], unsupported: undefined };
const CODED: KnownVolume = { ...KNOWN, unsupported: 'erasure-coded' };
const ENTRY: SweepEntry = {
  ...VOLUME,
  contentBytes: 1_000,
  fileCount: 10,
  deleteCount: 2,
  revision: 1,
  modifiedAtSeconds: 50,
};
const GROWN: SweepEntry = { ...ENTRY, contentBytes: 1_500 };
const FAILED: SyncReport = failedReport(VOLUME, { code: 'leader-unreachable', message: 'no answer' });
const IDLE: SyncReport = { ...FAILED, outcome: 'idle', ok: true, code: null, error: null };
const UNSUPPORTED: SyncReport = { ...FAILED, outcome: 'unsupported', code: 'unsupported' };
const SYNCED: FollowedVolume = {
  known: KNOWN,
  report: IDLE,
  provedAtMs: 500,
  indexProvedAtMs: 400,
  lagBytes: 0,
  hasVanished: false,
  isPushed: false,
  failures: 0,
  nextTryAtMs: 0,
};
/** Proved, swept, and with nothing to do before its proof is due at 9,000. */
const AT_REST: Standing = {
  ...createStanding('7', KNOWN),
  followed: SYNCED,
  swept: ENTRY,
  nextProofMs: 9_000,
};
const SAME: Hearing = { nowMs: 1_000, entry: ENTRY, isDeaf: false };
const PACE: Pace = {
  wallMs: 50_000,
  nowMs: 1_000,
  proveEveryMs: 600_000,
  firstPauseMs: 1_000,
  greatestPauseMs: 30_000,
  jitter: 0.5,
  failoverInMs: undefined,
};
const TURN = {
  report: IDLE,
  entry: ENTRY,
  isDeaf: false,
  startedAtMs: 49_000,
  comparedIndex: true,
  isPushed: false,
};

describe('when a volume gets a turn', () => {
  const followedAs = (changes: Partial<FollowedVolume>) => ({ followed: { ...SYNCED, ...changes } });
  const cases: [string, boolean, Partial<Standing>, Partial<Hearing>][] = [
    ['nothing has happened', false, {}, {}],
    ['it was never followed', true, { followed: undefined }, {}],
    ['the cluster lists it no more', false, { followed: undefined, isListed: false }, { entry: GROWN }],
    ['it had vanished, and is there again', true, followedAs({ hasVanished: true }), {}],
    ['it has become unsupported', true, { known: CODED }, {}],
    ['it was found unsupported before', false, { known: CODED, ...followedAs({ report: UNSUPPORTED }) }, {}],
    ['it is supported again', true, followedAs({ report: UNSUPPORTED }), {}],
    ['its pause after a failure is not over', false, { nextTryMs: 1_001 }, { entry: GROWN }],
    ['its last run failed', true, followedAs({ failures: 1 }), {}],
    ['its proof is due', true, { nextProofMs: 1_000 }, {}],
    ['its server is deaf, and was not tried', true, {}, { isDeaf: true }],
    ['its server is deaf, and was tried just now', false, { nextBlindTryMs: 1_001 }, { isDeaf: true }],
    ['it may be stayed with again', true, { nextStayMs: 1_000 }, {}],
    ['it may not be stayed with yet', false, { nextStayMs: 1_001 }, {}],
    ['its server has it no more', false, {}, { entry: undefined }],
    ['no sweep had told of it before', true, { swept: undefined }, {}],
    ['it is pushed, whatever a sweep says', false, followedAs({ isPushed: true }), { entry: GROWN }],
  ];
  it.each(cases)('%s: %s', (_, expected, standing, hearing) => {
    expect(isDue({ ...AT_REST, ...standing }, { ...SAME, ...hearing })).toBe(expected);
  });

  it.each(['contentBytes', 'fileCount', 'deleteCount', 'revision', 'modifiedAtSeconds'] as const)(
    'a sweep that tells of another %s is a reason',
    (field) => {
      expect(isDue(AT_REST, { ...SAME, entry: { ...ENTRY, [field]: ENTRY[field] + 1 } })).toBe(true);
    },
  );
});

describe('the lag that a sweep lets see', () => {
  it('is what the leader has more than at the last proof; a compaction gives none below zero', () => {
    expect(lagBytesOf(AT_REST, GROWN)).toBe(500);
    expect(lagBytesOf({ ...AT_REST, swept: GROWN }, ENTRY)).toBe(0);
    expect(lagBytesOf({ ...AT_REST, swept: undefined }, ENTRY)).toBe(1_000);
  });

  it('is none where the leader pushes, and where no sweep tells of the volume', () => {
    expect(lagBytesOf({ ...AT_REST, followed: { ...SYNCED, isPushed: true } }, GROWN)).toBe(0);
    expect(lagBytesOf(AT_REST, undefined)).toBe(0);
  });
});

describe('after a turn', () => {
  it('failures make pauses that double up to the greatest; a proof ends them', () => {
    const standing = { ...AT_REST };
    const pausesMs = Array.from({ length: 6 }, () => {
      const { nextTryAtMs } = noteTurn(standing, { ...TURN, report: FAILED }, PACE);
      expect(standing.nextTryMs - PACE.nowMs).toBe(nextTryAtMs - PACE.wallMs);
      return nextTryAtMs - PACE.wallMs;
    });
    expect(pausesMs).toEqual([1_500, 3_000, 6_000, 12_000, 22_500, 22_500]);
    expect(standing.followed).toMatchObject({ failures: 6, provedAtMs: 500, indexProvedAtMs: 400 });
    expect(noteTurn(standing, TURN, PACE)).toMatchObject({
      failures: 0,
      nextTryAtMs: PACE.wallMs,
      provedAtMs: 49_000,
      indexProvedAtMs: 49_000,
    });
  });

  it('a first turn that fails counts as one failure, and proves nothing', () => {
    const standing = createStanding('7', KNOWN);
    const followed = noteTurn(standing, { ...TURN, report: FAILED }, PACE);
    expect(followed).toMatchObject({ failures: 1, provedAtMs: undefined, indexProvedAtMs: undefined });
    expect(followed.lagBytes).toBe(1_000);
    expect(standing).toMatchObject({ swept: undefined, nextProofMs: 0 });
  });

  it('first proofs are spread over the whole period, later ones come a little early', () => {
    const periodMs = (before: FollowedVolume | undefined, jitter: number) => {
      const standing = { ...AT_REST, followed: before };
      noteTurn(standing, TURN, { ...PACE, jitter });
      return standing.nextProofMs - PACE.nowMs;
    };
    expect(periodMs(undefined, 0)).toBe(0);
    expect(periodMs(undefined, 0.5)).toBe(300_000);
    expect(periodMs(SYNCED, 0)).toBe(570_000);
    expect(periodMs(SYNCED, 0.999)).toBeLessThan(600_000);
  });

  it('a proof that compared no index puts off none that does', () => {
    const standing = { ...AT_REST };
    expect(noteTurn(standing, { ...TURN, comparedIndex: false }, PACE)).toMatchObject({
      provedAtMs: 49_000,
      indexProvedAtMs: 400,
    });
    expect(standing.nextProofMs).toBe(9_000);
  });

  it('a proof without a sweep keeps what the last one said', () => {
    const standing = { ...AT_REST };
    noteTurn(standing, { ...TURN, entry: undefined }, PACE);
    expect(standing.swept).toBe(ENTRY);
    noteTurn(standing, { ...TURN, entry: GROWN }, PACE);
    expect(standing.swept).toBe(GROWN);
  });

  it.each([
    ['a deaf server that is followed all the same: once a minute', IDLE, true, undefined, 60_000],
    ['one that fails: once a minute', FAILED, true, undefined, 60_000],
    ['one that is to be left sooner: as soon as that', FAILED, true, 5_000, 5_000],
    ['but not before the pause after a failure', FAILED, true, 200, 1_500],
    ['one that has answered, and goes deaf: at once', IDLE, false, undefined, -PACE.nowMs],
  ])('%s', (_, report, isDeaf, failoverInMs, expectedMs) => {
    const standing = { ...AT_REST };
    noteTurn(standing, { ...TURN, report, isDeaf }, { ...PACE, failoverInMs });
    expect(standing.nextBlindTryMs - PACE.nowMs).toBe(expectedMs);
  });

  it('a volume that went off the list meanwhile is told as vanished', () => {
    expect(noteTurn({ ...AT_REST, isListed: false }, TURN, PACE).hasVanished).toBe(true);
  });
});

describe('when the leader pushes no more', () => {
  it.each([
    ['broken off', true, 11_000],
    ['over', false, 1_000],
  ])('%s: the next sweep is news, and it is stayed with again in time', (_, isBroken, expectedMs) => {
    const standing = { ...AT_REST, followed: { ...SYNCED, isPushed: true } };
    noteLeft(standing, { isBroken, nowMs: 1_000 });
    expect(standing).toMatchObject({
      swept: undefined,
      nextStayMs: expectedMs,
      followed: { isPushed: false },
    });
    expect(isDue(standing, SAME)).toBe(true);
  });
});
