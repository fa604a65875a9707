import {
  type Crc32c,
  FormatError,
  type FramedRecord,
  NeedleFramer,
  recordSizeOfEntry,
} from '@holdfast/format';
import type { Tile } from '@holdfast/index';

type RecordTile = Extract<Tile, { kind: 'record' }>;
export type SuspectTile = Exclude<Tile, { kind: 'gap' }>;

/**
 * Checks a `.dat` against the tiles of its index as the bytes pass, in file order. A record tile must hold exactly
 * the record that its entry speaks of, its CRC right; those that do not are kept as suspects. Gaps are not judged.
 */
export class TileCheck {
  readonly #tiles: Iterator<Tile>;
  readonly #crc32c: Crc32c;
  #tile: Tile | undefined;
  #framer: NeedleFramer | undefined;
  #framedVersion: RecordTile['version'] = 3;
  #offset = 0;
  readonly suspects: SuspectTile[] = [];
  lastDataOffset: number | undefined;
  lastAppendAtNs: bigint | undefined;
  /** The end of the last record tile that has passed. */
  recordsEnd = 0;

  constructor(tiles: Iterator<Tile>, crc32c: Crc32c) {
    this.#tiles = tiles;
    this.#crc32c = crc32c;
    this.#next();
  }

  /** How many bytes have passed. */
  get offset(): number {
    return this.#offset;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const tile = this.#tile;
      if (tile === undefined) {
        this.#offset += chunk.length - at;
        return;
      }
      const end = tile.offset + tile.lengthBytes;
      const take = Math.min(chunk.length - at, end - this.#offset);
      if (tile.kind === 'record') this.#frame(tile, chunk.subarray(at, at + take));
      this.#offset += take;
      at += take;
      if (this.#offset === end) this.#close(tile);
    }
  }

  #frame(tile: RecordTile, part: Uint8Array): void {
    if (this.#offset === tile.offset) this.#framer = this.#framerAt(tile);
    if (this.#framer === undefined) return;
    try {
      const [record] = this.#framer.push(part);
      if (record === undefined) return;
      if (isExpected(record, tile)) this.#note(record);
      else this.#suspect();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#suspect();
    }
  }

  /** One framer serves a run of neighbouring records of one layout. */
  #framerAt({ offset, version }: RecordTile): NeedleFramer {
    const framer = this.#framer;
    const isReady = framer?.boundaryOffset === offset && framer.pendingBytes === 0;
    if (isReady && this.#framedVersion === version) return framer;
    this.#framedVersion = version;
    const options = { version, startOffset: offset, crc32c: this.#crc32c };
    return new NeedleFramer({ ...options, collect: 'headers' });
  }

  #note(record: FramedRecord): void {
    if (record.header.sizeBytes > 0) this.lastDataOffset = record.offset;
    this.lastAppendAtNs = record.appendAtNs;
  }

  /** Without a framer the rest of the tile passes unread, and its end makes it a suspect. */
  #suspect(): void {
    this.#framer = undefined;
  }

  #close(tile: Tile): void {
    if (tile.kind === 'record') {
      const isWhole = this.#framer?.boundaryOffset === this.#offset;
      if (!isWhole) {
        this.#framer = undefined;
        this.suspects.push(tile);
      }
      this.recordsEnd = this.#offset;
    } else if (tile.kind === 'overlap') {
      this.suspects.push(tile);
      this.recordsEnd = this.#offset;
    }
    this.#next();
  }

  #next(): void {
    const { done, value } = this.#tiles.next();
    this.#tile = done ? undefined : value;
  }
}

function isExpected(record: FramedRecord, { offset, entry }: RecordTile): boolean {
  return (
    record.isCrcValid &&
    record.offset === offset &&
    record.header.needleId === entry.needleId &&
    record.header.sizeBytes === recordSizeOfEntry(entry.sizeBytes)
  );
}
