import type { Random } from '@holdfast/format';

/** One thing that happens to a leader's volume. Needles have the low 32 bits of their id as cookie. */
export type LifeOperation =
  | { readonly kind: 'put'; readonly needleId: bigint; readonly data: Uint8Array }
  | { readonly kind: 'delete'; readonly needleId: bigint }
  /** A compaction begins; writes may follow before its `commit`. */
  | { readonly kind: 'compact' }
  | { readonly kind: 'commit' }
  /** The server process ends and starts again. */
  | { readonly kind: 'restart' }
  /** The volume is deleted and made anew under its id. */
  | { readonly kind: 'remake' }
  /** Nothing on the leader: the moment for a follower to sync and be compared. */
  | { readonly kind: 'sync' };

export interface LifeOptions {
  /** Syncs in the life; it ends with one. */
  readonly syncs: number;
  /** Operations between two syncs, at most. Default 12. */
  readonly operationsBetweenSyncs?: number;
  /** Default 4096. */
  readonly maxDataBytes?: number;
  /** Default 24: few enough that overwrites and deletes meet. */
  readonly needleCount?: number;
  /** Default true. */
  readonly restarts?: boolean;
  /** Default true. */
  readonly remakes?: boolean;
}

/**
 * A random life: appends, overwrites (of the same size too), the very same bytes again, empty bodies, deletes,
 * vacuums with and without writes during them, restarts, volumes made anew. The same numbers give the same life.
 */
export function randomLife(random: Random, options: LifeOptions): LifeOperation[] {
  const { syncs, operationsBetweenSyncs = 12, maxDataBytes = 4096, needleCount = 24 } = options;
  const { restarts = true, remakes = true } = options;
  const operations: LifeOperation[] = [];
  const live = new Map<bigint, Uint8Array>();
  const below = (limit: number): number => Math.floor(random.nextFloat() * limit);
  let isCompacting = false;
  let wroteWhileCompacting = false;
  /** A compaction that begins on an empty index cannot commit once something is written. */
  let hasEntries = false;

  const anyNeedleId = (): bigint => BigInt(1 + below(needleCount));
  const anyLive = (): bigint => [...live.keys()][below(live.size)] ?? anyNeedleId();
  const put = (needleId: bigint, data: Uint8Array): void => {
    live.set(needleId, data);
    hasEntries = true;
    wroteWhileCompacting = true;
    operations.push({ kind: 'put', needleId, data });
  };
  const finishCompaction = (): void => {
    if (!isCompacting) return;
    operations.push({ kind: 'commit' });
    isCompacting = false;
    hasEntries = live.size > 0 || wroteWhileCompacting;
  };

  const act = (): void => {
    const dice = below(100);
    if (dice < 40) put(anyNeedleId(), random.bytes(1 + below(maxDataBytes)));
    else if (dice < 50) {
      const needleId = anyLive();
      put(needleId, random.bytes(live.get(needleId)?.length ?? 8));
    } else if (dice < 54) {
      const needleId = anyLive();
      put(needleId, live.get(needleId) ?? random.bytes(8));
    } else if (dice < 62) put(anyNeedleId(), new Uint8Array(0));
    else if (dice < 82) {
      const needleId = anyLive();
      if (live.delete(needleId)) wroteWhileCompacting = true;
      operations.push({ kind: 'delete', needleId });
    } else if (dice < 92) {
      if (isCompacting) {
        finishCompaction();
      } else if (hasEntries) {
        operations.push({ kind: 'compact' });
        isCompacting = true;
        wroteWhileCompacting = false;
      }
    } else if (dice < 96) {
      if (!restarts || isCompacting) return;
      operations.push({ kind: 'restart' });
    } else {
      if (!remakes || isCompacting) return;
      live.clear();
      hasEntries = false;
      operations.push({ kind: 'remake' });
    }
  };

  for (let sync = 0; sync < syncs; sync++) {
    for (let count = below(operationsBetweenSyncs + 1); count > 0; count--) act();
    finishCompaction();
    operations.push({ kind: 'sync' });
  }
  return operations;
}
