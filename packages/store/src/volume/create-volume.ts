import {
  EMPTY_VOLUME_INFO,
  NO_TTL,
  type OffsetWidthBytes,
  type ReplicaPlacement,
  replicaPlacementFromByte,
  type Ttl,
  type Version,
  writeSuperBlock,
  writeVolumeInfo,
} from '@holdfast/format';
import type { StoreEnvironment } from '../environment.js';
import { noteIncomplete, removeIncompleteNote } from './incomplete-note.js';
import { openVolume } from './open-volume.js';
import type { Volume } from './volume.js';
import { volumePaths } from './volume-paths.js';

export interface CreateVolumeOptions {
  readonly directory: string;
  /** Base name: `7` or `collection_7`. */
  readonly name: string;
  /** Default 3. */
  readonly version?: Version;
  /** Default 5, what the newest servers' large-disk builds use. */
  readonly offsetWidthBytes?: OffsetWidthBytes;
  /** Default `000`. */
  readonly replicaPlacement?: ReplicaPlacement;
  /** Default none. */
  readonly ttl?: Ttl;
}

/** Makes an empty volume, durably, and opens it for writing. `exists` if there is a `.dat` or `.idx` by that name. */
export async function createVolume(env: StoreEnvironment, options: CreateVolumeOptions): Promise<Volume> {
  const { disk } = env;
  const { directory, name } = options;
  const paths = volumePaths(directory, name);
  const version = options.version ?? 3;
  const offsetWidthBytes = options.offsetWidthBytes ?? 5;
  const superBlock = writeSuperBlock({
    version,
    replicaPlacement: options.replicaPlacement ?? replicaPlacementFromByte(0),
    ttl: options.ttl ?? NO_TTL,
    compactionRevision: 0,
    extraSizeBytes: 0,
  });
  const vif = writeVolumeInfo({ ...EMPTY_VOLUME_INFO, version, offsetWidthBytes });
  await noteIncomplete(disk, paths);
  // A volume is found by its `.idx` or `.vif`: the `.dat` is whole before either is there (format.md §1).
  for (const [path, content] of [
    [paths.dat, superBlock],
    [paths.vif, new TextEncoder().encode(vif)],
    [paths.idx, new Uint8Array(0)],
  ] as const) {
    const file = await disk.open(path, { mode: path === paths.vif ? 'create' : 'create-new' });
    try {
      await file.truncate(0);
      await file.writeAt(0, content);
      await file.syncData();
    } finally {
      await file.close();
    }
  }
  await disk.syncDirectory(directory);
  await removeIncompleteNote(disk, paths);
  return openVolume(env, { directory, name, mode: 'write' });
}
