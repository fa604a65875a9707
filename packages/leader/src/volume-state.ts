import { formatVolumeName, type VolumeName } from '@holdfast/format';
import type { RandomAccess, SearchAnswer } from '@holdfast/index';
import { LeaderError, type ServedStatus } from '@holdfast/protocol';
import type { StoreEnvironment } from '@holdfast/store';
import { createIndexCursor, type FileLimits, type IndexCursor, type ServedLengths } from './index-cursor.js';
import { toHex } from './lineage.js';
import { createMutex } from './mutex.js';
import { createStampSearch } from './stamp-search.js';
import { currentFileKeys, openVolumeFiles, type VolumeFiles } from './volume-files.js';

const HISTORY_MARK_BYTES = 8;

/** One volume at one instant. Its files stay open until `close`, whatever happens to their names. */
export interface Snapshot {
  readonly status: ServedStatus;
  readonly lengths: ServedLengths;
  readonly modifiedAtSeconds: number;
  readonly dat: RandomAccess;
  readonly idx: RandomAccess;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface VolumeStateOptions {
  readonly env: StoreEnvironment;
  readonly directory: string;
  readonly name: VolumeName;
}

/** One volume as it is served, now and after every change. */
export interface VolumeState {
  readonly name: VolumeName;
  /** Fails with `volume-not-found` and `volume-closed`. */
  snapshot(signal: AbortSignal): Promise<Snapshot>;
  /** Where what was appended after `sinceNs` begins, at exactly this snapshot. Never a wrong place. */
  search(snapshot: Snapshot, sinceNs: bigint, signal: AbortSignal): Promise<SearchAnswer>;
  close(): Promise<void>;
}

interface OpenGeneration {
  readonly files: VolumeFiles;
  readonly cursor: IndexCursor;
  readonly release: () => Promise<void>;
  readonly served: ServedLengths;
}

/** A volume of a directory, its files as they are: whoever writes them is not asked. */
export function createVolumeState({ env, directory, name }: VolumeStateOptions): VolumeState {
  const mutex = createMutex();
  let generation: OpenGeneration | undefined;
  // A file that was cut in place keeps its name and its inode: nothing in it says that its history is another one.
  let historyMark = '';

  async function reopen(): Promise<OpenGeneration> {
    const files = await openVolumeFiles(env, directory, name, historyMark);
    await generation?.release();
    const cursor = createIndexCursor(files);
    const served = await cursor.advance({ datSizeBytes: 0, idxSizeBytes: 0 }, new AbortController().signal);
    return { files, cursor, release: files.retain(), served };
  }

  /** The present generation with what of it is served; opened anew where its files were exchanged or cut. */
  async function refresh(signal: AbortSignal): Promise<OpenGeneration> {
    const fileKeys = await currentFileKeys(env, directory, name);
    if (generation?.files.fileKeys !== fileKeys) generation = await reopen();
    let limits = await limitsOf(generation.files);
    if (
      limits.datSizeBytes < generation.served.datSizeBytes ||
      limits.idxSizeBytes < generation.served.idxSizeBytes
    ) {
      historyMark = toHex(env.random.bytes(HISTORY_MARK_BYTES));
      generation = await reopen();
      limits = await limitsOf(generation.files);
    }
    generation = { ...generation, served: await generation.cursor.advance(limits, signal) };
    return generation;
  }

  async function limitsOf(files: VolumeFiles): Promise<FileLimits> {
    // The index first: an entry is written after its record, so this `.dat` has what that index speaks of.
    const idxSizeBytes = await files.idx.sizeBytes();
    return { idxSizeBytes, datSizeBytes: await files.dat.sizeBytes() };
  }

  return {
    name,
    snapshot: (signal) =>
      mutex.run(async () => {
        signal.throwIfAborted();
        const { files, served } = await refresh(signal);
        const stat = await files.dat.stat();
        return {
          status: {
            revision: files.superBlock.compactionRevision,
            datSizeBytes: served.datSizeBytes,
            idxSizeBytes: served.idxSizeBytes,
            version: files.version,
            offsetWidthBytes: files.offsetWidthBytes,
            collection: name.collection,
            readOnly: files.readOnly,
            replication: files.replication,
            lineageId: files.lineageId,
          },
          lengths: served,
          modifiedAtSeconds: Number(stat.mtimeNs / 1_000_000_000n),
          dat: files.dat,
          idx: files.idx,
          close: files.retain(),
        };
      }),
    search: createStampSearch(),
    close: () =>
      mutex.run(async () => {
        await generation?.release();
        generation = undefined;
      }),
  };
}

/** The failure of a call that asks for another generation than the one there is. */
export function revisionChanged(name: VolumeName, wanted: string, found: string): LeaderError {
  return new LeaderError(
    'revision-changed',
    `volume ${formatVolumeName(name)} is at ${found}, not at ${wanted}`,
    { volumeId: name.volumeId },
  );
}
