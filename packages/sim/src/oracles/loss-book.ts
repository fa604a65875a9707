import type { LeaderState } from '../world/simulated-leader.js';
import type { CopyFiles } from './copy-oracle.js';
import { countLive, type OffsetWidth } from './second-reader.js';

/** A copy as it was reported, before too much of it was gone. */
export interface GoodCopy extends CopyFiles {
  readonly generation: number;
}

/** What the loss guard of one volume has to go by, kept without its figures. */
export interface LossBook {
  /** The greatest number of live needles that a run is known to have counted since the beginning or the last release. */
  greatestCounted: number;
  /** The last report that was not too great a loss. */
  good: GoodCopy | undefined;
  /** The most live needles that any state since the last release had: no run can have counted more. */
  greatestOf(states: readonly LeaderState[]): number;
  /** From here on states count again: `states` are those there were, `live` what is held. */
  release(states: readonly LeaderState[], live: number): void;
  /** What is held begins anew. */
  forget(): void;
}

export function createLossBook(width: OffsetWidth): LossBook {
  /** States that were there before the release, but for those that a build begun then may still come to. */
  let past: ReadonlySet<LeaderState> = new Set();
  let released = 0;
  const counts = new WeakMap<LeaderState, number>();
  const countOf = (state: LeaderState): number => {
    const count = counts.get(state) ?? countLive(state.idx, width);
    counts.set(state, count);
    return count;
  };
  const book: LossBook = {
    greatestCounted: 0,
    good: undefined,
    greatestOf: (states) =>
      Math.max(released, ...states.filter((state) => !past.has(state)).map((state) => countOf(state))),
    release(states, live) {
      past = new Set(states);
      released = live;
      book.greatestCounted = live;
      book.good = undefined;
    },
    forget() {
      book.greatestCounted = 0;
      book.good = undefined;
    },
  };
  return book;
}
