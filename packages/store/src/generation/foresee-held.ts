import type { StoreEnvironment } from '../environment.js';
import { type GenerationReader, openGenerationReader } from './generation-reader.js';
import {
  type HomeContext,
  readAppendNote,
  readCurrent,
  readPosition,
  unlessDamaged,
} from './home-records.js';
import { homeLayout } from './layout.js';
import type { OpenVolumeHomeOptions } from './open-volume-home.js';
import { closeAll, isAllHeld, openCommitted } from './recover-held.js';
import { exists } from './small-file.js';

/**
 * The generation that `openVolumeHome` would go on with; `undefined` where it would hold none, since there is none or its
 * files are not what was committed. Takes no lock, changes nothing, recovers nothing. Errors as of `openVolumeHome`.
 */
export async function foreseeHeld(
  env: StoreEnvironment,
  { directory, volume, takeOver = false }: Pick<OpenVolumeHomeOptions, 'directory' | 'volume' | 'takeOver'>,
): Promise<GenerationReader | undefined> {
  const layout = homeLayout(directory, volume);
  const context: HomeContext = { env, layout, assertLocked: async () => {} };
  const id = await unlessDamaged(readCurrent(env, layout), undefined);
  const record = id === undefined ? undefined : await unlessDamaged(readPosition(env, layout, id), undefined);
  if (id === undefined || record === undefined) return undefined;
  // Where a swap was cut short, the files get their names in DIR by its recovery alone.
  if (!(await exists(env.disk, layout.swap))) {
    if (!(await exists(env.disk, layout.dat))) return undefined;
    const hasNote = (await unlessDamaged(readAppendNote(env, layout), undefined)) === id;
    const opened = await openCommitted(context, id, record, 'read');
    if (opened === undefined) return undefined;
    try {
      if (!isAllHeld(context, opened, { hasNote, takeOver })) return undefined;
    } finally {
      await closeAll(opened);
    }
  }
  return openGenerationReader(env, { directory, volume });
}
