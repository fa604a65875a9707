import {
  CRC_SIZE_BYTES,
  type Crc32c,
  DATA_SIZE_FIELD_BYTES,
  isCrcOf,
  NEEDLE_HEADER_SIZE_BYTES,
  parseNeedleHeader,
} from '@holdfast/format';
import { headerFitsEntry, type Tile } from '@holdfast/index';
import type { Pool, PoolSource } from './pool.js';

const STAMP_SIZE_BYTES = 8;
const PIECE_BYTES = 1024 * 1024;

export type RecordTile = Extract<Tile, { kind: 'record' }>;

/** A record of the leader's whose data a pool should have. */
export interface PoolRecord {
  readonly tile: RecordTile;
  readonly source: PoolSource;
  /** The record's start in the source. */
  readonly poolOffset: number;
  readonly cookie: number;
  /** The stamp that the leader's record must have; `undefined` where the cookie must agree instead. */
  readonly appendAtNs: bigint | undefined;
  /** Where the data are in either record, from its start. */
  readonly dataStart: number;
  readonly dataSizeBytes: number;
}

/**
 * The pool's record of a tile, as far as its head says that it can be the same; `undefined` where there is none, or it
 * cannot be read. Nothing is proved by it: that needs the leader's head and tail of the record (`provedCrc`).
 */
export async function findPoolRecord(pool: Pool, tile: RecordTile): Promise<PoolRecord | undefined> {
  const place = pool.places.placeOf(tile.entryIndex);
  const source = place === undefined ? undefined : pool.sources[place.source];
  if (place === undefined || source === undefined) return undefined;
  const { sizeBytes } = tile.entry;
  const dataStart = dataStartOf(tile);
  const head = await source.read(place.offset, dataStart);
  if (head === undefined) return undefined;
  const header = parseNeedleHeader(head);
  if (!headerFitsEntry(header, tile.entry)) return undefined;
  const dataSizeBytes = dataSizeIn(head, tile);
  if (dataSizeBytes === 0 || dataStart + dataSizeBytes > NEEDLE_HEADER_SIZE_BYTES + sizeBytes)
    return undefined;
  let appendAtNs: bigint | undefined;
  if (source.isSameCopy && tile.version === 3) {
    const stampAt = place.offset + NEEDLE_HEADER_SIZE_BYTES + sizeBytes + CRC_SIZE_BYTES;
    const stamp = await source.read(stampAt, STAMP_SIZE_BYTES);
    if (stamp === undefined) return undefined;
    appendAtNs = viewOf(stamp).getBigUint64(0);
  }
  const { cookie } = header;
  return { tile, source, poolOffset: place.offset, cookie, appendAtNs, dataStart, dataSizeBytes };
}

/**
 * Whether the leader's record, of which `head` is everything before its data and `tail` what follows its body, is the
 * pool's: its header is its entry's, its data as long, and its stamp (same leader copy) or cookie the same. Gives the
 * stored CRC that the data have then still to fit.
 */
export function provedCrc(record: PoolRecord, head: Uint8Array, tail: Uint8Array): number | undefined {
  const { tile, cookie, appendAtNs, dataSizeBytes } = record;
  const header = parseNeedleHeader(head);
  if (!headerFitsEntry(header, tile.entry) || dataSizeIn(head, tile) !== dataSizeBytes) return undefined;
  const view = viewOf(tail);
  const isSame =
    appendAtNs === undefined ? header.cookie === cookie : view.getBigUint64(CRC_SIZE_BYTES) === appendAtNs;
  return isSame ? view.getUint32(0) : undefined;
}

/** A part of a record's data: its bytes, or `undefined` where the pool, asked again, does not give them any more. */
export interface PoolPiece {
  /** From the start of the data. */
  readonly at: number;
  readonly lengthBytes: number;
  readonly bytes: Uint8Array | undefined;
}

/**
 * The data from the pool, held to the leader's CRC before the first byte is given; `undefined` where they are not that.
 * Long data are read twice, and what reads differently the second time is not given.
 */
export async function openPoolData(
  record: PoolRecord,
  storedCrc: number,
  crc32c: Crc32c,
): Promise<AsyncIterable<PoolPiece> | Iterable<PoolPiece> | undefined> {
  const pieceCrcs: number[] = [];
  let crc = 0;
  let first: PoolPiece | undefined;
  for await (const piece of piecesOf(record)) {
    if (piece.bytes === undefined) return undefined;
    crc = crc32c(piece.bytes, crc);
    pieceCrcs.push(crc);
    first ??= piece;
  }
  if (!isCrcOf(storedCrc, crc)) return undefined;
  return pieceCrcs.length === 1 && first !== undefined ? [first] : piecesAgain(record, pieceCrcs, crc32c);
}

/** `crcsTo`: of the data up to each piece's end, as read the first time. */
async function* piecesAgain(record: PoolRecord, crcsTo: readonly number[], crc32c: Crc32c) {
  let i = 0;
  for await (const piece of piecesOf(record)) {
    const crcBefore = crcsTo[i - 1] ?? 0;
    const isSame = piece.bytes !== undefined && crc32c(piece.bytes, crcBefore) === crcsTo[i];
    yield isSame ? piece : { ...piece, bytes: undefined };
    i++;
  }
}

async function* piecesOf({ source, poolOffset, dataStart, dataSizeBytes }: PoolRecord) {
  for (let at = 0; at < dataSizeBytes; at += PIECE_BYTES) {
    const lengthBytes = Math.min(PIECE_BYTES, dataSizeBytes - at);
    yield { at, lengthBytes, bytes: await source.read(poolOffset + dataStart + at, lengthBytes) };
  }
}

function dataStartOf({ version }: RecordTile): number {
  return NEEDLE_HEADER_SIZE_BYTES + (version === 1 ? 0 : DATA_SIZE_FIELD_BYTES);
}

function dataSizeIn(head: Uint8Array, { version, entry }: RecordTile): number {
  return version === 1 ? entry.sizeBytes : viewOf(head).getUint32(NEEDLE_HEADER_SIZE_BYTES);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
