import type { IdxEntry, Version } from '@holdfast/format';
import { type Claims, type CollectClaimsInput, collectClaims } from './claims.js';
import type { IdxFile } from './idx-file.js';
import type { RecordProof } from './record-proof.js';

/** Entries named in a report of damage; more are only counted. */
const MAX_NAMED_ENTRIES = 16;
/** The default of `maxProofs`. */
export const DEFAULT_MAX_PROOFS = 10_000;

/** A part of [0, T). Tiles follow one another without gap or overlap. */
export type Tile =
  /**
   * One entry claims this as its record. Whether it is really there, the header tells when its bytes arrive
   * (`headerFitsEntry`); where it does not, the region is damaged.
   */
  | {
      readonly kind: 'record';
      readonly offset: number;
      readonly lengthBytes: number;
      /** The layout of the record, told by its place. */
      readonly version: Version;
      readonly entry: IdxEntry;
      readonly entryIndex: number;
    }
  /** No entry covers this: the super block, and whatever the index lacks. */
  | { readonly kind: 'gap'; readonly offset: number; readonly lengthBytes: number }
  /** Entries whose records are really there, and lie across one another: damaged. At most 16 are named. */
  | {
      readonly kind: 'overlap';
      readonly offset: number;
      readonly lengthBytes: number;
      readonly entries: readonly IdxEntry[];
    };

/** [0, T) as an index divides it. */
export interface Tiling {
  readonly datSizeBytes: number;
  /** Claims that count. */
  readonly claimCount: number;
  /** Entries whose record would end behind the tail, wholly or in part. */
  readonly pastEndCount: number;
  /** Entries in the way of others whose record is not there. At most 16 are named. */
  readonly misfits: readonly IdxEntry[];
  readonly misfitCount: number;
  /** The tiles that end behind `fromOffset` (default 0), in order; a gap is cut to begin there. */
  tiles(fromOffset?: number): Generator<Tile, void, undefined>;
}

export interface TilingInput extends CollectClaimsInput {
  /** Asked only of claims that overlap, and where a 4-byte offset may have wrapped. */
  readonly prove: RecordProof;
  /** After so many proofs of overlapping claims no more are asked for: the rest counts. Default `DEFAULT_MAX_PROOFS`. */
  readonly maxProofs?: number;
}

/**
 * Tiles [0, T) by an index that belongs to exactly that tail. Almost all is planned without looking at the `.dat`;
 * where entries contradict one another, those count whose record is really there. At most 40 bytes an entry.
 */
export async function tileByIndex(idx: IdxFile, input: TilingInput): Promise<Tiling> {
  const claims = await collectClaims(idx, input);
  const misfits: IdxEntry[] = [];
  const misfitCount = await dropMisfits(claims, input, misfits);
  return {
    datSizeBytes: claims.datSizeBytes,
    claimCount: claims.count,
    pastEndCount: claims.pastEndCount,
    misfits,
    misfitCount,
    tiles: (fromOffset = 0) => tilesOf(claims, fromOffset),
  };
}

/** Drops the claims that overlap another one and cannot be proved; gives their number, and the first ones' entries. */
async function dropMisfits(claims: Claims, input: TilingInput, named: IdxEntry[]): Promise<number> {
  const { prove, signal, maxProofs = DEFAULT_MAX_PROOFS } = input;
  const refuted = new Set<number>();
  let proofs = 0;
  for (let k = 0; k < claims.count; ) {
    const last = clusterEnd(claims, k);
    for (; last > k + 1 && k < last && proofs < maxProofs; k++) {
      signal?.throwIfAborted();
      proofs++;
      const entry = claims.entryOf(k);
      if (await prove(entry)) continue;
      refuted.add(k);
      if (named.length < MAX_NAMED_ENTRIES) named.push(entry);
    }
    k = last;
  }
  if (refuted.size > 0) claims.drop(refuted);
  return refuted.size;
}

/** The claims from k on that hang together by overlapping: the number of the first one that does not. */
function clusterEnd(claims: Claims, k: number): number {
  let end = claims.endOf(k);
  let next = k + 1;
  for (; next < claims.count && claims.offsetOf(next) < end; next++) end = Math.max(end, claims.endOf(next));
  return next;
}

function* tilesOf(claims: Claims, fromOffset: number): Generator<Tile, void, undefined> {
  let offset = fromOffset;
  for (let k = 0; k < claims.count; ) {
    const next = clusterEnd(claims, k);
    const tile = claimedTile(claims, k, next);
    const end = tile.offset + tile.lengthBytes;
    if (end > fromOffset) {
      if (tile.offset > offset) yield { kind: 'gap', offset, lengthBytes: tile.offset - offset };
      yield tile;
      offset = end;
    }
    k = next;
  }
  if (claims.datSizeBytes > offset) yield { kind: 'gap', offset, lengthBytes: claims.datSizeBytes - offset };
}

function claimedTile(claims: Claims, from: number, to: number): Tile {
  const offset = claims.offsetOf(from);
  if (to === from + 1) {
    return {
      kind: 'record',
      offset,
      lengthBytes: claims.endOf(from) - offset,
      version: claims.versionOf(from),
      entry: claims.entryOf(from),
      entryIndex: claims.entryIndexOf(from),
    };
  }
  let end = offset;
  const entries: IdxEntry[] = [];
  for (let k = from; k < to; k++) {
    end = Math.max(end, claims.endOf(k));
    if (entries.length < MAX_NAMED_ENTRIES) entries.push(claims.entryOf(k));
  }
  return { kind: 'overlap', offset, lengthBytes: end - offset, entries };
}
