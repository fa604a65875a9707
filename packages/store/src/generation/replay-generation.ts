import type { SuperBlock, Version } from '@holdfast/format';
import { openIdx } from '@holdfast/index';
import type { StoreEnvironment } from '../environment.js';
import { type IndexReplay, type ReplayedSoFar, replayIndex } from '../volume/index-replay.js';
import { detectRecordVersion } from '../volume/record-version.js';
import { readSuperBlock } from '../volume/super-block-file.js';
import type { VolumePaths } from '../volume/volume-paths.js';
import type { GenerationReader } from './generation-reader.js';

export interface ReplayedGeneration extends IndexReplay {
  readonly superBlock: SuperBlock;
  readonly version: Version;
}

/** What the files of a generation say up to its position. Errors as `openVolume`, about the content. */
export async function replayGeneration(
  env: StoreEnvironment,
  reader: GenerationReader,
  paths: VolumePaths,
  signal?: AbortSignal,
): Promise<ReplayedGeneration> {
  const { dat, idx, position } = reader;
  const superBlock = await readSuperBlock(dat, paths);
  const label = superBlock.version;
  const version = await detectRecordVersion(
    { dat, idx },
    label,
    position.offsetWidthBytes,
    env.crc32c,
    paths,
  );
  return { superBlock, version, ...(await replayCommitted(env, reader, version, undefined, signal)) };
}

/** Replays what the index has behind what is known of it, up to the position. */
export async function replayCommitted(
  { crc32c }: StoreEnvironment,
  { dat, idx, position }: GenerationReader,
  version: Version,
  soFar: ReplayedSoFar | undefined,
  signal?: AbortSignal,
): Promise<IndexReplay> {
  const { offsetWidthBytes, datSizeBytes } = position;
  const data = { dat, datSizeBytes, contentEndOffset: datSizeBytes, version, offsetWidthBytes, crc32c };
  return await replayIndex(await openIdx(idx, offsetWidthBytes), data, signal, soFar);
}
