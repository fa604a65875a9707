import {
  formatReplicaPlacement,
  type IdxEntry,
  idxEntrySizeBytes,
  type OffsetWidthBytes,
  SUPER_BLOCK_SIZE_BYTES,
} from '@holdfast/format';
import { headerFitsEntry } from '@holdfast/index';
import type { StoreEnvironment } from './environment.js';
import { StoreError, type StoreErrorCode } from './errors.js';
import type { Finding, FindingCode } from './finding.js';
import { type SurveyItem, survey } from './volume/survey.js';
import {
  createEntryTable,
  loadEntries,
  openForSurvey,
  type SurveyedFiles,
  walkWholeEntries,
} from './volume/surveyed-files.js';
import { volumePaths } from './volume/volume-paths.js';

export interface VerifyOptions {
  readonly directory: string;
  /** Base name: `7` or `collection_7`. */
  readonly name: string;
  /** Counts where index, data and `.vif` say nothing of the width of offsets. */
  readonly assumedOffsetWidthBytes?: OffsetWidthBytes;
  readonly signal?: AbortSignal;
}

/** Findings that wait for the end to be judged; past so many they are given out as they come. */
const MAX_REMEMBERED = 10_000;

/** Errors of opening that are findings; all others are failures of the verification itself. */
const FINDING_OF_ERROR: Partial<Record<StoreErrorCode, FindingCode>> = {
  'not-found': 'data-missing',
  'no-super-block': 'super-block-damaged',
  'bad-super-block': 'super-block-damaged',
  'unsupported-version': 'unsupported-version',
  'width-undecided': 'width-undecided',
  'index-mismatch': 'index-mismatch',
};

/**
 * Reads a volume's files from end to end: every CRC, every body, index against data and data against index. Changes
 * nothing. What no local evidence shows (cookie, time stamp, flags, padding) it cannot find. Memory: 24 bytes an index
 * entry, and one record.
 */
export async function* verifyFiles(env: StoreEnvironment, options: VerifyOptions): AsyncGenerator<Finding> {
  const { signal } = options;
  const paths = volumePaths(options.directory, options.name);
  let files: SurveyedFiles;
  try {
    files = await openForSurvey(env, paths, options.assumedOffsetWidthBytes);
  } catch (error) {
    const finding = error instanceof StoreError ? findingOfError(error, paths.dat) : undefined;
    if (finding === undefined) throw error;
    yield finding;
    return;
  }
  try {
    yield* notesOf(files, paths.vif);
    yield* indexFindings(files, paths.idx);
    const table = createEntryTable(files);
    const cutShort = new Map<number, bigint>();
    for await (const { entry, entryIndex, kind } of loadEntries(files, table, signal)) {
      if (kind === 'past-end') {
        const startsInside = entry.offset < files.data.datSizeBytes && cutShort.size < MAX_REMEMBERED;
        if (startsInside) cutShort.set(entry.offset, entry.needleId);
        yield damage(
          'entry-past-end',
          paths.idx,
          entry,
          `its record at ${entry.offset} is past the end of the data`,
        );
      } else if (entry.sizeBytes >= 0) {
        const offset = entryIndex * idxEntrySizeBytes(files.data.offsetWidthBytes);
        yield note('entry-without-record', paths.idx, 'an entry with offset 0 that is no deletion', offset);
      }
    }
    const unindexed = new Map<bigint, number>();
    for await (const item of survey(files.data, table, signal)) {
      if (item.kind !== 'record' || item.entries.length > 0) {
        yield* findingsOf(item, paths.dat, cutShort);
      } else if (files.idxSizeBytes > 0) {
        const { header, offset } = item.record;
        if (unindexed.size < MAX_REMEMBERED) unindexed.set(header.needleId, offset);
        else yield unindexedRecord(paths.dat, header.needleId, offset);
      }
    }
    yield* unindexedFindings(files, paths.dat, unindexed, signal);
  } finally {
    await files.close();
  }
}

function findingOfError(error: StoreError, fallbackPath: string): Finding | undefined {
  const code = FINDING_OF_ERROR[error.code];
  if (code === undefined) return undefined;
  const { path = fallbackPath, offset = null, message } = error;
  return { code, severity: 'damage', path, offset, needleId: null, message };
}

