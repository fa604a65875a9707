import { parseVolumeName, type VolumeName } from '@holdfast/format';
import type { StoreEnvironment } from '@holdfast/store';

/** The volumes whose `.dat` is in a directory, whatever their index is like. */
export async function listVolumeNames(
  env: StoreEnvironment,
  directory: string,
): Promise<readonly VolumeName[]> {
  const names: VolumeName[] = [];
  for (const file of await env.disk.list(directory)) {
    if (!file.endsWith('.dat')) continue;
    try {
      names.push(parseVolumeName(file.slice(0, -'.dat'.length)));
    } catch {
      // Somebody else's file.
    }
  }
  return names;
}
