import type { VolumeName } from '@holdfast/format';
import type { StoreEnvironment } from '../environment.js';
import { type HoldReason, readCurrent, readKept } from './home-records.js';
import { homeLayout, parseGenerationId } from './layout.js';
import { exists, listIfThere } from './small-file.js';

/** A generation with a position, as whoever reads beside a follower finds it. */
export interface KeptGeneration {
  readonly id: number;
  readonly isCurrent: boolean;
  /** Wall time; `null` where it is the current one, or where nothing readable says so. */
  readonly replacedAtMs: number | null;
  /** Why it is kept from pruning until an operator releases it. */
  readonly heldFor: HoldReason | null;
}

interface WhichVolume {
  readonly directory: string;
  readonly volume: VolumeName;
}

/** The current generation and the former ones that have not been pruned, oldest first. Takes no lock. */
export async function listKeptGenerations(
  env: StoreEnvironment,
  options: WhichVolume,
): Promise<readonly KeptGeneration[]> {
  const layout = homeLayout(options.directory, options.volume);
  const current = await readCurrent(env, layout);
  const kept: KeptGeneration[] = [];
  for (const id of await listReadableGenerations(env, options)) {
    kept.push({ id, isCurrent: id === current, ...(await readKept(env, layout, id)) });
  }
  return kept;
}

/** Ids of the generations that a reader can be opened for, ascending. */
async function listReadableGenerations(
  env: StoreEnvironment,
  options: WhichVolume,
): Promise<readonly number[]> {
  const layout = homeLayout(options.directory, options.volume);
  const readable: number[] = [];
  for (const name of await listIfThere(env.disk, layout.home)) {
    const id = parseGenerationId(name);
    if (id !== undefined && (await exists(env.disk, layout.generation(id).position))) readable.push(id);
  }
  return readable.sort((a, b) => a - b);
}