function* notesOf(
  { leftovers, superBlock, volumeInfo, width, data }: SurveyedFiles,
  vif: string,
): Generator<Finding> {
  for (const path of leftovers.found) yield note('leftover-file', path, 'left over from a compaction');
  const { version } = data;
  if (superBlock.version !== version) {
    const message = `the super block says version ${superBlock.version}, the records are of version ${version}`;
    yield note('version-label', leftovers.datPath, message, 0);
  }
  const { info, state } = volumeInfo;
  if (state === 'unreadable') yield note('volume-info', vif, 'it cannot be read; defaults hold');
  if (info.readOnly) yield note('volume-info', vif, 'the volume is marked read-only');
  if (info.version !== 0 && info.version !== superBlock.version) {
    yield note(
      'volume-info',
      vif,
      `it says version ${info.version}; the super block's ${superBlock.version} counts`,
    );
  }
  const placement = formatReplicaPlacement(superBlock.replicaPlacement);
  if (info.replication !== '' && info.replication !== placement) {
    yield note(
      'volume-info',
      vif,
      `its replication ${info.replication} overrides the super block's ${placement}`,
    );
  }
  if (width.volumeInfoDisagrees) {
    const message = `it says offsets of ${info.offsetWidthBytes} bytes, the index has ${width.offsetWidthBytes}`;
    yield { ...note('width-disagrees', vif, message), severity: 'damage' };
  }
}

function* indexFindings(files: SurveyedFiles, path: string): Generator<Finding> {
  const { isIndexMissing, idxSizeBytes, data } = files;
  if (isIndexMissing || (idxSizeBytes === 0 && data.contentEndOffset > SUPER_BLOCK_SIZE_BYTES)) {
    const message = isIndexMissing ? 'there is no index' : 'the index is empty, the data are not';
    yield { code: 'index-missing', severity: 'damage', path, offset: null, needleId: null, message };
  }
  const partialBytes = idxSizeBytes % idxEntrySizeBytes(data.offsetWidthBytes);
  if (partialBytes > 0) {
    const offset = idxSizeBytes - partialBytes;
    const message = `${partialBytes} bytes behind the last whole entry`;
    yield { code: 'index-odd-size', severity: 'damage', path, offset, needleId: null, message };
  }
}

/**
 * A record without an entry is a loss, unless its needle has an entry that points behind it: then it would be garbage
 * with an entry too.
 */
async function* unindexedFindings(
  files: SurveyedFiles,
  path: string,
  unindexed: ReadonlyMap<bigint, number>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Finding> {
  if (unindexed.size === 0) return;
  const superseded = new Set<bigint>();
  for await (const entries of walkWholeEntries(files, signal)) {
    for (let i = 0; i < entries.count; i++) {
      const needleId = entries.needleIdAt(i);
      const offset = unindexed.get(needleId);
      if (offset !== undefined && entries.offsetAt(i) > offset) superseded.add(needleId);
    }
  }
  for (const [needleId, offset] of unindexed) {
    const finding = unindexedRecord(path, needleId, offset);
    yield superseded.has(needleId) ? { ...finding, severity: 'note' } : finding;
  }
}

function unindexedRecord(path: string, needleId: bigint, offset: number): Finding {
  return damage('unindexed-record', path, { needleId, offset }, 'no entry points at this record');
}

function* findingsOf(
  item: SurveyItem,
  path: string,
  cutShort: ReadonlyMap<number, bigint>,
): Generator<Finding> {
  switch (item.kind) {
    case 'record': {
      const { header } = item.record;
      for (const entry of item.entries) {
        if (headerFitsEntry(header, entry)) continue;
        const recordSays = `needle ${header.needleId.toString(16)} of size ${header.sizeBytes}`;
        const entrySays = `needle ${entry.needleId.toString(16)} of size ${entry.sizeBytes}`;
        yield damage('entry-mismatch', path, entry, `the entry says ${entrySays}, the record ${recordSays}`);
      }
      return;
    }
    case 'damaged': {
      const needleId = item.entries[0]?.needleId ?? item.record?.header.needleId ?? null;
      yield damage('record-damaged', path, { needleId, offset: item.offset }, item.reason);
      return;
    }
    case 'stray-entry':
      yield damage('entry-mismatch', path, item.entry, 'the entry points at no record');
      return;
    case 'rest': {
      const needleId = item.entries[0]?.needleId ?? cutShort.get(item.offset) ?? null;
      const [code, message] = REST[item.rest === 'trailing' && needleId !== null ? 'torn' : item.rest];
      yield damage(code, path, { needleId, offset: item.offset }, message);
    }
  }
}

const REST = {
  torn: ['torn-tail', 'the last record is cut short'],
  'missing-padding': ['missing-padding', 'the last record lacks bytes of its padding'],
  trailing: ['trailing-bytes', 'bytes behind the last record that are none'],
} as const satisfies Record<string, readonly [FindingCode, string]>;

function damage(
  code: FindingCode,
  path: string,
  { needleId, offset }: Pick<IdxEntry, 'offset'> & { readonly needleId: bigint | null },
  message: string,
): Finding {
  return { code, severity: 'damage', path, offset, needleId, message };
}

function note(code: FindingCode, path: string, message: string, offset: number | null = null): Finding {
  return { code, severity: 'note', path, offset, needleId: null, message };
}
