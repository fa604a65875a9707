import { FormatError, parseVolumeName, type VolumeName } from '@holdfast/format';
import type { StoreEnvironment } from '../environment.js';
import { HOLDFAST_FOLDER } from './layout.js';
import { listIfThere } from './small-file.js';

/** The volumes that DIR has a home of, by name. What else lies in Holdfast's folder is passed over. */
export async function listVolumeHomes(
  env: StoreEnvironment,
  directory: string,
): Promise<readonly VolumeName[]> {
  const folder = `${directory}/${HOLDFAST_FOLDER}`;
  const found: VolumeName[] = [];
  for (const name of await listIfThere(env.disk, folder)) {
    const volume = volumeNameOf(name);
    if (volume !== undefined && (await env.disk.stat(`${folder}/${name}`))?.kind === 'directory')
      found.push(volume);
  }
  return found;
}

function volumeNameOf(name: string): VolumeName | undefined {
  try {
    return parseVolumeName(name);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
