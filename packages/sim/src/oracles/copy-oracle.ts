import type { SyncReport } from '@holdfast/follower';
import type { LeaderState } from '../world/simulated-leader.js';
import { isCut, type OffsetWidth, readLiveNeedles, startsWith } from './second-reader.js';
import { Violation } from './violation.js';

/** Both files of a copy, cut to what it was proved to. */
export interface CopyFiles {
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
}

/**
 * Success means equal bytes: the copy is one of the states that the leader was in while the run went on, `startedAt` the
 * first of them, whole, and serves what was written to it. Where the leader's history changed meanwhile a build of an
 * earlier run may have been finished as what it was begun as.
 */
export function judgeSuccess(
  report: SyncReport,
  copy: CopyFiles,
  log: readonly LeaderState[],
  startedAt: number,
  width: OffsetWidth,
): LeaderState {
  const hasMovedOn = log.at(-1)?.history !== log[startedAt]?.history;
  const states = hasMovedOn ? log : log.slice(startedAt);
  const name = `volume ${report.id}`;
  const found = describeCopy(copy, report.revision);
  if (copy.dat.length !== report.datSize)
    throw new Violation('honest', `${name}: a copy of the reported ${report.datSize} bytes`, found);
  const state = states.findLast((candidate) => isWholeCopy(report, copy, candidate, width));
  if (state === undefined) {
    const expected = states.map((candidate) => describeCopy(candidate, candidate.revision)).join(' or ');
    throw new Violation(
      'identity',
      `${name}: ${expected}`,
      `${found}, reported as ${report.outcome}: ${firstDifference(copy, states)}`,
    );
  }
  if (report.leaderTailBytes === 0 && copy.dat.length === state.dat.length)
    judgeLiveSet(name, copy, state, width);
  return state;
}

function isWholeCopy(report: SyncReport, copy: CopyFiles, state: LeaderState, width: OffsetWidth): boolean {
  if (state.revision !== report.revision || !isCut(copy, state, width)) return false;
  const behind = roundedUp(state.dat.length) - copy.dat.length;
  const isTold = behind === report.leaderTailBytes && (behind === 0 || state.mayBeDamaged);
  return copy.idx.length === state.idx.length && isTold;
}

/** A server counts in units of 8 bytes. */
function roundedUp(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 8) * 8;
}

/** The live set equals what the operations on the leader left: nothing extra, nothing missing, nothing older. */
export function judgeLiveSet(name: string, copy: CopyFiles, state: LeaderState, width: OffsetWidth): void {
  const served = readLiveNeedles(copy.dat, copy.idx, width);
  for (const [key, data] of state.live) {
    const needle = served.get(key);
    if (needle === undefined)
      throw new Violation('live set', `${name}: needle ${key} of ${data.length} bytes`, 'none');
    if (Buffer.compare(needle.data, data) !== 0)
      throw new Violation(
        'live set',
        `${name}: needle ${key} as it was written last`,
        `${needle.data.length} other bytes`,
      );
  }
  for (const key of served.keys())
    if (!state.live.has(key) && key < 100n)
      throw new Violation('live set', `${name}: no needle ${key}`, 'one');
}

/** What is committed, proved by a run that ended or not, is a state of the leader cut between two records. */
export function judgeCommitted(
  volumeId: number,
  copy: CopyFiles,
  states: readonly LeaderState[],
  width: OffsetWidth,
): void {
  if (!states.some((state) => isCommittedOf(copy, state, width))) {
    const found = `${copy.dat.length} + ${copy.idx.length} bytes: ${firstDifference(copy, states)}`;
    throw new Violation(
      'prefix safety',
      `volume ${volumeId}: what is committed to be a cut of one state of the leader`,
      found,
    );
  }
}

function isCommittedOf(copy: CopyFiles, state: LeaderState, width: OffsetWidth): boolean {
  return isCut(copy, state, width) || (state.isIndexRewritten && startsWith(state.dat, copy.dat));
}

/** Whether what is committed is no less than what was reported: more of it, or of what the leader became since then. */
export function isAsNew(
  copy: CopyFiles,
  reported: Pick<CopyFiles, 'dat'> & { readonly state: LeaderState },
  states: readonly LeaderState[],
  width: OffsetWidth,
): boolean {
  if (startsWith(copy.dat, reported.dat)) return true;
  const since = states.slice(states.indexOf(reported.state) + 1);
  return since.some((state) => !startsWith(state.dat, reported.dat) && isCommittedOf(copy, state, width));
}

function describeCopy({ dat, idx }: CopyFiles, revision: number): string {
  return `revision ${revision} with ${dat.length} + ${idx.length} bytes`;
}

/** Where the copy leaves the state that it is nearest to. */
function firstDifference(copy: CopyFiles, states: readonly LeaderState[]): string {
  let best = 'nothing is known of the leader';
  let furthest = -1;
  for (const { dat, idx, revision } of states) {
    const at = commonLength(copy.dat, dat);
    if (at < furthest) continue;
    furthest = at;
    const inIndex = commonLength(copy.idx, idx);
    best = startsWith(dat, copy.dat)
      ? `the data are a part of revision ${revision}'s ${dat.length}, the index is equal up to ${inIndex} of ${idx.length}`
      : `the data are equal up to ${at}`;
  }
  return best;
}

function commonLength(left: Uint8Array, right: Uint8Array): number {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at++;
  return at;
}
