import type { CrashKind, TearSizeBytes } from '@holdfast/testkit';

/** Safety: faults from the first operation to the last. Liveness: faults stop, and then everything has to come right. */
export type Mode = 'safety' | 'liveness';

export type LeaderKind = 'stock-4.44' | 'stock-4.48' | 'holdfast';

/** What one schedule takes place in. */
export interface World {
  readonly leader: LeaderKind;
  readonly volumeIds: readonly number[];
  /** Of the records of a stock server. */
  readonly version: 1 | 2 | 3;
  readonly tearBytes: TearSizeBytes;
  readonly hasLinks: boolean;
  /** Whether bytes from the network may be others than the leader's. From the first of them on less can be judged. */
  readonly isHostile: boolean;
  /** Bytes on the follower's disk; `null`: more than it needs. */
  readonly capacityBytes: number | null;
  /** Sizes of steps, commits and windows: the defaults, or so small that a volume of kilobytes takes many. */
  readonly steps: 'default' | 'small' | 'least';
  /** Whether every sync compares the whole index with the leader's. Default: true. */
  readonly provesIndex?: boolean;
  /** The leader sends files in messages of so many bytes. */
  readonly messageBytes: number;
  /** Connections outlive the leader's process: the next call goes to another one, unseen. Default: false. */
  readonly isProxied?: boolean;
  /** The share of disk accesses and messages that wait for their turn in an order of the seed's. */
  readonly queuedShare: number;
  /** Of every volume. Default: none. */
  readonly collection?: string;
  /** How many servers have a copy of every volume: each stamps, orders and compacts for itself. Default: 1. */
  readonly servers?: number;
  /** How long a server that is away is waited for before another one's copy is followed. Default: `null`, for ever. */
  readonly failoverAfterMs?: number | null;
  /** How long a volume has to be gone before its copy is removed. Default: `null`, copies are kept for ever. */
  readonly pruneAfterMs?: number | null;
  /** What is kept of former generations, and how great a loss passes. Default: the policy's. */
  readonly keepForMs?: number;
  readonly keepGenerations?: number;
  readonly maxLoss?: number;
}

/** What happens to a volume as a whole. */
export type VolumeEventName =
  | 'vacuum'
  | 'compact'
  | 'commit'
  | 'fail-commit'
  | 'remake'
  | 'fix-index'
  | 'tear-tail'
  | 'lose-tail'
  | 'unindexed-record'
  | 'tombstone-at-0'
  /** The server has it no more; `remake` brings one of its id back, with nothing in it. */
  | 'vanish';

/** What happens to a volume of the leader, or to the leader: to one server of several, where it is no write. Default: 0. */
export type LeaderEvent = { readonly server?: number } & LeaderChange;

type LeaderChange =
  | {
      readonly do: 'put';
      readonly volume: number;
      readonly needle: number;
      readonly sizeBytes: number;
      readonly fill: number;
    }
  | { readonly do: 'delete'; readonly volume: number; readonly needle: number }
  | {
      readonly do: VolumeEventName;
      readonly volume: number;
      /** Chooses between the ways that it can happen in. */
      readonly choice: number;
    }
  | { readonly do: 'restart-leader' }
  /** Nothing answers any more, until a restart; the cluster counts it as alive, or does not. */
  | { readonly do: 'leader-down'; readonly isListed: boolean }
  | { readonly do: 'crash-leader'; readonly kind: CrashKind }
  | { readonly do: 'step-leader-clock'; readonly byMs: number };

/** What a hostile leader answers, for the rest of a run or a few times in it. */
export interface CraftedLie {
  /**
   * Sizes and offsets that cannot be; widths, versions and revisions of another volume; answers longer or shorter than what
   * was asked for; entries of an index that lie outside or on each other; streams that go on for ever, or bring nothing for ever.
   */
  readonly kind: 'sizes' | 'shape' | 'longer' | 'shorter' | 'entries' | 'endless' | 'empty';
  readonly seed: number;
}

/** What goes wrong around a follower. */
export type Fault =
  | { readonly do: 'crash'; readonly kind: CrashKind }
  | { readonly do: 'disk-error'; readonly code: 'disk-failed' | 'no-space' }
  | { readonly do: 'drop' }
  /** The follower loses its connections, and the leader is not told. */
  | { readonly do: 'half-open' }
  | { readonly do: 'stall'; readonly forMs: number }
  | { readonly do: 'truncate' }
  | { readonly do: 'flip'; readonly seed: number }
  | { readonly do: 'stale' }
  | ({ readonly do: 'craft' } & CraftedLie)
  | { readonly do: 'refuse-connections'; readonly count: number }
  | { readonly do: 'second-follower' }
  | { readonly do: 'step-clock'; readonly byMs: number };

export type Event = LeaderEvent | Fault;

/** An event in the middle of a run: before its so manieth message, or access to the disk. */
export interface Moment {
  readonly before: 'message' | 'access';
  readonly count: number;
  readonly event: Event;
}

export type Operation =
  | LeaderEvent
  /** One sync of every volume, as `backup` does it; a process of its own. */
  | { readonly do: 'backup'; readonly seed: number; readonly moments: readonly Moment[] }
  /** The continuous follower, for so much virtual time. */
  | {
      readonly do: 'follow';
      readonly seed: number;
      readonly forMs: number;
      readonly moments: readonly Moment[];
    }
  /** An operator releases what is held of a volume; a process of its own. */
  | {
      readonly do: 'release';
      readonly volume: number;
      readonly seed: number;
      readonly moments: readonly Moment[];
    }
  /** Nothing happens for so long. */
  | { readonly do: 'wait'; readonly forMs: number }
  /** The machine stops while nothing runs. */
  | { readonly do: 'crash'; readonly kind: CrashKind }
  | { readonly do: 'step-clock'; readonly byMs: number }
  /** A volume as it was so many reports ago; 0: as it is. */
  | { readonly do: 'restore'; readonly volume: number; readonly reportsAgo: number }
  /** A bit of a copy rots: verification has to find it, and the next sync after a touch to mend it. */
  | { readonly do: 'rot'; readonly volume: number; readonly place: number; readonly bit: number }
  | { readonly do: 'verify'; readonly volume: number };

/** Everything of a run that is chosen; the same schedule runs in the same way wherever it runs. */
export interface Schedule {
  readonly seed: number;
  readonly mode: Mode;
  readonly world: World;
  readonly operations: readonly Operation[];
}
