import {
  type GenerationReader,
  isStoreError,
  listKeptGenerations,
  type StoreEnvironment,
} from '@holdfast/store';
import { type KeptVolume, openUnlessGone } from '../restore/generations.js';
import type { ChangeCursor, IndexPlace } from './change-cursor.js';
import { type IndexLengths, openIndexAt, placeOf } from './open-index.js';

/** The next part of the way to what is committed now. */
export type Leg =
  /** The entries that follow in the same index file. */
  | { readonly kind: 'walk'; readonly from: IndexPlace; readonly toBytes: number }
  /** Another index file: its live needles against those told, behind `afterNeedleId`. */
  | {
      readonly kind: 'compare';
      readonly from: IndexPlace | undefined;
      readonly to: IndexPlace;
      readonly afterNeedleId: bigint | undefined;
    };

/** `undefined` where all that is committed has been told. */
export async function nextLeg(
  env: StoreEnvironment,
  volume: KeptVolume,
  { told, toward }: ChangeCursor,
  signal: AbortSignal,
): Promise<Leg | undefined> {
  if (toward !== undefined)
    return { kind: 'compare', from: told, to: toward.place, afterNeedleId: toward.needleId };
  // Listed before anything is opened: what has a successor in the list does not grow any more.
  const kept = await listKeptGenerations(env, volume);
  if (told === undefined) {
    const current = kept.find(({ isCurrent }) => isCurrent);
    return current && (await legTo(env, volume, undefined, current.id, lastOf, signal));
  }
  const { reader, close } = await openIndexAt(env, volume, told);
  try {
    const lengths = await lengthsAfter(reader, told, signal);
    if (lengths?.indexSerial === told.indexSerial)
      return { kind: 'walk', from: told, toBytes: lengths.idxSizeBytes };
    if (lengths !== undefined) return await compareWith(env, reader, told, lengths, signal);
  } finally {
    await close();
  }
  for (const { id } of kept.filter(({ id }) => id > told.generation)) {
    const leg = await legTo(env, volume, told, id, firstOf, signal);
    if (leg !== undefined) return leg;
  }
  return undefined;
}

/** What of the generation comes behind the place: more of the same index, or the first state of the next one. */
async function lengthsAfter(
  reader: GenerationReader,
  told: IndexPlace,
  signal: AbortSignal,
): Promise<IndexLengths | undefined> {
  const present = lastOf(reader);
  if (present.indexSerial === told.indexSerial)
    return present.idxSizeBytes > told.idxSizeBytes ? present : undefined;
  let end: IndexLengths | undefined;
  for await (const line of reader.history(signal)) {
    if (line.indexSerial > told.indexSerial) return end ?? line;
    if (line.indexSerial === told.indexSerial && line.idxSizeBytes > told.idxSizeBytes) end = line;
  }
  return end ?? present;
}

/** A generation that is gone before it is opened leads nowhere. */
async function legTo(
  env: StoreEnvironment,
  volume: KeptVolume,
  from: IndexPlace | undefined,
  generation: number,
  lengthsOf: (reader: GenerationReader, signal: AbortSignal) => IndexLengths | Promise<IndexLengths>,
  signal: AbortSignal,
): Promise<Leg | undefined> {
  const reader = await openUnlessGone(env, volume, generation);
  if (reader === undefined) return undefined;
  try {
    return await compareWith(env, reader, from, await lengthsOf(reader, signal), signal);
  } catch (error) {
    if (isStoreError(error, 'not-found')) return undefined;
    throw error;
  } finally {
    await reader.close();
  }
}

async function compareWith(
  env: StoreEnvironment,
  reader: GenerationReader,
  from: IndexPlace | undefined,
  lengths: IndexLengths,
  signal: AbortSignal,
): Promise<Leg> {
  return { kind: 'compare', from, to: await placeOf(env, reader, lengths, signal), afterNeedleId: undefined };
}

/** As it was swapped in. */
async function firstOf(reader: GenerationReader, signal: AbortSignal): Promise<IndexLengths> {
  for await (const line of reader.history(signal)) return line;
  return lastOf(reader);
}

function lastOf({ indexSerial, position: { idxSizeBytes } }: GenerationReader): IndexLengths {
  return { indexSerial, idxSizeBytes };
}
