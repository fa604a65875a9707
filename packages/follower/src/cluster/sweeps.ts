import type { VolumeName } from '@holdfast/format';
import type { LeaderClient, SweepEntry } from '@holdfast/protocol';

/** What each server said last of all its volumes. */
export interface Sweeps {
  /** Begins a sweep of each of these servers that has none under way: one that hangs holds up no other. */
  begin(leaders: Iterable<LeaderClient>): void;
  /** `undefined` where the last sweep of that server did not tell of the volume. */
  entryOf(address: string, volume: VolumeName): SweepEntry | undefined;
  /** Whether a sweep of that server has ended, whatever it gave. */
  isSwept(address: string): boolean;
  /** Whether the last sweep of that server failed. */
  isDeaf(address: string): boolean;
  /** When none is under way any more. */
  idle(): Promise<void>;
}

export interface SweepsOptions {
  readonly signal: AbortSignal;
  /** A server has answered, or failed to. */
  readonly onSwept: (address: string) => void;
  readonly onProblem: (error: unknown) => void;
}

export function createSweeps({ signal, onSwept, onProblem }: SweepsOptions): Sweeps {
  const answers = new Map<string, readonly SweepEntry[]>();
  const entries = new Map<string, ReadonlyMap<number, SweepEntry>>();
  const deaf = new Set<string>();
  const underWay = new Map<string, Promise<void>>();

  async function sweep(leader: LeaderClient): Promise<void> {
    const { address } = leader;
    try {
      const found = await leader.sweep(signal);
      const isNews = found !== answers.get(address) || deaf.has(address);
      answers.set(address, found);
      deaf.delete(address);
      // A client that gives the same array again says that nothing has changed since.
      if (!isNews) return;
      entries.set(address, new Map(found.map((entry) => [entry.volumeId, entry])));
    } catch (error) {
      if (signal.aborted) return;
      // What it said before is kept: nothing is known to have changed.
      deaf.add(address);
      onProblem(error);
    } finally {
      underWay.delete(address);
    }
    onSwept(address);
  }

  return {
    begin(leaders) {
      for (const leader of leaders)
        if (!underWay.has(leader.address)) underWay.set(leader.address, sweep(leader));
    },
    entryOf(address, { volumeId, collection }) {
      const entry = entries.get(address)?.get(volumeId);
      return entry?.collection === collection ? entry : undefined;
    },
    isSwept: (address) => entries.has(address) || deaf.has(address),
    isDeaf: (address) => deaf.has(address),
    async idle() {
      await Promise.all(underWay.values());
    },
  };
}

/** Whether nothing seems to have happened to a volume between two sweeps. */
export function isSameEntry(a: SweepEntry, b: SweepEntry | undefined): boolean {
  return (
    a.contentBytes === b?.contentBytes &&
    a.fileCount === b.fileCount &&
    a.deleteCount === b.deleteCount &&
    a.revision === b.revision &&
    a.modifiedAtSeconds === b.modifiedAtSeconds
  );
}
