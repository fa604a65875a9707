import type { DiskFile } from '../disk.js';
import { isStoreError, StoreError } from '../errors.js';
import type { HeldFiles } from './held-generation.js';
import { mendHistory } from './history.js';
import {
  type HomeContext,
  readAppendNote,
  readPosition,
  unlessDamaged,
  writePosition,
} from './home-records.js';
import { type CommittedFile, type Identified, identifyFile, settleFile } from './identify.js';
import type { PositionRecord } from './position-record.js';
import { exists, removeIfThere } from './small-file.js';
import { keepStray } from './strays.js';
import type { HomeRecovery } from './volume-home.js';

export type RecoveredHeld =
  | { readonly files: HeldFiles; readonly cutBytes: number; readonly strays: readonly string[] }
  | {
      readonly files: undefined;
      readonly notHeld: NonNullable<HomeRecovery['notHeld']>;
      /** What was committed in files that are not as they were then. */
      readonly record?: PositionRecord;
      readonly strays: readonly string[];
    };

/** What is known before the held files are looked at. */
interface HeldBefore {
  readonly takeOver: boolean;
  /** No note of an open append is there. */
  readonly isInOrder: boolean;
  /** Everything that is seen is durable, and the history whole. */
  readonly isSettled: boolean;
}

/** One of the two files in DIR, and what was found of it. */
export interface OpenFile {
  readonly kind: 'dat' | 'idx';
  readonly file: DiskFile;
  readonly committed: CommittedFile;
  readonly found: Identified;
}

/**
 * Finds out whether the files in DIR are what the position of generation `id` says, cuts what lies behind, and opens
 * them. What was not ours to cut is kept in `strays/` first. Error `directory-served` where committed blocks have changed
 * and somebody else's bytes lie behind them, unless `takeOver`.
 */
export async function recoverHeld(
  context: HomeContext,
  id: number | undefined,
  { takeOver, isInOrder, isSettled }: HeldBefore,
): Promise<RecoveredHeld> {
  const { env, layout } = context;
  const { disk } = env;
  if (!(await exists(disk, layout.dat))) return { files: undefined, notHeld: 'no-files', strays: [] };
  if (id === undefined) return { files: undefined, notHeld: 'foreign-files', strays: [] };
  const record = await unlessDamaged(readPosition(env, layout, id), undefined);
  if (record === undefined) return { files: undefined, notHeld: 'position-damaged', strays: [] };
  if (!isSettled) {
    // A rename that is seen may not be durable yet, if the process before ended on a failed sync.
    await disk.syncDirectory(layout.generation(id).directory);
    await disk.syncDirectory(layout.home);
    await disk.syncDirectory(layout.directory);
  }
  const hasNote = !isInOrder && (await unlessDamaged(readAppendNote(env, layout), undefined)) === id;
  const opened = await openCommitted(context, id, record, 'write');
  if (opened === undefined) return { files: undefined, notHeld: 'digests-differ', record, strays: [] };
  try {
    return await settle(context, id, record, opened, { hasNote, takeOver, isInOrder, isSettled });
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** The files in DIR, compared with what the position of generation `id` says of them; `undefined` where there is no index. */
export async function openCommitted(
  context: HomeContext,
  id: number,
  record: PositionRecord,
  mode: 'read' | 'write',
): Promise<readonly OpenFile[] | undefined> {
  const { env, layout } = context;
  const opened: OpenFile[] = [];
  try {
    for (const [kind, committed] of Object.entries(committedFiles(context, id, record))) {
      const file = await env.disk.open(committed.path, { mode });
      try {
        const found = await identifyFile(env, file, committed);
        opened.push({ kind: kind as OpenFile['kind'], file, committed, found });
      } catch (error) {
        await file.close();
        throw error;
      }
    }
    return opened;
  } catch (error) {
    await closeAll(opened);
    if (isStoreError(error, 'not-found') && error.path === layout.idx) return undefined;
    throw error;
  }
}

/**
 * Whether they are what was committed. Error `directory-served` where committed blocks have changed and bytes lie behind
 * them that are not ours: a note of ours says that they are.
 */
export function isAllHeld(
  context: HomeContext,
  opened: readonly OpenFile[],
  { hasNote, takeOver }: { readonly hasNote: boolean; readonly takeOver: boolean },
): boolean {
  const isHeld = opened.every(({ found }) => found.isHeld);
  const isBehind = opened.some(({ found }) => found.bytesBehind > 0);
  if (!isHeld && isBehind && !hasNote && !takeOver) throw served(context, opened);
  return isHeld;
}

function committedFiles(
  context: HomeContext,
  id: number,
  record: PositionRecord,
): Readonly<Record<'dat' | 'idx', CommittedFile>> {
  const { layout } = context;
  const own = layout.generation(id);
  return {
    dat: {
      path: layout.dat,
      digestsPath: own.datDigests,
      committedBytes: record.position.datSizeBytes,
      identity: record.dat,
    },
    idx: {
      path: layout.idx,
      digestsPath: own.idxDigests(record.indexSerial),
      committedBytes: record.position.idxSizeBytes,
      identity: record.idx,
    },
  };
}

export async function closeAll(opened: readonly OpenFile[]): Promise<void> {
  for (const { file } of opened) await file.close();
}

async function settle(
  context: HomeContext,
  id: number,
  record: PositionRecord,
  opened: readonly OpenFile[],
  { hasNote, takeOver, isInOrder, isSettled }: HeldBefore & { readonly hasNote: boolean },
): Promise<RecoveredHeld> {
  const { env, layout } = context;
  const isHeld = isAllHeld(context, opened, { hasNote, takeOver });
  const behind = opened.filter(({ found }) => found.bytesBehind > 0);
  const strays: string[] = [];
  if (!hasNote || !isHeld) {
    for (const { kind, file, committed } of behind)
      strays.push(await keepStray(context, kind, file, committed.committedBytes));
  }
  if (!isHeld) {
    await closeAll(opened);
    return { files: undefined, notHeld: 'digests-differ', record, strays };
  }

  const isUntouched = opened.every(({ found }) => found.isUntouched);
  let settled = record;
  if (hasNote || !isUntouched) {
    const identities: Partial<Record<OpenFile['kind'], PositionRecord['dat']>> = {};
    for (const { kind, file, committed } of opened) {
      await settleFile(file, committed.committedBytes);
      const { fileKey, mtimeNs } = await file.stat();
      identities[kind] = { ...committed.identity, fileKey, mtimeNs };
    }
    settled = { ...record, ...identities };
    await writePosition(context, id, settled);
  }
  if (!isSettled) await mendHistory(env, layout.generation(id).history, settled);
  if (!isInOrder && (await removeIfThere(env.disk, layout.append))) await env.disk.syncDirectory(layout.home);
  const [dat, idx] = opened;
  return {
    files: { id, record: settled, dat: dat!.file, idx: idx!.file },
    cutBytes: behind.reduce((sum, { found }) => sum + found.bytesBehind, 0),
    strays,
  };
}

function served(context: HomeContext, opened: readonly OpenFile[]): StoreError {
  const changed = opened.find(({ found }) => !found.isHeld)!;
  const { directory, baseName } = context.layout;
  return new StoreError(
    'directory-served',
    `${directory}: committed blocks of volume ${baseName} have changed and bytes lie behind them: a server has written here. ` +
      'Save what it wrote and use another directory, or take over: everything here then counts as a source of records only',
    { path: changed.committed.path, volume: baseName, offset: changed.committed.committedBytes },
  );
}
