import type { Clock } from '@holdfast/format';

/** Since when a volume is gone from every listing: wall time, as the follower has it. */
export interface AbsenceBook {
  /** One listing. `server`: whose copy is held of the volume, if that is known. */
  note(name: string, listing: { readonly isListed: boolean; readonly isServerListed: boolean }): void;
  /** Whether it has been gone for as long as its copy is to be kept. */
  isOver(name: string): boolean;
}

/** `waitMs`: how long a volume has to be gone; `null`: for ever. */
export function createAbsenceBook(clock: Clock, waitMs: number | null): AbsenceBook {
  const goneSinceMs = new Map<string, number>();
  return {
    note(name, { isListed, isServerListed }) {
      if (isListed || !isServerListed) goneSinceMs.delete(name);
      // A follower may have lost the earlier one in a crash, and its clock step back in between.
      else goneSinceMs.set(name, Math.min(goneSinceMs.get(name) ?? Infinity, Math.floor(clock.nowMs())));
    },
    isOver(name) {
      const sinceMs = goneSinceMs.get(name);
      return waitMs !== null && sinceMs !== undefined && clock.nowMs() - sinceMs >= waitMs;
    },
  };
}
