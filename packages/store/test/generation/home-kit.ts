import type { VolumeName } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import type { BuildTarget, GenerationPosition } from '../../src/generation/position.js';
import type { HeldGeneration, VolumeHome } from '../../src/generation/volume-home.js';

export const VOLUME: VolumeName = { collection: 'pictures', volumeId: 7 };
export const BASE = 'pictures_7';
const LEADER_COPY = { server: '127.0.0.1:8080', volumeId: 7, collection: 'pictures' };

/** Bytes that differ from seed to seed and do not repeat within a block. */
export function patterned(seed: number, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  let state = (seed * 2654435761 + 12345) >>> 0;
  for (let at = 0; at < lengthBytes; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** A copy with one bit of the byte at `at` changed. */
export function changed(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}

export function positionOf(datSizeBytes: number, idxSizeBytes: number, revision = 0): GenerationPosition {
  return {
    leaderCopy: LEADER_COPY,
    lineageId: null,
    revision,
    version: 3,
    offsetWidthBytes: 5,
    datSizeBytes,
    idxSizeBytes,
    proofOffset: 0,
    lastAppendAtNs: String(datSizeBytes),
    liveNeedles: 1,
    greatestLiveNeedles: 1,
    countedIdxSizeBytes: null,
    leaderTailBytes: 0,
    leaderDamage: [],
  };
}

export function targetOf(datSizeBytes: number, idxSizeBytes: number, revision = 0): BuildTarget {
  return {
    leaderCopy: LEADER_COPY,
    lineageId: null,
    revision,
    version: 3,
    offsetWidthBytes: 5,
    datSizeBytes,
    idxSizeBytes,
    anchorOffset: 0,
    anchorBase64: '',
    usesPool: true,
  };
}

export async function* chunksOf(bytes: Uint8Array, chunkBytes = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

export async function allOf(source: RandomAccess): Promise<Uint8Array> {
  return source.readAt(0, await source.sizeBytes());
}

export function vifOf(revision: number): string {
  return `{"version":3,"compactRevision":${revision}}`;
}

/** A whole build: index, data in two commits, swap. */
export async function build(
  home: VolumeHome,
  dat: Uint8Array,
  idx: Uint8Array,
  revision = 0,
): Promise<HeldGeneration> {
  const unfinished = await home.beginBuild(targetOf(dat.length, idx.length, revision));
  await unfinished.writeIndex(chunksOf(idx));
  const half = dat.length >> 1;
  await unfinished.write(dat.subarray(0, half));
  await unfinished.commitTo(half);
  await unfinished.write(dat.subarray(half));
  await unfinished.commitTo(dat.length);
  return unfinished.swapIn(positionOf(dat.length, idx.length, revision), vifOf(revision));
}

/** One append of `dat` with the entries `idx`, committed. */
export async function append(held: HeldGeneration, dat: Uint8Array, idx: Uint8Array): Promise<void> {
  await held.beginAppend();
  await held.write(dat);
  const { datSizeBytes, idxSizeBytes, revision } = held.position;
  await held.commit(idx, positionOf(datSizeBytes + dat.length, idxSizeBytes + idx.length, revision));
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const element of source) all.push(element);
  return all;
}

/** Far faster over large arrays than an assertion that compares element by element. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}
