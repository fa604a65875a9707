import { isStoreError, StoreError } from '../errors.js';
import type { CheckedFields } from './checked-fields.js';
import {
  type HomeContext,
  readCurrent,
  readPosition,
  unlessDamaged,
  writeCurrent,
  writePosition,
} from './home-records.js';
import type { HomeLayout } from './layout.js';
import { decodePositionRecord, encodePositionRecord, type PositionRecord } from './position-record.js';
import { type Json, readSealed, writeSealed } from './sealed-file.js';
import { exists, listIfThere, parentOf, removeIfThere } from './small-file.js';

/**
 * Files that take over names in DIR, together with the position that they make true. `generation`: the files of a new
 * generation, those of `formerId` (if there are any) being kept in its directory. `index`: another index file for the
 * same `.dat`. Durable before the first name changes, it lets a swap that was cut short be completed at any later time.
 */
export type Swap =
  | {
      readonly kind: 'generation';
      readonly id: number;
      readonly formerId: number | null;
      readonly replacedAtMs: number;
      readonly record: PositionRecord;
    }
  | {
      readonly kind: 'index';
      readonly id: number;
      readonly fromSerial: number;
      readonly record: PositionRecord;
    };

/** One name in DIR: what it will be of, and where what has it now is kept. */
interface Exchange {
  readonly live: string;
  readonly incoming: string;
  readonly kept: string | undefined;
}

/** Paths come from ids and serial numbers alone: a marker cannot name a file outside the volume's own. */
function exchangesOf(layout: HomeLayout, swap: Swap): readonly Exchange[] {
  const incoming = layout.generation(swap.id);
  if (swap.kind === 'index') {
    const serial = swap.record.indexSerial;
    return [{ live: layout.idx, incoming: incoming.idxOf(serial), kept: incoming.idxOf(swap.fromSerial) }];
  }
  const kept = swap.formerId === null ? undefined : layout.generation(swap.formerId);
  return [
    { live: layout.dat, incoming: incoming.dat, kept: kept?.dat },
    { live: layout.idx, incoming: incoming.idx, kept: kept?.idx },
    { live: layout.vif, incoming: incoming.vif, kept: kept?.vif },
  ];
}

/**
 * Exchanges the files under the names in DIR. The incoming files and the directory that they are in must be durable.
 * The order, which recovery rests on:
 *
 * 1. what has the names now gets second names, durably (where there are no links: in step 3, by renaming);
 * 2. the marker, durably. Before it a crash undoes the swap, from here on recovery completes it;
 * 3. the renames, durably in each directory that they touch;
 * 4. the position, and `current`: only now is the new state the one that counts;
 * 5. the marker goes.
 */
export async function runSwap(context: HomeContext, swap: Swap): Promise<void> {
  const { env, layout, assertLocked } = context;
  await keepByLinks(context, swap);
  await writeSealed(env, layout.swap, encodeSwap(swap), assertLocked);
  await completeSwap(context, swap);
}

async function keepByLinks(context: HomeContext, swap: Swap): Promise<void> {
  const { disk } = context.env;
  const linked: string[] = [];
  const exchanges = exchangesOf(context.layout, swap);
  for (const { kept } of exchanges) if (kept !== undefined) await removeIfThere(disk, kept);
  for (const { live, kept } of exchanges) {
    if (kept === undefined || !(await exists(disk, live))) continue;
    try {
      await disk.link(live, kept);
      linked.push(kept);
    } catch (error) {
      if (!isStoreError(error, 'links-unsupported')) throw error;
      // All or none: a name that is kept by a rename must not stand beside one that is kept by a link.
      for (const path of linked) await disk.remove(path);
      return;
    }
  }
  for (const directory of new Set(linked.map(parentOf))) await disk.syncDirectory(directory);
}

