import { idxEntrySizeBytes } from '@holdfast/format';
import type { StoreEnvironment } from '@holdfast/store';
import type { KeptVolume } from '../restore/generations.js';
import {
  type ChangeCursor,
  formatChangeCursor,
  type IndexPlace,
  parseChangeCursor,
} from './change-cursor.js';
import { comparedChanges } from './compared-changes.js';
import { eventOf, type NeedleEvent } from './needle-change.js';
import { type Leg, nextLeg } from './next-leg.js';
import { assertPlace, openIndexAt } from './open-index.js';

/** An event, and the place behind it. */
export type NeedleChange = NeedleEvent & {
  /** Give it as `since` to go on behind this change: an opaque text, good while its generation is kept. */
  readonly cursor: string;
};

export interface ReadChangesOptions extends KeptVolume {
  /** The cursor of the last change that was dealt with. Default: from an empty volume, so that all that is live comes first. */
  readonly since?: string | undefined;
  /** Called when all that is committed was told; more is looked for when it resolves. Default: the changes end there. */
  readonly waitForMore?: (signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * What has changed in a followed volume, in an order that leads from each state to the next one: what was appended, entry
 * by entry; where the leader was compacted, the net changes that the new generation brought, by needle id. Takes no lock
 * and changes nothing: a follower is at work there, in this process or another. From one cursor the same changes come
 * with the same cursors each time. Memory: constant, and while generations are compared 28 bytes an entry of either.
 *
 * Error `not-covered` where the generation of `since` is not kept any more; `TypeError` for a text that is no cursor.
 */
export async function* readChanges(
  env: StoreEnvironment,
  options: ReadChangesOptions,
): AsyncGenerator<NeedleChange, void, undefined> {
  const { since, waitForMore, signal } = options;
  let cursor: ChangeCursor =
    since === undefined ? { told: undefined, toward: undefined } : parseChangeCursor(since);
  for (const place of [cursor.told, cursor.toward?.place])
    if (place !== undefined) await assertPlace(env, options, place, signal);
  while (true) {
    signal.throwIfAborted();
    const leg = await nextLeg(env, options, cursor, signal);
    if (leg !== undefined) cursor = { told: yield* changesOf(env, options, leg), toward: undefined };
    else if (waitForMore === undefined) return;
    else await waitForMore(signal);
  }
}

/** Gives the place at the end of the leg. */
function changesOf(
  env: StoreEnvironment,
  options: ReadChangesOptions,
  leg: Leg,
): AsyncGenerator<NeedleChange, IndexPlace, undefined> {
  return leg.kind === 'walk' ? walk(env, options, leg) : compare(env, options, leg);
}

async function* walk(
  env: StoreEnvironment,
  options: ReadChangesOptions,
  { from, toBytes }: Extract<Leg, { kind: 'walk' }>,
): AsyncGenerator<NeedleChange, IndexPlace, undefined> {
  const { signal } = options;
  const index = await openIndexAt(env, options, { ...from, idxSizeBytes: toBytes });
  let told = from;
  try {
    const entrySize = idxEntrySizeBytes(index.idx.offsetWidthBytes);
    for await (const entries of index.idx.walk({ fromEntry: from.idxSizeBytes / entrySize, signal })) {
      for (let i = 0; i < entries.count; i++) {
        signal.throwIfAborted();
        const bytes = entries.bytes.subarray(i * entrySize, (i + 1) * entrySize);
        const idxSizeBytes = told.idxSizeBytes + entrySize;
        told = { ...told, idxSizeBytes, idxCrc32c: env.crc32c(bytes, told.idxCrc32c) };
        const event = await eventOf(env, index, entries.entryAt(i));
        yield behind(event, { told, toward: undefined });
      }
    }
    return told;
  } finally {
    await index.close();
  }
}

async function* compare(
  env: StoreEnvironment,
  options: ReadChangesOptions,
  { from, to, afterNeedleId }: Extract<Leg, { kind: 'compare' }>,
): AsyncGenerator<NeedleChange, IndexPlace, undefined> {
  const { signal } = options;
  const before = from === undefined ? undefined : await openIndexAt(env, options, from);
  try {
    const after = await openIndexAt(env, options, to);
    try {
      for await (const event of comparedChanges(env, before, after, afterNeedleId, signal)) {
        const { needleId } = event;
        yield behind(event, { told: from, toward: { place: to, needleId } });
      }
    } finally {
      await after.close();
    }
  } finally {
    await before?.close();
  }
  return to;
}

function behind(event: NeedleEvent, cursor: ChangeCursor): NeedleChange {
  return { ...event, cursor: formatChangeCursor(cursor) };
}
