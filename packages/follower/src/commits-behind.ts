import type { UnfinishedGeneration } from '@holdfast/store';
import type { SyncPolicy } from './policy.js';

/**
 * Makes a build durable behind the stream that goes on: one commit at a time, the next as soon as enough has come and
 * the one before is through. A slow disk so gets fewer, longer commits, up to the policy's bound.
 */
export interface CommitsBehind {
  /** `offset` bytes are written. Waits only where too much is not yet durable. Rejects as a commit does. */
  advance(offset: number): Promise<void>;
  /** Makes [0, offset) durable, whatever is under way. */
  finish(offset: number): Promise<void>;
  /** Waits until nothing is under way; gives what a commit failed with. */
  failure(): Promise<{ readonly error: unknown } | undefined>;
}

/** `onDurable` is told of each offset up to which the build is durable. */
export function createCommitsBehind(
  unfinished: UnfinishedGeneration,
  policy: Pick<SyncPolicy, 'pinnedCommitBytes' | 'pinnedUncommittedBytes'>,
  onDurable: (offset: number) => void,
): CommitsBehind {
  let durableOffset = unfinished.builtBytes;
  let begunOffset = durableOffset;
  let failed: { readonly error: unknown } | undefined;
  let underWay: Promise<void> | undefined;

  async function follow(durable: Promise<void>, offset: number): Promise<void> {
    try {
      await durable;
      durableOffset = offset;
      onDurable(offset);
    } catch (error) {
      failed = { error };
    } finally {
      underWay = undefined;
    }
  }

  async function settle(): Promise<void> {
    await underWay;
    if (failed !== undefined) throw failed.error;
  }

  async function begin(offset: number): Promise<void> {
    await settle();
    const { durable } = await unfinished.startCommit(offset);
    begunOffset = offset;
    underWay = follow(durable, offset);
  }

  return {
    async advance(offset) {
      if (offset - begunOffset < policy.pinnedCommitBytes) return;
      const mustWait = offset - durableOffset >= policy.pinnedUncommittedBytes;
      if (underWay === undefined || mustWait) await begin(offset);
    },
    async finish(offset) {
      await begin(offset);
      await settle();
    },
    async failure() {
      await underWay;
      return failed;
    },
  };
}
