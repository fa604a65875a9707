import type { LeaderClient } from '@holdfast/protocol';
import type { SimulatedProcess } from '@holdfast/testkit';
import type { OffsetWidth } from '../oracles/second-reader.js';
import type { LeaderEvent } from '../schedule/schedule.js';

/** What a leader's copy of a volume is at one instant: the bytes, and what was written to it as a plain table. */
export interface LeaderState {
  /** Another one for every history of the files: while it is the same, they have only grown. */
  readonly history: number;
  readonly revision: number;
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
  /** Data by needle id, as the operations on it left them. */
  readonly live: ReadonlyMap<bigint, Uint8Array>;
  /** Whether the index was written anew over the same data, so that a follower can tell only by reading all of it. */
  readonly isIndexRewritten: boolean;
  /** Whether the server has it but cannot read it, so that no sync can succeed. */
  readonly isClosed: boolean;
  /** Whether a compaction is open, which a sync waits for. */
  readonly isCompacting: boolean;
  /** Whether it is in a state in which a sync may have to report `leader-damaged`. */
  readonly mayBeDamaged: boolean;
}

/** A leader in the simulated world. */
export interface SimulatedLeader {
  readonly offsetWidth: OffsetWidth;
  /** What positions call it. */
  readonly serverName: string;
  start(): Promise<void>;
  /** Lets something happen. False: it could not, as the leader is now, and nothing has changed. */
  apply(event: LeaderEvent): Promise<boolean>;
  /** Resolves when nothing of what was applied is under way any more. */
  settled(): Promise<void>;
  /** `undefined`: it has no such volume. */
  state(volumeId: number): LeaderState | undefined;
  /** How a follower's process speaks to it. */
  clientFor(process: Pick<SimulatedProcess, 'env' | 'timers'>): LeaderClient;
  /** Throws where a call has ended the process that would have ended the real one. */
  assertAlive(): void;
}
