import type { VolumeName } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import type { StoreEnvironment } from '../environment.js';
import { isStoreError } from '../errors.js';
import { boundedAccess } from './bounded-access.js';
import { createExclusive } from './exclusive.js';
import {
  holdGeneration,
  listFormer,
  pruneFormer,
  releaseHolds,
  removeGeneration,
  removeRemainders,
} from './former-generations.js';
import { type OwnedGeneration, ownGeneration } from './held-generation.js';
import { appendHistory, historyLineOf } from './history.js';
import { lookAtHome } from './home-look.js';
import {
  type HomeContext,
  readCurrent,
  readHold,
  unlessDamaged,
  writeHold,
  writePosition,
} from './home-records.js';
import { homeLayout } from './layout.js';
import { openPoolFiles } from './pool-files.js';
import type { PositionRecord } from './position-record.js';
import { listGenerationIds, recoverBuilds } from './recover-build.js';
import { recoverHeld } from './recover-held.js';
import { ensureDirectory, exists, listIfThere, TEMPORARY_SUFFIX } from './small-file.js';
import { recoverSwap, runSwap } from './swap.js';
import { type BuildFiles, createBuild, type OwnedBuild, ownBuild } from './unfinished-generation.js';
import type {
  ForeignFiles,
  HeldGeneration,
  HomeRecovery,
  LostGeneration,
  VolumeHome,
} from './volume-home.js';

export interface OpenVolumeHomeOptions {
  /** DIR: must exist. */
  readonly directory: string;
  readonly volume: VolumeName;
  /** Of the directory's lock; asked before every rename that moves a position. Default: no lock to ask. */
  readonly assertLocked?: () => Promise<void>;
  /** Everything in DIR that is not held is a pool, also where a server has written. Default: false. */
  readonly takeOver?: boolean;
  /**
   * This process has had the home open before, and nothing that it did there has failed: what is seen is durable, and the
   * history whole. Default: false.
   */
  readonly isSettled?: boolean;
}

/**
 * Opens everything that DIR holds of one volume, once recovery has brought it to one whole state: a swap completed or
 * undone, the held generation cut to its position, an unfinished one cut to what is durable of it. The caller has the
 * directory's lock. Errors: `directory-served`; `unsupported-version` where a newer Holdfast was here; those of the disk.
 */
