import type { Random } from '@holdfast/format';
import { createGrowingFile, type GrowingFile } from './growing-file.js';
import { applyChangesSince, type StockCompaction, startCompaction } from './stock-compaction.js';
import {
  type RecordVersion,
  readStockEntries,
  type StockEntry,
  stockCrc32c,
  stockPutRecord,
  stockRecordData,
  stockRecordLengthBytes,
  stockRecordStamp,
  stockTombstoneRecord,
  writeStockEntry,
} from './stock-record.js';

export interface StockVolumeOptions {
  readonly volumeId: number;
  readonly collection?: string;
  /** The label in the super block (default 3). A fresh volume runs as 3 whatever its label, until it is mounted again. */
  readonly version?: RecordVersion;
  /** Byte 1 of the super block. */
  readonly replicaPlacement?: number;
  readonly offsetWidthBytes: 4 | 5;
  readonly nowNs: () => bigint;
  /** The order of the changes that a commit applies: hash-map order in the real server. */
  readonly random: Random;
}

export interface StockPutOptions {
  /** Default: the low 32 bits of the needle id. */
  readonly cookie?: number;
  readonly name?: string;
  readonly mime?: string;
}

export interface StockLiveNeedle {
  readonly needleId: bigint;
  readonly offset: number;
  readonly data: Uint8Array;
}

/** One volume of a simulated stock server: what SeaweedFS does to its two files, in memory (format.md §4 to §8). */
export interface StockVolume {
  readonly volumeId: number;
  readonly collection: string;
  readonly offsetWidthBytes: 4 | 5;
  /** The files as they are, for whoever opens them now. */
  readonly datFile: GrowingFile;
  readonly idxFile: GrowingFile;
  /** The compaction that is open, or was left behind. */
  readonly compaction: StockCompaction | undefined;
  /** A copy of the `.dat`, and of the `.idx`. */
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
  /** What the server believes to be the `.dat`'s size: rounded up to a multiple of 8 when it was loaded. */
  readonly tailBytes: number;
  readonly revision: number;
  /** The version that records are appended in. */
  readonly runtimeVersion: RecordVersion;
  readonly isClosed: boolean;
  readonly isReadOnly: boolean;

  /** `unchanged`: the same bytes under the same cookie are already there, and nothing is written. */
  put(needleId: bigint, data: Uint8Array, options?: StockPutOptions): 'written' | 'unchanged';
  /** False, and nothing written, where the needle is absent or deleted. */
  delete(needleId: bigint, options?: Pick<StockPutOptions, 'cookie'>): boolean;
  find(needleId: bigint): { readonly state: 'live' | 'deleted' | 'absent'; readonly sizeBytes: number };
  liveNeedles(): StockLiveNeedle[];
  /** By the index alone. */
  readonly liveNeedleCount: number;

  /** Opens a compaction: from now on there is a `.cpd`. */
  compact(): void;
  /**
   * Applies what was written since `compact` in random order and swaps the files. Fails, and closes the volume, without
   * a compaction, and where the index was empty when the compaction began and is not any more.
   */
  commit(): void;
  /** A commit that fails (a full disk): the `.cpd` is removed, the volume stays registered but closed. */
  failCommit(): void;
  /** Removes what a compaction left. */
  cleanup(): void;
  vacuum(): void;

  /** Loads whatever the files hold now. */
  remount(): void;
  /** Replaces both files, as an operator does while the volume is unmounted, and loads them. */
  load(dat: Uint8Array, idx: Uint8Array): void;
}

const SUPER_BLOCK_SIZE_BYTES = 8;

export function superBlockRevision(file: GrowingFile): number {
  const [high = 0, low = 0] = file.read(4, 2);
  return high * 256 + low;
}

