import type { OffsetWidthBytes } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import type { BuildTarget, GenerationPosition, LeaderCopyId } from './position.js';

/** What opening a volume's home found and mended. */
export interface HomeRecovery {
  /** A swap that a crash had cut short was completed or undone. */
  readonly swap: 'none' | 'rolled-forward' | 'rolled-back';
  /** Bytes behind the committed position that were cut from `.dat` and `.idx`, our own unfinished append. */
  readonly cutBytes: number;
  /** Files under `strays/` that now hold bytes which were not ours. */
  readonly strays: readonly string[];
  /** Why there is no held generation although there are files: each is a pool now. */
  readonly notHeld: 'no-files' | 'foreign-files' | 'digests-differ' | 'position-damaged' | null;
}

/**
 * The current generation, whose files are `N.dat` and `N.idx` in DIR. Reads see committed bytes only.
 * One append at a time; a failed `write`, `commit` or sync leaves `position` as it was and ends the generation for
 * this process (`isFailed`): open the home again.
 */
export interface HeldGeneration {
  /** Counts up within the volume; names `.holdfast/<volume>/<id>/`. */
  readonly id: number;
  readonly position: GenerationPosition;
  readonly dat: RandomAccess;
  readonly idx: RandomAccess;
  readonly isFailed: boolean;
  /** Makes the open-append note durable (once per home). Then `write` may put bytes past the committed offset. */
  beginAppend(): Promise<void>;
  /**
   * Appends `.dat` bytes behind those already written since the last commit. Not durable, not visible to `dat`. The
   * array is to be left alone until the next call is through.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** The uncommitted `.dat` bytes, for checks before the commit: offsets as in the file. */
  readonly pending: RandomAccess;
  /**
   * In this order: fdatasync `.dat`; append `idxEntries` to the `.idx` and fdatasync; digests; the position (temp,
   * fsync, rename, fsync directory); a line of history. Only then does `position` move. `next.datSizeBytes` must be at
   * most what was written; what was written past it is cut first. A minor commit leaves the line to the next one that is
   * not, or to the end of the append: for many within a second.
   */
  commit(idxEntries: Uint8Array, next: GenerationPosition, isMinor?: boolean): Promise<void>;
  /** Cuts what was written since the last commit. */
  rollback(): Promise<void>;
  /**
   * Replaces the `.idx` by `content` (the leader's, cut at I): written beside, swapped under the marker together with
   * `next`; the former index stays in the generation's directory and history names it.
   */
  adoptIndex(content: AsyncIterable<Uint8Array>, next: GenerationPosition): Promise<void>;
  /** Records a new position over the same bytes (a proof, damage seen, the guard released). */
  notePosition(next: GenerationPosition): Promise<void>;
}

/** A generation that is being built beside the held one. At most one exists. */
export interface UnfinishedGeneration {
  readonly id: number;
  readonly target: BuildTarget;
  /** Whether the whole `.idx` of the target is here, durably. */
  readonly isIndexComplete: boolean;
  /** The durable bytes [0, builtBytes) of the new `.dat`. */
  readonly builtBytes: number;
  readonly dat: RandomAccess;
  readonly idx: RandomAccess;
  /** Whether a write or commit has failed: it is ended for this process. */
  readonly isFailed: boolean;
  /** Writes the whole `.idx` of the target, durably. Fails if it is not `target.idxSizeBytes` long. */
  writeIndex(content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Appends `.dat` bytes. Not durable until `commitTo`. The array is to be left alone until the next call is through. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes [0, builtBytes) durable and moves the position of the build; what was written past it is cut. */
  commitTo(builtBytes: number): Promise<void>;
  /**
   * The same in two parts: `write` may go on as soon as this is through, and is no part of this commit. One commit at a
   * time. Where `durable` fails, the build ends.
   */
  startCommit(builtBytes: number): Promise<{ readonly durable: Promise<void> }>;
  rollback(): Promise<void>;
  /**
   * Makes this generation the held one: the swap. `position` may end before T (torn tail). `vif` is the text of
   * the `.vif`. What was there before becomes a former generation (foreign files too).
   */
  swapIn(position: GenerationPosition, vif: string): Promise<HeldGeneration>;
  /** Removes it. */
  discard(): Promise<void>;
}

/** A generation that was replaced: kept for restore. */
export interface FormerGeneration {
  readonly id: number;
  /** `null` for foreign files that were taken over without a position. */
  readonly position: GenerationPosition | null;
  readonly replacedAtMs: number;
  /** Held for an operator: why. Never pruned while set. */
  readonly heldFor: 'loss-guard' | 'leader-damaged' | null;
  readonly sizeBytes: number;
}

export interface RetentionPolicy {
  readonly keepForMs: number;
  readonly keepGenerations: number;
}

/** Files of one volume that its records can be taken from. Nothing in them is proved: each record is to be, before use. */
export interface PoolFiles {
  readonly kind: 'held' | 'unfinished' | 'former' | 'foreign';
  /** Whose copy it was built as; `undefined` where nobody knows. */
  readonly leaderCopy: LeaderCopyId | undefined;
  /** `undefined` where nobody knows. */
  readonly offsetWidthBytes: OffsetWidthBytes | undefined;
  readonly dat: RandomAccess;
  readonly idx: RandomAccess | undefined;
  /** To be called by whoever was given them. */
  close(): Promise<void>;
}

/** Files by the volume's name that are not held. */
export interface ForeignFiles {
  readonly dat: RandomAccess;
  readonly idx: RandomAccess | undefined;
  /** The generation that they are left of; `undefined` where they are none's. */
  readonly lost: LostGeneration | undefined;
}

/** A generation of which not all is there any more. */
export interface LostGeneration {
  /** What was committed. */
  readonly position: GenerationPosition;
  /** Records a new position of it, durably (the guard released). */
  notePosition(next: GenerationPosition): Promise<void>;
}

/** Everything that DIR holds of one volume. Opened under the directory's lock; recovery has run when it is open. */
export interface VolumeHome {
  readonly recovery: HomeRecovery;
  readonly held: HeldGeneration | undefined;
  readonly unfinished: UnfinishedGeneration | undefined;
  /** A build of another target, left unfinished: no more than a pool for the one that took its place. */
  readonly superseded: UnfinishedGeneration | undefined;
  /** Files by the volume's name that are not held: a pool (`weed backup`, rsync, a mended file). */
  readonly foreign: ForeignFiles | undefined;
  former(): Promise<readonly FormerGeneration[]>;
  /** Files that records can be taken from. */
  pool(): AsyncGenerator<PoolFiles, void, undefined>;
  /**
   * Begins a build. A generation left unfinished before is `superseded` until this or a later one is swapped in; of two
   * the one with less is discarded, and one with nothing in it is.
   */
  beginBuild(target: BuildTarget): Promise<UnfinishedGeneration>;
  /**
   * Keeps the present committed state of the held generation beyond appends and builds that follow: history
   * marks it. Held until `release`. The same of what is left of a generation, `foreign` files of one that is lost.
   */
  holdPresent(reason: 'loss-guard' | 'leader-damaged'): Promise<void>;
  /** Marks a former generation held. */
  hold(generationId: number, reason: 'loss-guard' | 'leader-damaged'): Promise<void>;
  release(): Promise<void>;
  /** Removes former generations that the policy does not keep; returns the ids removed. */
  prune(policy: RetentionPolicy, nowMs: number): Promise<readonly number[]>;
  close(): Promise<void>;
}
