import type { DiskFile } from '../disk.js';
import { isStoreError } from '../errors.js';
import type { HomeContext } from './home-records.js';
import { type CommittedFile, identifyFile, settleFile } from './identify.js';
import { parseGenerationId } from './layout.js';
import {
  type BuildRecord,
  decodeBuildRecord,
  encodeBuildRecord,
  type FileIdentity,
} from './position-record.js';
import { readSealed, writeSealed } from './sealed-file.js';
import { exists, listIfThere } from './small-file.js';
import { createTailFile } from './tail-file.js';
import { type BuildFiles, removeBuild } from './unfinished-generation.js';

/** Ids that have a directory in the home, ascending. */
export async function listGenerationIds(context: HomeContext): Promise<readonly number[]> {
  const names = await listIfThere(context.env.disk, context.layout.home);
  return names
    .map(parseGenerationId)
    .filter((id) => id !== undefined)
    .sort((a, b) => a - b);
}

/**
 * Opens the unfinished generations whose durable bytes are still there, the newest first: the one being built, and the
 * one that it superseded. All others are removed.
 */
export async function recoverBuilds(
  context: HomeContext,
  current: number | undefined,
): Promise<readonly BuildFiles[]> {
  const builds: BuildFiles[] = [];
  for (const id of [...(await listGenerationIds(context))].reverse()) {
    if (id === current || !(await exists(context.env.disk, context.layout.generation(id).build))) continue;
    const build = builds.length < 2 ? await openBuild(context, id) : undefined;
    if (build === undefined) await removeBuild(context, id);
    else builds.push(build);
  }
  return builds;
}

async function openBuild(context: HomeContext, id: number): Promise<BuildFiles | undefined> {
  const { env, layout } = context;
  const own = layout.generation(id);
  try {
    const record = await readSealed(env, own.build, decodeBuildRecord);
    if (record === undefined) return undefined;
    const dat = await openSettled(context, {
      path: own.dat,
      digestsPath: own.datDigests,
      committedBytes: record.builtBytes,
      identity: record.dat,
    });
    if (dat === undefined) return undefined;
    const idx =
      record.idx === null
        ? undefined
        : await openSettled(context, {
            path: own.idx,
            digestsPath: own.idxDigests(0),
            committedBytes: record.target.idxSizeBytes,
            identity: record.idx,
          });
    const settled: BuildRecord = { ...record, dat: dat.identity, idx: idx?.identity ?? null };
    if (dat.isSettled || idx?.isSettled || idx?.identity !== (record.idx ?? undefined))
      await writeSealed(env, own.build, encodeBuildRecord(settled), context.assertLocked);
    return { id, record: settled, dat: dat.tail, idx: idx?.tail };
  } catch (error) {
    if (isStoreError(error, 'position-damaged')) return undefined;
    throw error;
  }
}

async function openSettled(context: HomeContext, committed: CommittedFile) {
  const { env } = context;
  let file: DiskFile;
  try {
    file = await env.disk.open(committed.path, { mode: 'write' });
  } catch (error) {
    if (isStoreError(error, 'not-found')) return undefined;
    throw error;
  }
  try {
    const found = await identifyFile(env, file, committed);
    if (!found.isHeld) {
      await file.close();
      return undefined;
    }
    let identity: FileIdentity = committed.identity;
    if (!found.isUntouched) {
      await settleFile(file, committed.committedBytes);
      const { fileKey, mtimeNs } = await file.stat();
      identity = { ...identity, fileKey, mtimeNs };
    }
    const { committedBytes, digestsPath } = committed;
    return {
      tail: createTailFile(env, { file, committedBytes, digestsPath }),
      identity,
      isSettled: !found.isUntouched,
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