export function createStockVolume(options: StockVolumeOptions): StockVolume {
  const { volumeId, collection = '', offsetWidthBytes, nowNs, random } = options;
  let datFile = createGrowingFile(
    new Uint8Array([options.version ?? 3, options.replicaPlacement ?? 0, 0, 0, 0, 0, 0, 0]),
  );
  let idxFile = createGrowingFile();
  let compaction: StockCompaction | undefined;
  let needleMap = new Map<bigint, StockEntry>();
  let tailBytes = SUPER_BLOCK_SIZE_BYTES;
  let runtimeVersion: RecordVersion = 3;
  let lastStampNs = 0n;
  let isClosed = false;
  let isReadOnly = false;

  const recordAt = (offset: number, sizeBytes: number): Uint8Array =>
    datFile.read(offset, stockRecordLengthBytes(runtimeVersion, Math.max(sizeBytes, 0)));

  const nextStampNs = (): bigint => {
    const now = nowNs();
    lastStampNs = now > lastStampNs ? now : lastStampNs + 1n;
    return lastStampNs;
  };

  const append = (needleId: bigint, record: Uint8Array, sizeBytes: number): void => {
    const offset = tailBytes;
    datFile.write(offset, record);
    tailBytes = offset + record.length;
    idxFile.write(idxFile.sizeBytes, writeStockEntry({ needleId, offset, sizeBytes }, offsetWidthBytes));
    const former = needleMap.get(needleId);
    if (sizeBytes >= 0) needleMap.set(needleId, { needleId, offset, sizeBytes });
    else if (former) needleMap.set(needleId, { ...former, sizeBytes: -former.sizeBytes || -1 });
  };

  const requireWritable = (): void => {
    if (isClosed) throw new Error(`volume ${volumeId} data backend not found`);
    if (isReadOnly) throw new Error(`volume ${volumeId} is read only`);
  };

  const loadMap = (): void => {
    needleMap = new Map();
    let last: StockEntry | undefined;
    for (const entry of readStockEntries(idxFile.read(0, idxFile.sizeBytes), offsetWidthBytes)) {
      if (entry.offset > (last?.offset ?? 0)) last = entry;
      const former = needleMap.get(entry.needleId);
      if (entry.offset > 0 && entry.sizeBytes >= 0) needleMap.set(entry.needleId, entry);
      else if (former)
        needleMap.set(entry.needleId, { ...former, sizeBytes: -Math.abs(former.sizeBytes) || -1 });
    }
    lastStampNs = last ? stockRecordStamp(recordAt(last.offset, last.sizeBytes), runtimeVersion) : 0n;
  };

  const volume: StockVolume = {
    volumeId,
    collection,
    offsetWidthBytes,
    get datFile() {
      return datFile;
    },
    get idxFile() {
      return idxFile;
    },
    get compaction() {
      return compaction;
    },
    get dat() {
      return datFile.read(0, datFile.sizeBytes);
    },
    get idx() {
      return idxFile.read(0, idxFile.sizeBytes);
    },
    get tailBytes() {
      return tailBytes;
    },
    get revision() {
      return superBlockRevision(datFile);
    },
    get runtimeVersion() {
      return runtimeVersion;
    },
    get isClosed() {
      return isClosed;
    },
    get isReadOnly() {
      return isReadOnly;
    },

    put(needleId, data, { cookie = Number(BigInt.asUintN(32, needleId)), name = '', mime = '' } = {}) {
      requireWritable();
      const former = needleMap.get(needleId);
      if (former) {
        const record = recordAt(former.offset, former.sizeBytes);
        const formerCookie = new DataView(record.buffer).getUint32(0);
        if (formerCookie !== cookie) throw new Error(`mismatching cookie ${cookie.toString(16)}`);
        const formerData = stockRecordData(record, runtimeVersion);
        if (former.sizeBytes > 0 && data.length > 0 && equalBytes(formerData, data)) return 'unchanged';
      }
      const lastModifiedSeconds = Number(nowNs() / 1_000_000_000n);
      const needle = { needleId, cookie, data, name, mime, lastModifiedSeconds };
      const record = stockPutRecord(needle, runtimeVersion, nextStampNs());
      append(needleId, record, new DataView(record.buffer).getUint32(12));
      return 'written';
    },

    delete(needleId, { cookie = Number(BigInt.asUintN(32, needleId)) } = {}) {
      requireWritable();
      const former = needleMap.get(needleId);
      if (!former || former.sizeBytes < 0) return false;
      const record = recordAt(former.offset, former.sizeBytes);
      const data = stockRecordData(record, runtimeVersion);
      const crc = data.length === 0 ? 0 : stockCrc32c(data);
      append(needleId, stockTombstoneRecord(needleId, cookie, runtimeVersion, crc, nextStampNs()), -1);
      return true;
    },

    find(needleId) {
      const entry = needleMap.get(needleId);
      if (!entry) return { state: 'absent', sizeBytes: 0 };
      return { state: entry.sizeBytes < 0 ? 'deleted' : 'live', sizeBytes: entry.sizeBytes };
    },

    get liveNeedleCount() {
      return liveEntries().length;
    },

    liveNeedles() {
      return liveEntries().map(({ needleId, offset, sizeBytes }) => ({
        needleId,
        offset,
        data: stockRecordData(recordAt(offset, sizeBytes), runtimeVersion).slice(),
      }));
    },

    compact() {
      requireOpen();
      // A second one while one is open answers well and does nothing.
      compaction ??= startCompaction({ datFile, idxFile, needleMap, offsetWidthBytes, runtimeVersion });
    },

    commit() {
      requireOpen();
      if (!compaction) {
        isClosed = true;
        throw new Error(`volume ${volumeId} compact swap aborted: missing .cpd/.cpx`);
      }
      if (compaction.idxSizeAtStartBytes === 0 && idxFile.sizeBytes > 0) {
        // The real server walks back to where the index stood and, from 0, on to a negative offset.
        volume.failCommit();
        const before = -12 - offsetWidthBytes;
        throw new Error(
          `readIndexEntry /data/${volumeId}.idx at offset ${before} failed: offset ${before} is invalid`,
        );
      }
      applyChangesSince(compaction, { datFile, idxFile, offsetWidthBytes, runtimeVersion, nowNs, random });
      datFile = compaction.datFile;
      idxFile = compaction.idxFile;
      compaction = undefined;
      volume.remount();
      // The end check after a commit measures every record by version 3's lengths, so older volumes fail it.
      isReadOnly = runtimeVersion !== 3;
    },

    failCommit() {
      requireOpen();
      compaction = undefined;
      isClosed = true;
    },

    cleanup() {
      compaction = undefined;
    },

    vacuum() {
      volume.compact();
      volume.commit();
      volume.cleanup();
    },

    remount() {
      isClosed = false;
      isReadOnly = false;
      runtimeVersion = datFile.read(0, 1)[0] as RecordVersion;
      tailBytes = Math.ceil(datFile.sizeBytes / 8) * 8;
      loadMap();
    },

    load(dat, idx) {
      datFile = createGrowingFile(dat);
      idxFile = createGrowingFile(idx);
      compaction = undefined;
      volume.remount();
    },
  };

  const liveEntries = (): StockEntry[] => [...needleMap.values()].filter((entry) => entry.sizeBytes >= 0);

  const requireOpen = (): void => {
    if (isClosed) throw new Error(`volume ${volumeId} data backend not found`);
  };

  return volume;
}

function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}
