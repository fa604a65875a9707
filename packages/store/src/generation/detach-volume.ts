import type { VolumeName } from '@holdfast/format';
import type { StoreEnvironment } from '../environment.js';
import { type HomeContext, readCurrent, unlessDamaged } from './home-records.js';
import { homeLayout } from './layout.js';
import { openVolumeHome } from './open-volume-home.js';
import { writeSealed } from './sealed-file.js';
import { exists, removeIfThere } from './small-file.js';

export interface DetachVolumeOptions {
  readonly directory: string;
  readonly volume: VolumeName;
  /** Of the directory's lock. */
  readonly assertLocked: () => Promise<void>;
  /** As in `openVolumeHome`. Default: false. */
  readonly takeOver?: boolean;
}

/**
 * Lets go of a followed volume: its files in DIR are nobody's afterwards and may be replaced, and the next sync takes
 * them for a pool. The generation that they were stays as a former one, by second names for the same files: what is
 * written into them in place is written into it, too. `false` where nothing was held. Cut short, it can be called again.
 * Errors as `openVolumeHome`; `links-unsupported`.
 */
export async function detachVolume(env: StoreEnvironment, options: DetachVolumeOptions): Promise<boolean> {
  const home = await openVolumeHome(env, options);
  const id = home.held?.id;
  await home.close();
  const context: HomeContext = {
    env,
    layout: homeLayout(options.directory, options.volume),
    assertLocked: options.assertLocked,
  };
  if (id !== undefined) await keepFiles(context, id);
  await options.assertLocked();
  const isDetached = await removeIfThere(env.disk, context.layout.current);
  if (isDetached) await env.disk.syncDirectory(context.layout.home);
  return id !== undefined;
}

/** Whether the files in DIR are those of a generation that follows a leader. Takes no lock. */
export async function isFollowing(
  env: StoreEnvironment,
  { directory, volume }: Pick<DetachVolumeOptions, 'directory' | 'volume'>,
): Promise<boolean> {
  const current = readCurrent(env, homeLayout(directory, volume));
  // A file that says nothing any more still says that there was a generation.
  return (await unlessDamaged<number | undefined>(current, 0)) !== undefined;
}

/** As long as `current` names the generation, these second names mean nothing: opening the home removes them. */
async function keepFiles({ env, layout, assertLocked }: HomeContext, id: number): Promise<void> {
  const { disk } = env;
  const own = layout.generation(id);
  for (const [live, kept] of [
    [layout.dat, own.dat],
    [layout.idx, own.idx],
    [layout.vif, own.vif],
  ] as const) {
    await removeIfThere(disk, kept);
    if (await exists(disk, live)) await disk.link(live, kept);
  }
  await disk.syncDirectory(own.directory);
  await writeSealed(env, own.former, { replacedAtMs: env.clock.nowMs() }, assertLocked);
}
