import { idxEntrySizeBytes, recordLengthBytes, SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import type { StoreEnvironment } from '../environment.js';
import type { Volume, VolumeStats } from '../volume/volume.js';
import { volumePaths } from '../volume/volume-paths.js';
import { createVolumeReads } from '../volume/volume-reads.js';
import { type OpenGenerationReaderOptions, openGenerationReader } from './generation-reader.js';
import { homeLayout } from './layout.js';
import type { GenerationPosition } from './position.js';
import { replayCommitted, replayGeneration } from './replay-generation.js';

/** The needles of the current generation up to its committed position, which can be moved on beside a follower. */
export interface GenerationNeedles
  extends Pick<
    Volume,
    | 'name'
    | 'superBlock'
    | 'version'
    | 'offsetWidthBytes'
    | 'find'
    | 'findDeleted'
    | 'readEntry'
    | 'readRange'
  > {
  readonly position: GenerationPosition;
  stats(): Omit<VolumeStats, 'durableDatSizeBytes' | 'durableIdxSizeBytes'>;
  /**
   * Takes in what has been committed since, by the entries that are new. False, and nothing taken in, where another
   * generation has taken the place of this one: then open anew. What is read meanwhile is never disturbed. One at a time.
   */
  advance(signal?: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

/** Takes no lock and changes nothing. Memory: the needle map. Errors as `openGenerationVolume`. */
export async function openGenerationNeedles(
  env: StoreEnvironment,
  options: Omit<OpenGenerationReaderOptions, 'generation'> & { readonly signal?: AbortSignal },
): Promise<GenerationNeedles> {
  const { directory, baseName } = homeLayout(options.directory, options.volume);
  const paths = volumePaths(directory, baseName);
  const reader = await openGenerationReader(env, options);
  try {
    const { dat } = reader;
    const { superBlock, version, map } = await replayGeneration(env, reader, paths, options.signal);
    const { offsetWidthBytes } = reader.position;
    const entrySize = idxEntrySizeBytes(offsetWidthBytes);
    const entriesOf = ({ idxSizeBytes }: GenerationPosition) => idxSizeBytes / entrySize;
    let position = reader.position;
    return {
      name: paths.name,
      superBlock,
      version,
      offsetWidthBytes,
      ...createVolumeReads({ paths, version, map }, dat, env.crc32c),
      get position() {
        return position;
      },
      stats() {
        const { datSizeBytes, idxSizeBytes, lastAppendAtNs } = position;
        const liveBytes = map.sumOfLive((sizeBytes) => recordLengthBytes(version, sizeBytes));
        return {
          liveNeedles: map.liveCount,
          deletedNeedles: map.deletedCount,
          fileCount: map.fileCount,
          deleteCount: map.deleteCount,
          datSizeBytes,
          idxSizeBytes,
          liveBytes,
          garbageBytes: datSizeBytes - SUPER_BLOCK_SIZE_BYTES - liveBytes,
          maxNeedleId: map.maxNeedleId,
          lastAppendAtNs: BigInt(lastAppendAtNs),
        };
      },
      async advance(signal) {
        if (!(await reader.advance()) || reader.position.version !== position.version) return false;
        const entryCount = entriesOf(position);
        await replayCommitted(env, reader, version, { map, entryCount }, signal);
        position = reader.position;
        return true;
      },
      close: () => reader.close(),
    };
  } catch (error) {
    await reader.close();
    throw error;
  }
}
