import {
  type IdxEntry,
  idxEntrySizeBytes,
  type OffsetWidthBytes,
  SUPER_BLOCK_SIZE_BYTES,
  type SuperBlock,
} from '@holdfast/format';
import { type IdxEntries, openIdx, type RandomAccess } from '@holdfast/index';
import type { DiskFile } from '../disk.js';
import type { StoreEnvironment } from '../environment.js';
import { exists } from '../generation/small-file.js';
import { type CompactionLeftovers, findCompactionLeftovers } from './compaction-files.js';
import { EntriesByOffset } from './entries-by-offset.js';
import { type DataFile, hasNoRecord, placeAtOnce, placeByReading } from './index-replay.js';
import { decideOffsetWidth, type OffsetWidth } from './offset-width.js';
import { EMPTY_ACCESS } from './random-access.js';
import { trailingZerosOffset } from './record-probe.js';
import { detectRecordVersion } from './record-version.js';
import { readSuperBlock } from './super-block-file.js';
import { readVolumeInfoFile, type VolumeInfoFile } from './volume-info-file.js';
import type { VolumePaths } from './volume-paths.js';

/** The files of a volume as they are, opened for reading. */
export interface SurveyedFiles {
  readonly leftovers: CompactionLeftovers;
  readonly superBlock: SuperBlock;
  readonly volumeInfo: VolumeInfoFile;
  readonly width: OffsetWidth;
  readonly isIndexMissing: boolean;
  readonly idx: RandomAccess;
  readonly idxSizeBytes: number;
  readonly data: DataFile;
  close(): Promise<void>;
}

/** Errors as `openVolume`, but for what only an index replayed would show. */
export async function openForSurvey(
  env: StoreEnvironment,
  paths: VolumePaths,
  assumedOffsetWidthBytes: OffsetWidthBytes | undefined,
): Promise<SurveyedFiles> {
  const { disk, crc32c } = env;
  const leftovers = await findCompactionLeftovers(disk, paths);
  const files: DiskFile[] = [];
  const close = async () => {
    for (const file of files) await file.close();
  };
  try {
    const dat = await disk.open(leftovers.datPath, { mode: 'read' });
    files.push(dat);
    const superBlock = await readSuperBlock(dat, paths);
    const datSizeBytes = await dat.sizeBytes();
    const volumeInfo = await readVolumeInfoFile(disk, paths.vif);
    const isIndexMissing = !(await exists(disk, leftovers.idxPath));
    let idx: RandomAccess = EMPTY_ACCESS;
    if (!isIndexMissing) {
      const file = await disk.open(leftovers.idxPath, { mode: 'read' });
      files.push(file);
      idx = file;
    }
    const { offsetWidthBytes: vifWidth } = volumeInfo.info;
    const width = await decideOffsetWidth({ dat, idx }, vifWidth, assumedOffsetWidthBytes, paths);
    return {
      leftovers,
      superBlock,
      volumeInfo,
      width,
      isIndexMissing,
      idx,
      idxSizeBytes: await idx.sizeBytes(),
      data: {
        dat,
        datSizeBytes,
        contentEndOffset: Math.max(SUPER_BLOCK_SIZE_BYTES, await trailingZerosOffset(dat, datSizeBytes)),
        version: await detectRecordVersion(
          { dat, idx },
          superBlock.version,
          width.offsetWidthBytes,
          crc32c,
          paths,
        ),
        offsetWidthBytes: width.offsetWidthBytes,
        crc32c,
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An entry that points at nothing in the data. */
export interface EntryOutsideData {
  readonly entry: IdxEntry;
  readonly entryIndex: number;
  /** `past-end`: its record is not in the data; `no-record`: offset 0, it never had one. */
  readonly kind: 'past-end' | 'no-record';
}

/** Room for all whole entries of the index. */
export function createEntryTable({ idxSizeBytes, data }: SurveyedFiles): EntriesByOffset {
  return new EntriesByOffset(Math.trunc(idxSizeBytes / idxEntrySizeBytes(data.offsetWidthBytes)));
}

/** The index, but for what is behind its last whole entry. */
export async function* walkWholeEntries(
  { idx: source, idxSizeBytes, data }: SurveyedFiles,
  signal: AbortSignal | undefined,
): AsyncGenerator<IdxEntries> {
  const wholeBytes = idxSizeBytes - (idxSizeBytes % idxEntrySizeBytes(data.offsetWidthBytes));
  const idx = await openIdx(source, data.offsetWidthBytes, { sizeBytes: wholeBytes });
  yield* idx.walk(signal === undefined ? {} : { signal });
}

/** Fills `table` with the entries that point into the data, and sorts it; gives the others on the way. */
export async function* loadEntries(
  files: SurveyedFiles,
  table: EntriesByOffset,
  signal?: AbortSignal,
): AsyncGenerator<EntryOutsideData> {
  const { data } = files;
  for await (const batch of walkWholeEntries(files, signal)) {
    for (let i = 0; i < batch.count; i++) {
      const entry = batch.entryAt(i);
      const entryIndex = batch.firstEntryIndex + i;
      if (hasNoRecord(entry, data)) {
        yield { entry, entryIndex, kind: 'no-record' };
        continue;
      }
      const placement = placeAtOnce(entry, data) ?? (await placeByReading(entry, data));
      if (placement.kind === 'past-end') yield { entry, entryIndex, kind: 'past-end' };
      else table.add({ ...entry, offset: placement.offset });
    }
  }
  table.sort();
}
