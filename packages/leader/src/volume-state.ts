import { formatVolumeName, type VolumeName } from '@holdfast/format';
import {
  createStampReader,
  EMPTY_ORDER_SUMMARY,
  openIdx,
  type SearchAnswer,
  searchAppendAtNs,
  summarizeOrder,
} from '@holdfast/index';
import { LeaderError, type ServedStatus } from '@holdfast/protocol';
import type { DiskFile, StoreEnvironment } from '@holdfast/store';
import { createIndexCursor, type FileLimits, type IndexCursor, type ServedLengths } from './index-cursor.js';
import { toHex } from './lineage.js';
import { createMutex } from './mutex.js';
import { currentFileKeys, openVolumeFiles, type VolumeFiles } from './volume-files.js';

const HISTORY_MARK_BYTES = 8;

/** One volume at one instant. Its files stay open until `close`, whatever happens to their names. */
export interface Snapshot {
  readonly status: ServedStatus;
  readonly lengths: ServedLengths;
  readonly modifiedAtSeconds: number;
  readonly dat: DiskFile;
  readonly idx: DiskFile;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface VolumeStateOptions {
  readonly env: StoreEnvironment;
  readonly directory: string;
  readonly name: VolumeName;
  /** How much is durable, where a writer of ours knows; `undefined` where the files are only served, as they are. */
  readonly writerLimits: () => FileLimits | undefined;
}

/** One volume of a directory as its files are, now and after every change. */
export interface VolumeState {
  readonly name: VolumeName;
  /** Fails with `volume-not-found` and `volume-closed`. */
  snapshot(signal: AbortSignal): Promise<Snapshot>;
  /** Where what was appended after `sinceNs` begins, at exactly this snapshot. Never a wrong place. */
  search(snapshot: Snapshot, sinceNs: bigint, signal: AbortSignal): Promise<SearchAnswer>;
  /** Runs while no snapshot is being taken: for whoever exchanges the files. */
  exclusive<T>(action: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface OpenGeneration {
  readonly files: VolumeFiles;
  readonly cursor: IndexCursor;
  readonly release: () => Promise<void>;
  readonly served: ServedLengths;
}

export function createVolumeState(options: VolumeStateOptions): VolumeState {
  const { env, directory, name } = options;
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
    const limits = options.writerLimits();
    if (limits !== undefined) return limits;
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
    async search({ status, dat, idx: source }, sinceNs, signal) {
      const { version, offsetWidthBytes, datSizeBytes, idxSizeBytes } = status;
      if (version !== 3) return { kind: 'not-answerable', reason: 'no-stamps' };
      const idx = await openIdx(source, offsetWidthBytes, { sizeBytes: idxSizeBytes });
      const readStamp = createStampReader(dat, offsetWidthBytes, datSizeBytes);
      const summary = await summarizeOrder(idx, readStamp, { summary: EMPTY_ORDER_SUMMARY, signal });
      return searchAppendAtNs({ idx, summary, sinceNs, version, readStamp, signal });
    },
    exclusive: (action) => mutex.run(action),
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
