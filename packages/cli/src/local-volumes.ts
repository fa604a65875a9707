import { resolve } from 'node:path';
import { formatVolumeName, parseVolumeName, type VolumeName } from '@holdfast/format';
import { listVolumeHomes, type StoreEnvironment } from '@holdfast/store';
import { UsageError } from './usage-error.js';
import { describeSelection, isSelected, namedVolumes, type VolumeSelection } from './volume-selection.js';

export interface LocalVolume {
  readonly name: VolumeName;
  readonly baseName: string;
  /** Whether Holdfast keeps a history of it: it follows a leader. */
  readonly isFollowed: boolean;
}

export interface LocalVolumes {
  /** Absolute. */
  readonly directory: string;
  readonly volumes: readonly LocalVolume[];
}

/** The selected volumes of a directory. Fails with `UsageError` where nothing matched. */
export async function selectLocalVolumes(
  env: StoreEnvironment,
  path: string,
  selection: VolumeSelection,
): Promise<LocalVolumes> {
  const directory = resolve(path);
  const found = new Map<string, LocalVolume>();
  for (const file of await env.disk.list(directory)) {
    const baseName = /^(.*)\.(?:dat|idx)$/.exec(file)?.[1];
    const name = baseName === undefined ? undefined : nameOf(baseName);
    if (name !== undefined) found.set(baseName!, { name, baseName: baseName!, isFollowed: false });
  }
  for (const name of await listVolumeHomes(env, directory)) {
    const baseName = formatVolumeName(name);
    found.set(baseName, { name, baseName, isFollowed: true });
  }
  const volumes = [...found.values()]
    .filter(({ name }) => isSelected(selection, name.volumeId, name.collection))
    .sort((a, b) => a.name.volumeId - b.name.volumeId);
  const missing = namedVolumes(selection).filter((id) => !volumes.some(({ name }) => name.volumeId === id));
  if (missing.length > 0 || volumes.length === 0) {
    const what = missing.length > 0 ? `no volume ${missing.join(', ')}` : 'no volume';
    throw new UsageError(
      `nothing matched: ${directory} has ${what} for ${describeSelection(selection)}; check --dir, --volume and --collection`,
    );
  }
  return { directory, volumes };
}

function nameOf(baseName: string): VolumeName | undefined {
  try {
    return parseVolumeName(baseName);
  } catch {
    return undefined;
  }
}
