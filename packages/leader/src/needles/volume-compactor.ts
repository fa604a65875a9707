import type { Timers } from '@holdfast/format';
import { type StoreEnvironment, StoreError, type Volume, type VolumeCompaction } from '@holdfast/store';
import type { CompactionOptions } from './stored-volume.js';

/** Before writers are kept waiting, what came meanwhile is added so many times at most. */
const CATCH_UPS = 3;

/** The two phases of a compaction of one volume, of which there is one at a time. */
export interface VolumeCompactor {
  readonly isCompacting: boolean;
  copy(volume: Volume, options: CompactionOptions): Promise<void>;
  /** What was copied, with most of what came meanwhile: only its commit is left. */
  takeCopied(): Promise<VolumeCompaction>;
  /** Ends what is under way and removes what was copied. */
  giveUp(): Promise<void>;
}

interface Running {
  readonly abort: AbortController;
  readonly copied: Promise<VolumeCompaction>;
  isCopied: boolean;
}

export function createVolumeCompactor(env: StoreEnvironment, timers: Timers, name: string): VolumeCompactor {
  let running: Running | undefined;

  const refusal = (text: string) =>
    new StoreError('compaction-state', `volume ${name}: ${text}`, { volume: name });

  async function copyNow(
    volume: Volume,
    { maxBytesPerSecond, onProgress }: CompactionOptions,
    signal: AbortSignal,
  ): Promise<VolumeCompaction> {
    const startedAtMs = env.clock.monotonicMs();
    const compaction = volume.beginCompaction({
      signal,
      async onCopied(copiedBytes) {
        onProgress?.(copiedBytes);
        if (maxBytesPerSecond === undefined) return;
        const dueMs = startedAtMs + (1000 * copiedBytes) / maxBytesPerSecond;
        const delayMs = dueMs - env.clock.monotonicMs();
        if (delayMs > 0) await timers.sleep(delayMs, signal);
      },
    });
    await compaction.copy();
    return compaction;
  }

  return {
    get isCompacting() {
      return running !== undefined;
    },
    async copy(volume, options) {
      if (running !== undefined) throw refusal('a compaction is under way, or waits for its commit');
      options.signal?.throwIfAborted();
      const abort = new AbortController();
      const end = () => abort.abort(options.signal?.reason);
      options.signal?.addEventListener('abort', end, { once: true });
      const own: Running = { abort, copied: copyNow(volume, options, abort.signal), isCopied: false };
      running = own;
      try {
        await own.copied;
        own.isCopied = true;
      } catch (error) {
        running = undefined;
        throw error;
      } finally {
        // What was copied waits for its commit: whoever asked for the copy is done with it.
        options.signal?.removeEventListener('abort', end);
      }
    },
    async takeCopied() {
      if (running?.isCopied !== true) throw refusal('no compaction is ready to be committed');
      const { copied } = running;
      running = undefined;
      const compaction = await copied;
      try {
        for (let i = 0; i < CATCH_UPS; i++) await compaction.catchUp();
        return compaction;
      } catch (error) {
        await compaction.discard().catch(() => {});
        throw error;
      }
    },
    async giveUp() {
      const given = running;
      if (given === undefined) return;
      given.abort.abort(refusal('the compaction was given up'));
      const compaction = await given.copied.catch(() => undefined);
      await compaction?.discard();
      if (running === given) running = undefined;
    },
  };
}
