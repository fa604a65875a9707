import type { VolumeName } from '@holdfast/format';
import { type GenerationReader, listKeptGenerations, openGenerationReader } from '@holdfast/store';
import { Violation } from '../oracles/violation.js';
import type { CrashProcess } from './crash-scenario.js';

export const DIRECTORY = '/d';
export const VOLUME: VolumeName = { collection: '', volumeId: 7 };
export const DAT = `${DIRECTORY}/7.dat`;
export const IDX = `${DIRECTORY}/7.idx`;

/** The two files of a volume at one moment. */
export interface VolumeBytes {
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
}

/** Every generation that is listed as kept has all its blocks. Gives the one in use. */
export async function readSoundCopy({ env }: CrashProcess): Promise<VolumeBytes | undefined> {
  let current: VolumeBytes | undefined;
  for (const { id, isCurrent } of await listKeptGenerations(env, { directory: DIRECTORY, volume: VOLUME })) {
    const which = { directory: DIRECTORY, volume: VOLUME, generation: id };
    const reader = await openGenerationReader(env, which);
    try {
      const bytes = await readAll(reader, id);
      if (isCurrent) current = bytes;
    } finally {
      await reader.close();
    }
  }
  return current;
}

async function readAll(reader: GenerationReader, id: number): Promise<VolumeBytes> {
  for await (const { file, offset } of reader.checkDigests())
    throw new Violation(
      'prefix safety',
      `generation ${id} whole`,
      `another block at ${offset} of its ${file}`,
    );
  const { datSizeBytes, idxSizeBytes } = reader.position;
  let last: { readonly datSizeBytes: number; readonly idxSizeBytes: number } | undefined;
  for await (const line of reader.history()) last = line;
  if (last?.datSizeBytes !== datSizeBytes || last.idxSizeBytes !== idxSizeBytes)
    throw new Violation(
      'history',
      'the position as its last state',
      `${last?.datSizeBytes}, ${last?.idxSizeBytes}`,
    );
  return { dat: await reader.dat.readAt(0, datSizeBytes), idx: await reader.idx.readAt(0, idxSizeBytes) };
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

export function isBeginning(of: Uint8Array, beginning: Uint8Array): boolean {
  return isSame(of.subarray(0, beginning.length), beginning);
}
