import type { GenerationPosition, LeaderCopyId, VolumeHome } from '@holdfast/store';
import type { Dice } from '../../../schedule/dice.js';

export const DIRECTORY = '/d';
export const VOLUME = { volumeId: 7, collection: '' };
const ROW_BYTES = 17;

/** One commit of a generation, and the index file that it counts in. */
export interface ModelCommit {
  readonly datSizeBytes: number;
  readonly idxSizeBytes: number;
  readonly serial: number;
}

/** A generation as it was asked to be. */
export interface ModelGeneration {
  readonly id: number;
  readonly dat: Uint8Array;
  /** By serial number. */
  readonly indexes: readonly Uint8Array[];
  readonly commits: readonly ModelCommit[];
  readonly isHeld: boolean;
  /** Of a former one. */
  readonly replacedAtMs: number | undefined;
}

/** A build as far as it was made durable. */
export interface ModelBuild {
  readonly id: number;
  readonly dat: Uint8Array;
  /** Whether somebody was told: what a change that was cut short has left may go. */
  readonly isTold: boolean;
}

/** What a home was asked to hold: values, so that a state before and one after a change stand side by side. */
export interface ModelHome {
  readonly current: ModelGeneration | undefined;
  readonly former: readonly ModelGeneration[];
  readonly build: ModelBuild | undefined;
  /** All that builds were ever to be: of one that was overtaken there may be a beginning again when the newer one is gone. */
  readonly begun: readonly Uint8Array[];
}

export const EMPTY_MODEL: ModelHome = { current: undefined, former: [], build: undefined, begun: [] };

export function serialOf({ indexes }: ModelGeneration): number {
  return indexes.length - 1;
}

export function idxOf({ indexes }: ModelGeneration): Uint8Array {
  return indexes.at(-1)!;
}

/** The number of what a change makes, until it is looked at: a change that was cut short may have used some up. */
export const UNKNOWN_ID = 0;

/** Whatever the change has made, by the numbers that it has in the home. */
export function withIds(model: ModelHome, home: Pick<VolumeHome, 'held' | 'unfinished'>): ModelHome {
  const { current, build } = model;
  const named = <T extends { readonly id: number }>(
    it: T | undefined,
    id: number | undefined,
  ): T | undefined => (it?.id === UNKNOWN_ID ? { ...it, id: id ?? UNKNOWN_ID } : it);
  return { ...model, current: named(current, home.held?.id), build: named(build, home.unfinished?.id) };
}

export function withCommit(generation: ModelGeneration, dat: Uint8Array, indexes: readonly Uint8Array[]) {
  const next = { ...generation, dat, indexes };
  const commit = { datSizeBytes: dat.length, idxSizeBytes: idxOf(next).length, serial: serialOf(next) };
  return { ...next, commits: [...generation.commits, commit] };
}

/** Mostly a few bytes, sometimes more than a block that has a digest of its own. */
export function someBytes(dice: Dice): Uint8Array {
  return dice.bytes(
    8 *
      dice.pick([
        [6, 1 + dice.below(80)],
        [2, dice.below(2000)],
        [1, 5000 + dice.below(8000)],
      ]),
  );
}

export function someRows(dice: Dice): Uint8Array {
  return dice.bytes(ROW_BYTES * dice.below(12));
}

const LEADER_COPY: LeaderCopyId = { server: 'leader', ...VOLUME };
const SAME = {
  leaderCopy: LEADER_COPY,
  lineageId: null,
  revision: 0,
  version: 3,
  offsetWidthBytes: 5,
} as const;

export function targetOf(dat: Uint8Array, idx: Uint8Array) {
  const sizes = { datSizeBytes: dat.length, idxSizeBytes: idx.length };
  return { ...SAME, ...sizes, anchorOffset: 0, anchorBase64: 'AAAA', usesPool: true };
}

/** Each commit has a stamp of its own, so that no two of them are the same state. */
export function positionOf(dat: Uint8Array, idx: Uint8Array, commits: number): GenerationPosition {
  return {
    ...SAME,
    datSizeBytes: dat.length,
    idxSizeBytes: idx.length,
    proofOffset: 0,
    lastAppendAtNs: `${1000 + commits}`,
    liveNeedles: 0,
    greatestLiveNeedles: 0,
    countedIdxSizeBytes: null,
    leaderTailBytes: 0,
    leaderDamage: [],
  };
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export async function* oneAfterAnother(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
}
