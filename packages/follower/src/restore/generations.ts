import type { VolumeName } from '@holdfast/format';
import {
  type GenerationReader,
  isStoreError,
  type KeptGeneration,
  listKeptGenerations,
  openGenerationReader,
  type StoreEnvironment,
} from '@holdfast/store';

/** One volume of a directory. Nothing that reads it takes a lock: a follower may be at work there. */
export interface KeptVolume {
  readonly directory: string;
  readonly volume: VolumeName;
}

/** A generation, open for reading. */
export interface OpenGeneration {
  readonly kept: KeptGeneration;
  readonly reader: GenerationReader;
}

/** The generations of a volume, newest first, each open until the next is asked for. */
export async function* newestFirst(
  env: StoreEnvironment,
  volume: KeptVolume,
): AsyncGenerator<OpenGeneration, void, undefined> {
  for (const kept of [...(await listKeptGenerations(env, volume))].reverse()) {
    const reader = await openUnlessGone(env, volume, kept.id);
    if (reader === undefined) continue;
    try {
      yield { kept, reader };
    } finally {
      await reader.close();
    }
  }
}

/** `undefined` where it has been pruned since it was listed, or its position cannot be read. */
export async function openUnlessGone(env: StoreEnvironment, volume: KeptVolume, generation: number) {
  try {
    return await openGenerationReader(env, { ...volume, generation });
  } catch (error) {
    if (isStoreError(error, 'not-found', 'position-moved', 'position-damaged')) return undefined;
    throw error;
  }
}