export async function openVolumeHome(
  env: StoreEnvironment,
  options: OpenVolumeHomeOptions,
): Promise<VolumeHome> {
  const layout = homeLayout(options.directory, options.volume);
  const context: HomeContext = { env, layout, assertLocked: options.assertLocked ?? (async () => {}) };
  const { disk } = env;
  const { takeOver = false, isSettled = false } = options;
  const look = await lookAtHome(context);
  const { isInOrder } = look;
  if (!isInOrder) {
    await ensureDirectory(disk, layout.holdfast);
    await ensureDirectory(disk, layout.home);
  }
  const swap = isInOrder ? 'none' : await recoverSwap(context);
  let current = isInOrder ? look.current : await unlessDamaged(readCurrent(env, layout), undefined);
  const held = await recoverHeld(context, current, {
    takeOver,
    isInOrder,
    isSettled: isInOrder && isSettled,
  });
  const [buildFiles, supersededFiles] = isInOrder ? [] : await recoverBuilds(context, current);
  if (!isInOrder) {
    await removeRemainders(context, current);
    await removeTemporaries(context, current, buildFiles?.id, supersededFiles?.id);
  }

  let owned: OwnedGeneration | undefined =
    held.files === undefined ? undefined : ownGeneration(context, held.files);
  let build: OwnedBuild | undefined = buildFiles === undefined ? undefined : own(buildFiles);
  let superseded: OwnedBuild | undefined = supersededFiles === undefined ? undefined : own(supersededFiles);
  let foreign =
    held.files === undefined ? await openForeign(context, lostGeneration(held.record)) : undefined;
  let isClosed = false;
  const exclusive = createExclusive(`the home of volume ${layout.baseName}`);

  function own(files: BuildFiles): OwnedBuild {
    return ownBuild(context, files, {
      swapIn,
      discarded() {
        if (build?.build.id === files.id) build = undefined;
        else superseded = undefined;
      },
    });
  }

  /** Of the one that `current` names, where its files are not as they were. */
  function lostGeneration(record: PositionRecord | undefined): LostGeneration | undefined {
    if (record === undefined || current === undefined) return undefined;
    const id = current;
    let { position } = record;
    return {
      get position() {
        return position;
      },
      notePosition: (next) =>
        exclusive.run(async () => {
          await writePosition(context, id, { ...record, position: next });
          position = next;
        }),
    };
  }

  /** What is unfinished makes way for another build, and stays for it to take from. */
  async function supersede(): Promise<void> {
    if (build === undefined) return;
    const { builtBytes, isIndexComplete, isFailed } = build.build;
    const isUseful = isIndexComplete && !isFailed && builtBytes > (superseded?.build.builtBytes ?? 0);
    if (!isUseful) return await build.build.discard();
    await build.build.rollback();
    await superseded?.build.discard();
    superseded = build;
    build = undefined;
  }

  async function nextId(): Promise<number> {
    return Math.max(current ?? 0, ...(await listGenerationIds(context))) + 1;
  }

  /** The directory that keeps the files which a swap replaces: the held generation's own, or for foreign ones a new one. */
  async function formerIdFor(): Promise<number | null> {
    if (owned !== undefined) return owned.generation.id;
    if (!(await exists(disk, layout.dat)) && !(await exists(disk, layout.idx))) return null;
    const id = await nextId();
    await ensureDirectory(disk, layout.generation(id).directory);
    const hold =
      current === undefined ? undefined : await unlessDamaged(readHold(env, layout, current), undefined);
    if (hold !== undefined) await writeHold(context, id, hold);
    return id;
  }

  async function swapIn(id: number, record: PositionRecord): Promise<HeldGeneration> {
    try {
      return await exclusive.run(() => replaceHeld(id, record));
    } catch (error) {
      // The marker may be durable: the next opening completes the swap, and what came after it would be lost.
      owned?.fail(error);
      throw error;
    }
  }

  async function replaceHeld(id: number, record: PositionRecord): Promise<HeldGeneration> {
    // Everything that it could give is in the new files, and they are durable.
    await superseded?.build.discard();
    await owned?.endAppend();
    const formerId = await formerIdFor();
    await runSwap(context, { kind: 'generation', id, formerId, replacedAtMs: env.clock.nowMs(), record });
    await owned?.close();
    await foreign?.close();
    owned = undefined;
    foreign = undefined;
    build = undefined;
    const replaced = current;
    current = id;
    await appendHistory(env, layout.generation(id).history, historyLineOf(record));
    await disk.syncDirectory(layout.generation(id).directory);
    if (replaced !== undefined && replaced !== formerId) await removeGeneration(context, replaced);
    owned = ownGeneration(context, {
      id,
      record,
      dat: await disk.open(layout.dat, { mode: 'write' }),
      idx: await disk.open(layout.idx, { mode: 'write' }),
    });
    return owned.generation;
  }

  const recovery: HomeRecovery = {
    swap,
    cutBytes: held.files === undefined ? 0 : held.cutBytes,
    strays: held.strays,
    notHeld: held.files === undefined ? held.notHeld : null,
  };

  const home: VolumeHome = {
    recovery,
    get held() {
      return owned?.generation;
    },
    get unfinished() {
      return build?.build;
    },
    get superseded() {
      return superseded?.build;
    },
    get foreign() {
      return foreign;
    },

    former: () => listFormer(context, current),
    pool: () => openPoolFiles(context, current, home),

    async beginBuild(target) {
      exclusive.assertOpen();
      await supersede();
      build = own(await createBuild(context, await nextId(), target));
      return build.build;
    },

    async holdPresent(reason: 'loss-guard') {
      exclusive.assertOpen();
      if (current === undefined || (owned ?? foreign?.lost) === undefined)
        throw new TypeError('there is no generation whose state could be held');
      if ((await holdGeneration(context, current, reason)) && owned !== undefined)
        await appendHistory(env, layout.generation(current).history, historyLineOf(owned.record, reason));
    },

    async hold(generationId, reason) {
      exclusive.assertOpen();
      const former = await listFormer(context, current);
      if (!former.some(({ id }) => id === generationId))
        throw new RangeError(`there is no former generation ${generationId}`);
      await holdGeneration(context, generationId, reason);
    },

    async release() {
      exclusive.assertOpen();
      await releaseHolds(context);
    },

    async prune(policy, nowMs) {
      exclusive.assertOpen();
      return pruneFormer(context, await listFormer(context, current), policy, nowMs);
    },

    async close() {
      if (isClosed) return;
      isClosed = true;
      exclusive.end();
      try {
        await build?.close();
        await superseded?.close();
      } finally {
        await foreign?.close();
        await owned?.close();
      }
    },
  };
  return home;
}

/** The files by the volume's name in DIR, as long as they are now: nobody of ours writes to them. */
async function openForeign(
  context: HomeContext,
  lost: LostGeneration | undefined,
): Promise<(ForeignFiles & { close(): Promise<void> }) | undefined> {
  const { env, layout } = context;
  const files: { readonly access: RandomAccess; close(): Promise<void> }[] = [];
  for (const path of [layout.dat, layout.idx]) {
    try {
      const file = await env.disk.open(path, { mode: 'read' });
      const sizeBytes = await file.sizeBytes();
      files.push({ access: boundedAccess(file, () => sizeBytes), close: () => file.close() });
    } catch (error) {
      if (!isStoreError(error, 'not-found')) throw error;
      if (path === layout.dat) return undefined;
    }
  }
  const [dat, idx] = files;
  return {
    dat: dat!.access,
    idx: idx?.access,
    lost,
    async close() {
      for (const file of files) await file.close();
    },
  };
}

/** Files whose writing a crash cut short. */
async function removeTemporaries(
  context: HomeContext,
  ...ids: readonly (number | undefined)[]
): Promise<void> {
  const { env, layout } = context;
  const directories = [layout.home, layout.strays];
  for (const id of ids) if (id !== undefined) directories.push(layout.generation(id).directory);
  for (const directory of directories) {
    for (const name of await listIfThere(env.disk, directory))
      if (name.endsWith(TEMPORARY_SUFFIX)) await env.disk.remove(`${directory}/${name}`);
  }
}
