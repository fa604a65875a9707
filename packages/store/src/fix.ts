import { type IdxEntry, isDeletion, type OffsetWidthBytes, TOMBSTONE_SIZE } from '@holdfast/format';
import { headerFitsEntry } from '@holdfast/index';
import type { StoreEnvironment } from './environment.js';
import { NeedleMap } from './needle-map.js';
import { settleCompaction } from './volume/compaction-files.js';
import { removeDerivedIndexes } from './volume/derived-indexes.js';
import { EncodedEntries } from './volume/encoded-entries.js';
import { hasNoRecord } from './volume/index-replay.js';
import { readHeader } from './volume/record-probe.js';
import { entryOf } from './volume/recovery-plan.js';
import { replaceFileBy } from './volume/replace-file-by.js';
import { type SurveyItem, survey } from './volume/survey.js';
import {
  createEntryTable,
  loadEntries,
  openForSurvey,
  type SurveyedFiles,
  walkWholeEntries,
} from './volume/surveyed-files.js';
import { volumePaths } from './volume/volume-paths.js';

export interface FixOptions {
  readonly directory: string;
  /** Base name: `7` or `collection_7`. */
  readonly name: string;
  /** Counts where index, data and `.vif` say nothing of the width of offsets. Default: `width-undecided`. */
  readonly assumedOffsetWidthBytes?: OffsetWidthBytes;
  readonly signal?: AbortSignal;
}

/** A place in the `.dat` that is damaged, or whose record the old index knew by another needle id. */
export interface DamagedPlace {
  readonly offset: number;
  readonly needleId: bigint | null;
  readonly reason: string;
}

export interface FixReport {
  readonly entries: number;
  readonly liveNeedles: number;
  /** Records of empty needles that only the old index told from deletions. */
  readonly emptyNeedlesKept: number;
  /** Records without data that are deletions or live empty needles, and nothing tells: taken for deletions. */
  readonly ambiguousRecords: number;
  /** The first {@link MAX_DAMAGED_LISTED} of `damagedCount`. */
  readonly damaged: readonly DamagedPlace[];
  readonly damagedCount: number;
  /** Bytes behind the last whole record; left as they are. */
  readonly tailBytes: number;
}

const MAX_DAMAGED_LISTED = 1000;

/**
 * Rebuilds the `.idx` out of the `.dat`, which it leaves alone. The old index is asked for what the data cannot tell:
 * which records without data are live empty needles, deletions without a record, and where records are behind damage.
 * Without it, a deletion right behind a damaged record may be lost with it: it has no data to prove itself by.
 * A damaged record keeps its entry: reading it is an error then, and not its needle's former content. Written beside
 * and renamed. Errors as `openVolume`.
 */
export async function fixIndex(env: StoreEnvironment, options: FixOptions): Promise<FixReport> {
  const { signal } = options;
  const paths = volumePaths(options.directory, options.name);
  const files = await openForSurvey(env, paths, options.assumedOffsetWidthBytes);
  try {
    const rebuilt = createRebuiltIndex(files.data.offsetWidthBytes);
    const table = createEntryTable(files);
    let outside = 0;
    for await (const _ of loadEntries(files, table, signal)) outside++;
    for await (const item of survey(files.data, table, signal)) await rebuilt.take(item, files);
    if (outside > 0) await rebuilt.takeDeletionsWithoutRecord(files, signal);
    await settleCompaction(env.disk, paths, files.leftovers);
    // First: a crash in between leaves none, and none that is of another index.
    await removeDerivedIndexes(env.disk, paths);
    await env.disk.syncDirectory(paths.directory);
    await replaceFileBy(env.disk, paths.idx, rebuilt.entries.pieces());
    return rebuilt.report();
  } finally {
    await files.close();
  }
}

function createRebuiltIndex(width: OffsetWidthBytes) {
  const entries = new EncodedEntries(width);
  const map = new NeedleMap();
  const damaged: DamagedPlace[] = [];
  let damagedCount = 0;
  let emptyNeedlesKept = 0;
  let ambiguousRecords = 0;
  let tailBytes = 0;

  const push = (entry: IdxEntry) => {
    entries.push(entry);
    map.apply(entry);
  };
  const noteDamage = (place: DamagedPlace) => {
    damagedCount++;
    if (damaged.length < MAX_DAMAGED_LISTED) damaged.push(place);
  };

  function takeRecord({ record, entries: known }: Extract<SurveyItem, { kind: 'record' }>): void {
    const fitting = known.findLast((entry) => headerFitsEntry(record.header, entry));
    const other = known.find((entry) => entry.needleId !== record.header.needleId);
    if (other !== undefined) {
      const { offset, header } = record;
      const reason = `the old index called it needle ${other.needleId.toString(16)}`;
      noteDamage({ offset, needleId: header.needleId, reason });
    }
    if (record.header.sizeBytes === 0 && fitting?.sizeBytes === 0) emptyNeedlesKept++;
    if (record.header.sizeBytes === 0 && fitting === undefined && record.storedCrc === 0) ambiguousRecords++;
    push(fitting ?? entryOf(record));
  }

  async function takeRest(
    item: Extract<SurveyItem, { kind: 'rest' }>,
    { data }: SurveyedFiles,
  ): Promise<void> {
    const header = item.rest === 'missing-padding' ? await readHeader(data.dat, item.offset) : undefined;
    if (header === undefined) tailBytes = data.datSizeBytes - item.offset;
    else
      push(
        item.entries.find((entry) => headerFitsEntry(header, entry)) ??
          entryOf({ offset: item.offset, header }),
      );
  }

  return {
    entries,

    async take(item: SurveyItem, files: SurveyedFiles): Promise<void> {
      if (item.kind === 'record') takeRecord(item);
      else if (item.kind === 'rest') await takeRest(item, files);
      else if (item.kind === 'damaged') {
        const { offset, reason, record } = item;
        const entry = item.entries.at(-1) ?? (record === undefined ? undefined : entryOf(record));
        noteDamage({ offset, needleId: entry?.needleId ?? null, reason });
        if (entry !== undefined) push(entry);
      }
    },

    /** A deletion that never had a record, and is its needle's last word, cannot be found in the data. */
    async takeDeletionsWithoutRecord(files: SurveyedFiles, signal?: AbortSignal) {
      const deleted = new Set<bigint>();
      for await (const batch of walkWholeEntries(files, signal)) {
        for (let i = 0; i < batch.count; i++) {
          const entry = batch.entryAt(i);
          if (hasNoRecord(entry, files.data) && isDeletion(entry)) deleted.add(entry.needleId);
          else deleted.delete(entry.needleId);
        }
      }
      for (const needleId of deleted) push({ needleId, offset: 0, sizeBytes: TOMBSTONE_SIZE });
    },

    report: (): FixReport => ({
      entries: entries.count,
      liveNeedles: map.liveCount,
      emptyNeedlesKept,
      ambiguousRecords,
      damaged,
      damagedCount,
      tailBytes,
    }),
  };
}
