import {
  idxEntrySizeBytes,
  type OffsetWidthBytes,
  type SuperBlock,
  type Ttl,
  type Version,
} from '@holdfast/format';
import { createStampReader, type OrderSummary, openIdx, summarizeOrder } from '@holdfast/index';
import type { StoreEnvironment } from './environment.js';
import { isStoreError } from './errors.js';
import type { Volume, VolumeStats } from './volume/volume.js';

export interface VolumeInspection {
  readonly superBlock: SuperBlock;
  /** The layout of the records. */
  readonly version: Version;
  readonly offsetWidthBytes: OffsetWidthBytes;
  readonly stats: VolumeStats;
  /** `undefined` for version 1 and 2, which have no stamps. */
  readonly order: OrderSummary | undefined;
}

/** Reads the stamp of every record that has an entry: two small reads each. */
export async function inspectVolume(volume: Volume, signal?: AbortSignal): Promise<VolumeInspection> {
  const { superBlock, version, offsetWidthBytes } = volume;
  const stats = volume.stats();
  let order: OrderSummary | undefined;
  if (version === 3) {
    const entrySize = idxEntrySizeBytes(offsetWidthBytes);
    const idx = await openIdx(volume.idx, offsetWidthBytes, {
      sizeBytes: stats.idxSizeBytes - (stats.idxSizeBytes % entrySize),
    });
    const readStamp = createStampReader(volume.dat, offsetWidthBytes, stats.datSizeBytes);
    order = await summarizeOrder(idx, readStamp, signal === undefined ? {} : { signal });
  }
  return { superBlock, version, offsetWidthBytes, stats, order };
}

/** One live needle as stored. */
export interface InspectedNeedle {
  readonly needleId: bigint;
  readonly cookie: number;
  readonly offset: number;
  /** The size in the record's header. */
  readonly sizeBytes: number;
  readonly dataSizeBytes: number;
  /** UTF-8; `""` where there is none. */
  readonly name: string;
  readonly mime: string;
  readonly ttl: Ttl | undefined;
  /** Unix seconds, 0 where there is none. */
  readonly lastModifiedSeconds: number;
  readonly appendAtNs: bigint;
  /** Raw CRC-32C of the data. */
  readonly crc: number;
  /** Of the data as stored, compressed or not. */
  readonly dataSha256: Uint8Array;
  readonly isCompressed: boolean;
  readonly isChunkManifest: boolean;
  readonly pairs: Readonly<Record<string, string>>;
}

/** A live needle that cannot be read: why. */
export interface UnreadableNeedle {
  readonly needleId: bigint;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly error: string;
}

/** Live needles in the order of the file; each is read and checked, memory for one. */
export async function* inspectNeedles(
  env: StoreEnvironment,
  volume: Volume,
  signal?: AbortSignal,
): AsyncGenerator<InspectedNeedle | UnreadableNeedle> {
  for (const { needleId, offset, sizeBytes } of volume.liveByOffset()) {
    signal?.throwIfAborted();
    try {
      const needle = await volume.readNeedle(needleId);
      yield {
        needleId,
        cookie: needle.cookie,
        offset,
        sizeBytes,
        dataSizeBytes: needle.dataSizeBytes,
        name: textOf(needle.name),
        mime: textOf(needle.mime),
        ttl: needle.ttl,
        lastModifiedSeconds: needle.lastModifiedSeconds ?? 0,
        appendAtNs: needle.appendAtNs,
        crc: needle.crc,
        dataSha256: env.sha256(needle.data),
        isCompressed: needle.isCompressed,
        isChunkManifest: needle.isChunkManifest,
        pairs: pairsOf(needle.pairs),
      };
    } catch (error) {
      if (!isStoreError(error, 'corrupt')) throw error;
      yield { needleId, offset, sizeBytes, error: error.message };
    }
  }
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : new TextDecoder().decode(bytes);
}

/** Pairs that are no JSON object of strings are shown as none: nothing but the server's upload writes them. */
function pairsOf(bytes: Uint8Array | undefined): Record<string, string> {
  if (bytes === undefined) return {};
  try {
    const json: unknown = JSON.parse(textOf(bytes));
    if (typeof json !== 'object' || json === null) return {};
    return Object.fromEntries(
      Object.entries(json).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
    );
  } catch {
    return {};
  }
}
