import {
  type HoldReason,
  type HomeContext,
  readHold,
  readKept,
  readPosition,
  unlessDamaged,
  writeHold,
} from './home-records.js';
import { listGenerationIds } from './recover-build.js';
import { exists, removeIfThere } from './small-file.js';
import type { FormerGeneration, RetentionPolicy } from './volume-home.js';

/** Generations that have no part in the present: neither `current` nor unfinished. Newest first. */
export async function listFormer(
  context: HomeContext,
  current: number | undefined,
): Promise<readonly FormerGeneration[]> {
  const found: FormerGeneration[] = [];
  for (const id of await listGenerationIds(context)) {
    if (id === current) continue;
    const former = await readFormer(context, id);
    if (former !== undefined) found.push(former);
  }
  return found.sort((a, b) => b.replacedAtMs - a.replacedAtMs || b.id - a.id);
}

async function readFormer(context: HomeContext, id: number): Promise<FormerGeneration | undefined> {
  const { env, layout } = context;
  const own = layout.generation(id);
  if (await exists(env.disk, own.build)) return undefined;
  const dat = await env.disk.stat(own.dat);
  if (dat === undefined) return undefined;
  const idx = await env.disk.stat(own.idx);
  const { replacedAtMs, heldFor } = await readKept(env, layout, id);
  if (replacedAtMs === null && !(await wasGeneration(context, id))) return undefined;
  const record = await unlessDamaged(readPosition(env, layout, id), undefined);
  return {
    id,
    position: record?.position ?? null,
    replacedAtMs: replacedAtMs ?? Number(dat.mtimeNs / 1_000_000n),
    heldFor,
    sizeBytes: dat.sizeBytes + (idx?.sizeBytes ?? 0),
  };
}

/** What neither has a position nor says that it was replaced is what a build left that failed when it had hardly begun. */
async function wasGeneration({ env, layout }: HomeContext, id: number): Promise<boolean> {
  const own = layout.generation(id);
  return (await exists(env.disk, own.former)) || (await exists(env.disk, own.position));
}

/** Removes every hold of the volume. */
export async function releaseHolds(context: HomeContext): Promise<void> {
  const { disk } = context.env;
  for (const id of await listGenerationIds(context)) {
    const own = context.layout.generation(id);
    await removeIfThere(disk, own.hold);
    // One that is gone may not be so durably, if the release before was cut short.
    await disk.syncDirectory(own.directory);
  }
}

/**
 * A hold that is there stays as it is: the first state that was worth holding is the one to go back to. Whether this
 * one is new.
 */
export async function holdGeneration(context: HomeContext, id: number, reason: HoldReason): Promise<boolean> {
  const held = await unlessDamaged<HoldReason | undefined>(
    readHold(context.env, context.layout, id),
    undefined,
  );
  if (held !== undefined) return false;
  await writeHold(context, id, reason);
  return true;
}

export async function pruneFormer(
  context: HomeContext,
  former: readonly FormerGeneration[],
  policy: RetentionPolicy,
  nowMs: number,
): Promise<readonly number[]> {
  const removed: number[] = [];
  // Newest first: the last ones are kept whatever their age.
  for (const [rank, { id, replacedAtMs, heldFor }] of former.entries()) {
    const isYoung = nowMs - replacedAtMs < policy.keepForMs;
    if (heldFor !== null || isYoung || rank < policy.keepGenerations) continue;
    await removeGeneration(context, id);
    removed.push(id);
  }
  return removed;
}

/**
 * Removes a generation's directory, the `.dat` first: without it what is left is known for a remainder. It is durably gone
 * before anything else goes, also where a removal before was cut short just then.
 */
export async function removeGeneration(context: HomeContext, id: number): Promise<void> {
  const { disk } = context.env;
  const own = context.layout.generation(id);
  await removeIfThere(disk, own.dat);
  await disk.syncDirectory(own.directory);
  for (const name of await disk.list(own.directory)) await disk.remove(`${own.directory}/${name}`);
  await disk.removeDirectory(own.directory);
  await disk.syncDirectory(context.layout.home);
}

/**
 * Removes what crashes left of generations: directories without a `.dat`, those whose `.dat` is a second name of the one
 * in DIR, given for a swap that did not come about, and those of builds that had hardly begun. One that was let go is a
 * former one for all that.
 */
export async function removeRemainders(context: HomeContext, current: number | undefined): Promise<void> {
  const { disk } = context.env;
  const live = await disk.stat(context.layout.dat);
  for (const id of await listGenerationIds(context)) {
    const own = context.layout.generation(id);
    if (id === current || (await exists(disk, own.build))) continue;
    const dat = await disk.stat(own.dat);
    const isFormer = await exists(disk, own.former);
    const isSecondName = dat?.fileKey === live?.fileKey && !isFormer;
    if (dat === undefined || isSecondName || !(await wasGeneration(context, id)))
      await removeGeneration(context, id);
  }
}
