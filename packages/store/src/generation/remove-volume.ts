import type { VolumeName } from '@holdfast/format';
import type { StoreEnvironment } from '../environment.js';
import { removeGeneration } from './former-generations.js';
import { type HomeContext, readHold, unlessDamaged } from './home-records.js';
import { homeLayout } from './layout.js';
import { listGenerationIds } from './recover-build.js';
import { exists, listIfThere, removeIfThere } from './small-file.js';

export interface RemoveVolumeOptions {
  readonly directory: string;
  readonly volume: VolumeName;
  /** Of the directory's lock; asked before anything goes. */
  readonly assertLocked: () => Promise<void>;
}

/**
 * Removes a volume and everything that is kept of it from DIR, unless an operator has still to decide about it:
 * `held`, with nothing removed, where a generation is held or strays lie. Interrupted, it can be called again. The home
 * must not be open.
 */
export async function removeVolume(
  env: StoreEnvironment,
  { directory, volume, assertLocked }: RemoveVolumeOptions,
): Promise<'removed' | 'held'> {
  const { disk } = env;
  const layout = homeLayout(directory, volume);
  const context: HomeContext = { env, layout, assertLocked };
  if (await isWaitedFor(context)) return 'held';
  await assertLocked();
  for (const path of [layout.dat, layout.idx, layout.vif]) await removeIfThere(disk, path);
  await disk.syncDirectory(directory);
  // Before the directory that it names: a home is never left pointing at nothing.
  if (await removeIfThere(disk, layout.current)) await disk.syncDirectory(layout.home);
  for (const id of await listGenerationIds(context)) await removeGeneration(context, id);
  for (const name of await listIfThere(disk, layout.home)) {
    const path = `${layout.home}/${name}`;
    if ((await disk.stat(path))?.kind === 'directory') await disk.removeDirectory(path);
    else await disk.remove(path);
  }
  if (await exists(disk, layout.home)) await disk.removeDirectory(layout.home);
  await disk.syncDirectory(layout.holdfast);
  return 'removed';
}

async function isWaitedFor(context: HomeContext): Promise<boolean> {
  const { env, layout } = context;
  if ((await listIfThere(env.disk, layout.strays)).length > 0) return true;
  for (const id of await listGenerationIds(context)) {
    // What a damaged hold was for is lost; that it holds is not.
    const hold = await unlessDamaged(readHold(env, layout, id), 'loss-guard');
    if (hold !== undefined) return true;
  }
  return false;
}
