import type { RandomAccess } from '@holdfast/index';
import type { DiskFile } from '../disk.js';
import type { StoreEnvironment } from '../environment.js';
import { StoreError } from '../errors.js';
import type { Volume } from '../volume/volume.js';
import { readVolumeInfoFile } from '../volume/volume-info-file.js';
import { createVolumeOverFiles } from '../volume/volume-over-files.js';
import { volumePaths } from '../volume/volume-paths.js';
import { type OpenGenerationReaderOptions, openGenerationReader } from './generation-reader.js';
import { homeLayout } from './layout.js';
import { replayGeneration } from './replay-generation.js';

/**
 * A generation as a volume for reading: its needles up to the committed position, whatever a follower does meanwhile.
 * `recovery.droppedEntries` counts entries whose record is not there. Errors as `openGenerationReader`, and those of
 * `openVolume` about the content.
 */
export async function openGenerationVolume(
  env: StoreEnvironment,
  options: OpenGenerationReaderOptions & { readonly signal?: AbortSignal },
): Promise<Volume> {
  const { directory, baseName } = homeLayout(options.directory, options.volume);
  const paths = volumePaths(directory, baseName);
  const reader = await openGenerationReader(env, options);
  try {
    const { dat, idx, position } = reader;
    const { offsetWidthBytes, datSizeBytes, idxSizeBytes, lastAppendAtNs } = position;
    const { superBlock, version, map, pastEnd } = await replayGeneration(env, reader, paths, options.signal);
    return createVolumeOverFiles(env, {
      paths,
      superBlock,
      version,
      offsetWidthBytes,
      info: (await readVolumeInfoFile(env.disk, paths.vif)).info,
      mode: 'read',
      dat: readOnlyFile(dat, reader.close),
      idx: readOnlyFile(idx, async () => {}),
      idxSizeBytes,
      map,
      datSizeBytes,
      lastAppendAtNs: BigInt(lastAppendAtNs),
      recovery: {
        compaction: 'none',
        cutBytes: 0,
        paddedBytes: 0,
        droppedEntries: pastEnd.size,
        droppedPartialEntryBytes: 0,
        addedEntries: 0,
        ambiguousEntries: 0,
      },
    });
  } catch (error) {
    await reader.close();
    throw error;
  }
}

function readOnlyFile(access: RandomAccess, close: () => Promise<void>): DiskFile {
  const refuse = async (): Promise<never> => {
    throw new StoreError('read-only', 'a generation is open for reading');
  };
  return { ...access, writeAt: refuse, truncate: refuse, syncData: refuse, stat: refuse, close };
}
