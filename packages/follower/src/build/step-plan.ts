import type { Tile, Tiling } from '@holdfast/index';
import type { ByteRange } from '@holdfast/protocol';
import type { Pool } from './pool.js';
import { findPoolRecord, type PoolRecord } from './pool-record.js';

/** Data up to here are never worth a range of their own: its asking and its frame cost as much. */
export const LEAST_REUSED_BYTES = 128;

/** A step of a build by ranges: what lies between the data of `reused` is fetched. */
export interface StepPlan {
  readonly startOffset: number;
  readonly endOffset: number;
  /** In the order of their places in the new file; the data of each lie wholly inside the step. */
  readonly reused: readonly PoolRecord[];
}

/** What a step may hold at most. */
export interface StepLimits {
  readonly fetchedBytes: number;
  /** Fetched or taken from the pool. */
  readonly fileBytes: number;
  readonly ranges: number;
  /** Data of a record that are shorter are fetched with what stands around them. */
  readonly leastReusedBytes: number;
}

/** The leader's data of a record. */
export function dataRange({ tile, dataStart, dataSizeBytes }: PoolRecord): ByteRange {
  return { offset: tile.offset + dataStart, lengthBytes: dataSizeBytes };
}

/** What a step fetches: one range more than it has records from the pool. Each begins and ends where data do. */
export function fetchedRanges({ startOffset, endOffset, reused }: StepPlan): readonly ByteRange[] {
  const ranges: ByteRange[] = [];
  let offset = startOffset;
  for (const record of reused) {
    const data = dataRange(record);
    ranges.push({ offset, lengthBytes: data.offset - offset });
    offset = data.offset + data.lengthBytes;
  }
  ranges.push({ offset, lengthBytes: endOffset - offset });
  return ranges;
}

/** Cuts a build into steps, front to back, with the figures of the moment. */
export class StepPlanner {
  readonly #tiles: Iterator<Tile>;
  readonly #pool: Pool | undefined;
  #tile: Tile | undefined;
  #offset: number;

  /** Without a pool everything is fetched. */
  constructor(tiling: Tiling, fromOffset: number, pool: Pool | undefined) {
    this.#tiles = tiling.tiles(fromOffset);
    this.#pool = pool;
    this.#offset = fromOffset;
    this.#next();
  }

  /** The next step, up to `endOffset` at most. It ends between records, or inside what is fetched. */
  async next(endOffset: number, limits: StepLimits): Promise<StepPlan> {
    const startOffset = this.#offset;
    const reused: PoolRecord[] = [];
    let fetchedBytes = 0;
    const isFull = () =>
      this.#offset >= endOffset ||
      fetchedBytes >= limits.fetchedBytes ||
      this.#offset - startOffset >= limits.fileBytes ||
      reused.length >= limits.ranges;
    while (this.#tile !== undefined && !isFull()) {
      const tile = this.#tile;
      const tileEnd = tile.offset + tile.lengthBytes;
      const record = tileEnd > endOffset ? undefined : await this.#find(tile, limits.leastReusedBytes);
      if (record === undefined) {
        const end = Math.min(tileEnd, endOffset, this.#offset + limits.fetchedBytes - fetchedBytes);
        fetchedBytes += end - this.#offset;
        this.#offset = end;
      } else {
        reused.push(record);
        fetchedBytes += tile.lengthBytes - record.dataSizeBytes;
        this.#offset = tileEnd;
      }
      if (this.#offset === tileEnd) this.#next();
    }
    return { startOffset, endOffset: this.#offset, reused };
  }

  async #find(tile: Tile, leastReusedBytes: number): Promise<PoolRecord | undefined> {
    const isWhole = this.#offset === tile.offset;
    if (tile.kind !== 'record' || !isWhole || tile.entry.sizeBytes < leastReusedBytes) return undefined;
    const record = this.#pool && (await findPoolRecord(this.#pool, tile));
    return record === undefined || record.dataSizeBytes < leastReusedBytes ? undefined : record;
  }

  #next(): void {
    const { done, value } = this.#tiles.next();
    this.#tile = done ? undefined : value;
  }
}
