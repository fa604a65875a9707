import type { Clock } from '@holdfast/format';

/** Since when a volume is gone from every listing: wall time, as the follower has it. */
export interface AbsenceBook {
  /** One listing. `server`: whose copy is held of the volume, if that is known. */
  note(name: string, listing: { readonly isListed: boolean; readonly isServerListed: boolean }): void;
  /** The clock has stepped: what is gone may be written down from now on only, by a follower that has heard of it before. */
  noteStep(): void;
  /** A run has ended; one that came to its end has judged its listings, and written down what is back. */
  settle(isDone: boolean): void;
  /** The follower has said that it is gone: it has written down since when. */
  noteTold(name: string): void;
  /** Whether it can have been gone for as long as its copy is to be kept. */
  isOver(name: string): boolean;
  /** Whether the follower has known for so long that it is gone: a listing that it did not come to judge tells it nothing. */
  isKnownOver(name: string): boolean;
}

/** `waitMs`: how long a volume has to be gone; `null`: for ever. */
export function createAbsenceBook(clock: Clock, waitMs: number | null): AbsenceBook {
  const goneSinceMs = new Map<string, number>();
  const toldAtMs = new Map<string, number>();
  /** Those that are back, or whose server is away, by a listing that a crash may have kept from being judged. */
  const unsettled = new Set<string>();

  function isLongAgo(atMs: number | undefined): boolean {
    return waitMs !== null && atMs !== undefined && clock.nowMs() - atMs >= waitMs;
  }

  function noteGone(name: string): void {
    goneSinceMs.set(name, Math.min(goneSinceMs.get(name) ?? Infinity, Math.floor(clock.nowMs())));
  }

  return {
    note(name, { isListed, isServerListed }) {
      if (isListed || !isServerListed) {
        toldAtMs.delete(name);
        // One run's second listing comes when the first has been judged.
        if (unsettled.has(name)) goneSinceMs.delete(name);
        unsettled.add(name);
        return;
      }
      unsettled.delete(name);
      // A follower may have lost the earlier one in a crash, and its clock step back in between.
      noteGone(name);
    },
    noteStep() {
      for (const name of goneSinceMs.keys()) noteGone(name);
    },
    settle(isDone) {
      if (isDone) for (const name of unsettled) goneSinceMs.delete(name);
      unsettled.clear();
    },
    noteTold(name) {
      if (goneSinceMs.has(name) && !toldAtMs.has(name)) toldAtMs.set(name, Math.ceil(clock.nowMs()));
    },
    isOver: (name) => isLongAgo(goneSinceMs.get(name)),
    isKnownOver: (name) => isLongAgo(toldAtMs.get(name)),
  };
}
