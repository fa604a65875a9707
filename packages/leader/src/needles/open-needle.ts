import type { Crc32c, IdxEntry, Needle } from '@holdfast/format';
import {
  isExpired,
  type NeedleStream,
  openNeedleStream,
  type StoreEnvironment,
  StoreError,
  type Volume,
} from '@holdfast/store';
import type { OpenNeedle, OpenNeedleOptions } from './stored-volume.js';

/** A record that is not longer is read at once. */
const SHORT_RECORD_BYTES = 256 << 10;

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Where needles are found and read. */
export type NeedleSource = Pick<
  Volume,
  'name' | 'version' | 'find' | 'findDeleted' | 'readEntry' | 'readRange'
>;

/**
 * Finds a needle and opens it: `needle-not-found`, also past its ttl; `cookie-mismatch`; `corrupt`. The source is
 * released when the needle is closed, or here where this fails.
 */
export async function findAndOpen(
  env: StoreEnvironment,
  source: NeedleSource,
  needleId: bigint,
  { cookie, readDeleted = false }: OpenNeedleOptions,
  release: () => Promise<void>,
): Promise<OpenNeedle> {
  const { name } = source;
  const id = needleId.toString(16);
  const missing = (why: string) =>
    new StoreError('needle-not-found', `volume ${name}: needle ${id} ${why}`, { volume: name, needleId });
  try {
    const entry = source.find(needleId) ?? (readDeleted ? source.findDeleted(needleId) : undefined);
    if (entry === undefined) throw missing('is not there');
    const needle = await openNeedle(source, entry, env.crc32c, release);
    if (cookie !== undefined && cookie !== needle.meta.cookie) {
      const message = `volume ${name}: needle ${id} has another cookie`;
      throw new StoreError('cookie-mismatch', message, { volume: name, needleId });
    }
    if (isExpired(needle.meta, env.clock.nowNs())) throw missing('is past its ttl');
    return needle;
  } catch (error) {
    await release();
    throw error;
  }
}

/** A short record is read and checked, of a long one what stands around its data. */
async function openNeedle(
  volume: NeedleSource,
  entry: IdxEntry,
  crc32c: Crc32c,
  close: () => Promise<void>,
): Promise<OpenNeedle> {
  if (entry.sizeBytes > SHORT_RECORD_BYTES)
    return longNeedle(volume, await openNeedleStream(volume, entry, crc32c), close);
  const { data, ...meta } = await volume.readEntry(entry);
  return shortNeedle(data, meta, close);
}

function shortNeedle(data: Uint8Array, meta: Omit<Needle, 'data'>, close: () => Promise<void>): OpenNeedle {
  return {
    meta,
    crc: meta.crc,
    dataSizeBytes: data.length,
    data,
    async *read(range) {
      const { start, end } = checkedRange(range, data.length);
      if (end > start) yield data.subarray(start, end);
    },
    close,
  };
}

function longNeedle(volume: NeedleSource, stream: NeedleStream, close: () => Promise<void>): OpenNeedle {
  const { data: _pieces, offset: _offset, dataOffset, ...fields } = stream;
  const { dataSizeBytes, storedCrc: crc } = stream;

  /** The last piece is held back until the CRC is known to be right. */
  async function* readAll(): AsyncGenerator<Uint8Array> {
    let last: Uint8Array | undefined;
    for await (const piece of stream.data()) {
      if (last !== undefined) yield last;
      last = piece;
    }
    if (last !== undefined) yield last;
  }

  async function* readPart({ start, end }: Range): AsyncGenerator<Uint8Array> {
    for await (const _ of stream.data());
    for (let at = start; at < end; at += SHORT_RECORD_BYTES)
      yield await volume.readRange(dataOffset + at, Math.min(SHORT_RECORD_BYTES, end - at));
  }

  return {
    meta: { ...fields, crc, isCrcValid: true },
    crc,
    dataSizeBytes,
    data: undefined,
    read(range) {
      const { start, end } = checkedRange(range, dataSizeBytes);
      return start === 0 && end === dataSizeBytes ? readAll() : readPart({ start, end });
    },
    close,
  };
}

function checkedRange(range: Range | undefined, dataSizeBytes: number): Range {
  const { start, end } = range ?? { start: 0, end: dataSizeBytes };
  if (!(start >= 0 && start <= end && end <= dataSizeBytes))
    throw new RangeError(`bytes [${start}, ${end}) of ${dataSizeBytes}`);
  return { start, end };
}
