import { RpcError } from '@holdfast/protocol';
import type { NeedleStore } from '../needles/needle-store.js';
import type { PinnedVolume, StoredVolume } from '../needles/stored-volume.js';

/** A generation of a volume, and the first byte in it that those before it do not have. */
export interface QueuedGeneration {
  readonly pin: PinnedVolume;
  readonly beganAtOffset: number;
}

/**
 * The generations that a volume goes through while somebody reads it to its end: the files of each stay open until it
 * was read, so nothing that was appended is missed or met twice, however slow the reader is.
 */
export interface GenerationQueue {
  readonly present: QueuedGeneration;
  /**
   * How far the present one can be read now. `isLast`: nothing more will be appended to it. Fails with
   * `resource-exhausted` where more compactions have been committed meanwhile than files may stay open for.
   */
  end(): Promise<{ readonly offset: number; readonly isLast: boolean }>;
  /** Goes on to the next generation; `false` where there is none, and the volume has been closed. */
  advance(): Promise<boolean>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** `onChange` is called when there may be more to read. */
export function createGenerationQueue(
  store: NeedleStore,
  volume: StoredVolume,
  limits: { readonly tailGenerations: number },
  onChange: () => void,
): GenerationQueue {
  const { volumeId } = volume.name;
  const queue: QueuedGeneration[] = [{ pin: volume.pin(), beganAtOffset: 0 }];
  const unneeded: Promise<void>[] = [];
  let isRemoved = false;
  let isTooFarBehind = false;

  function queuePresent(): void {
    const pin = volume.pin();
    const isKnown = pin.generation === queue.at(-1)!.pin.generation;
    if (!isKnown && queue.length >= limits.tailGenerations) isTooFarBehind = true;
    if (isKnown || isTooFarBehind) unneeded.push(pin.close());
    else queue.push({ pin, beganAtOffset: pin.beganAtOffset });
  }

  const unlisten = [
    store.onDurable((name) => {
      if (name.volumeId === volumeId) onChange();
    }),
    store.onChange(({ kind, name }) => {
      if (name.volumeId !== volumeId || isRemoved) return;
      if (kind === 'removed') isRemoved = true;
      else queuePresent();
      onChange();
    }),
  ];

  return {
    get present() {
      return queue[0]!;
    },
    async end() {
      if (isTooFarBehind) {
        const text = `volume ${volumeId} was compacted more than ${limits.tailGenerations} times meanwhile`;
        throw new RpcError('resource-exhausted', text);
      }
      // A commit makes all of the former generation durable before the next one begins.
      const isSuperseded = queue.length > 1;
      if (isSuperseded) return { offset: await queue[0]!.pin.dat.sizeBytes(), isLast: true };
      return { offset: volume.status().datSizeBytes, isLast: isRemoved };
    },
    async advance() {
      if (queue.length === 1) return false;
      await queue.shift()!.pin.close();
      return true;
    },
    async close() {
      for (const stop of unlisten) stop();
      for (const { pin } of queue) unneeded.push(pin.close());
      await Promise.all(unneeded);
    },
  };
}