/** Steps 3 to 5 of `runSwap`, from wherever they were left. */
async function completeSwap(context: HomeContext, swap: Swap): Promise<void> {
  const { env, layout, assertLocked } = context;
  const { disk } = env;
  const directories = new Set([layout.directory]);
  for (const { live, incoming, kept } of exchangesOf(layout, swap)) {
    directories.add(parentOf(incoming));
    if (!(await exists(disk, incoming))) continue;
    if (kept !== undefined && !(await exists(disk, kept)) && (await exists(disk, live))) {
      await disk.rename(live, kept);
      await disk.syncDirectory(parentOf(kept));
      await disk.syncDirectory(layout.directory);
    }
    await disk.rename(incoming, live);
  }
  for (const directory of directories) await disk.syncDirectory(directory);

  if (swap.kind === 'generation' && swap.formerId !== null) {
    const { former } = layout.generation(swap.formerId);
    await writeSealed(env, former, { replacedAtMs: swap.replacedAtMs }, assertLocked);
  }
  await writePosition(context, swap.id, swap.record);
  if (swap.kind === 'generation') {
    await writeCurrent(context, swap.id);
    await removeIfThere(disk, layout.generation(swap.id).build);
    await disk.syncDirectory(layout.generation(swap.id).directory);
  }
  await disk.remove(layout.swap);
  await disk.syncDirectory(layout.home);
}

/** Completes or undoes a swap that a crash cut short. */
export async function recoverSwap(context: HomeContext): Promise<'none' | 'rolled-forward' | 'rolled-back'> {
  const { env, layout } = context;
  let swap: Swap | undefined;
  try {
    swap = await readSealed(env, layout.swap, decodeSwap);
  } catch (error) {
    if (!isStoreError(error, 'position-damaged')) throw error;
    await undoSwap(context);
    return 'rolled-back';
  }
  if (swap === undefined) return (await removeSecondNames(context)) ? 'rolled-back' : 'none';
  // One that is seen may not be durable yet, if the process before ended on a failed sync.
  await env.disk.syncDirectory(layout.home);
  await completeSwap(context, swap);
  return 'rolled-forward';
}

/** The names under which files of the current generation are kept while they are exchanged, with those in DIR. */
async function keptNames(context: HomeContext): Promise<readonly { live: string; kept: string }[]> {
  const { env, layout } = context;
  const id = await unlessDamaged(readCurrent(env, layout), undefined);
  if (id === undefined) return [];
  const own = layout.generation(id);
  const record = await unlessDamaged(readPosition(env, layout, id), undefined);
  const names = [
    { live: layout.dat, kept: own.dat },
    { live: layout.idx, kept: own.idx },
    { live: layout.vif, kept: own.vif },
  ];
  if (record !== undefined) names.push({ live: layout.idx, kept: own.idxOf(record.indexSerial) });
  return names;
}

/** The marker is unreadable: what `current` says is the state that counts, and its files are where they were kept. */
async function undoSwap(context: HomeContext): Promise<void> {
  const { env, layout } = context;
  for (const { live, kept } of await keptNames(context)) {
    if (!(await exists(env.disk, kept))) continue;
    await env.disk.rename(kept, live);
    // A rename between two names of one file leaves both.
    await removeIfThere(env.disk, kept);
    await env.disk.syncDirectory(layout.directory);
    await env.disk.syncDirectory(parentOf(kept));
  }
  await env.disk.remove(layout.swap);
  await env.disk.syncDirectory(layout.home);
}

/** No marker, so no name in DIR has changed: second names given before the crash go. Whether there were any. */
async function removeSecondNames(context: HomeContext): Promise<boolean> {
  const { env, layout } = context;
  const { disk } = env;
  const id = await unlessDamaged(readCurrent(env, layout), undefined);
  if (id === undefined) return false;
  // Every opening comes by here, and hardly any finds one.
  const names = await listIfThere(disk, layout.generation(id).directory);
  if (!names.some((name) => name.startsWith(`${layout.baseName}.`))) return false;
  let wereAny = false;
  for (const { live, kept } of await keptNames(context)) {
    const [keptStat, liveStat] = [await disk.stat(kept), await disk.stat(live)];
    if (keptStat === undefined || keptStat.fileKey !== liveStat?.fileKey) continue;
    await disk.remove(kept);
    wereAny = true;
  }
  return wereAny;
}

function encodeSwap(swap: Swap): Json {
  return { ...swap, record: encodePositionRecord(swap.record) };
}

function decodeSwap(fields: CheckedFields): Swap {
  const kind = fields.text('kind', /^(generation|index)$/);
  const id = fields.integer('id');
  const record = decodePositionRecord(fields.object('record'));
  if (id === 0) throw new StoreError('position-damaged', 'a swap marker names no generation');
  if (kind === 'index') return { kind, id, fromSerial: fields.integer('fromSerial'), record };
  return {
    kind: 'generation',
    id,
    formerId: fields.integerOrNull('formerId'),
    replacedAtMs: fields.integer('replacedAtMs'),
    record,
  };
}
