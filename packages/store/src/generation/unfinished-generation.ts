import { boundedAccess } from './bounded-access.js';
import { createExclusive } from './exclusive.js';
import type { HomeContext } from './home-records.js';
import { createEmpty, writeIndexFile } from './index-writer.js';
import type { BuildTarget, GenerationPosition } from './position.js';
import { type BuildRecord, encodeBuildRecord, type PositionRecord } from './position-record.js';
import { writeSealed } from './sealed-file.js';
import { ensureDirectory, removeIfThere } from './small-file.js';
import { createTailFile, type TailCommit, type TailFile } from './tail-file.js';
import type { HeldGeneration, UnfinishedGeneration } from './volume-home.js';

/** An unfinished generation, with what only its home may do with it. */
export interface OwnedBuild {
  readonly build: UnfinishedGeneration;
  /** Ends it without a further write of its files. */
  close(): Promise<void>;
}

export interface BuildFiles {
  readonly id: number;
  readonly record: BuildRecord;
  readonly dat: TailFile;
  readonly idx: TailFile | undefined;
}

/** What a home does when a build ends. */
export interface BuildEnds {
  /** The files are durable and exactly as `record` says, and closed. */
  swapIn(id: number, record: PositionRecord): Promise<HeldGeneration>;
  discarded(): void;
}

/** Begins a generation in its own directory. */
export async function createBuild(
  context: HomeContext,
  id: number,
  target: BuildTarget,
): Promise<BuildFiles> {
  const { env, layout } = context;
  const own = layout.generation(id);
  await ensureDirectory(env.disk, own.directory);
  await createEmpty(env, own.datDigests);
  await createEmpty(env, own.dat);
  const file = await env.disk.open(own.dat, { mode: 'write' });
  const dat = createTailFile(env, { file, committedBytes: 0, digestsPath: own.datDigests });
  try {
    const { identity } = await dat.prepare(0);
    const record: BuildRecord = { target, builtBytes: 0, dat: await identity(), idx: null };
    await writeSealed(env, own.build, encodeBuildRecord(record), context.assertLocked);
    return { id, record, dat, idx: undefined };
  } catch (error) {
    await dat.close();
    throw error;
  }
}

/** Removes an unfinished generation. The record goes last: as long as it is there the rest is known for what it is. */
export async function removeBuild(context: HomeContext, id: number): Promise<void> {
  const { disk } = context.env;
  const own = context.layout.generation(id);
  for (const name of await disk.list(own.directory)) {
    const path = `${own.directory}/${name}`;
    if (path !== own.build) await disk.remove(path);
  }
  await disk.syncDirectory(own.directory);
  await removeIfThere(disk, own.build);
  await disk.removeDirectory(own.directory);
  await disk.syncDirectory(context.layout.home);
}

export function ownBuild(context: HomeContext, files: BuildFiles, ends: BuildEnds): OwnedBuild {
  const { env, layout } = context;
  const { id, dat } = files;
  const own = layout.generation(id);
  const { target } = files.record;
  const exclusive = createExclusive(`unfinished generation ${id} of volume ${layout.baseName}`);
  let { record } = files;
  let { idx } = files;
  /** A commit that is on its way to the disk while writes go on. */
  let underWay: Promise<void> | undefined;

  async function close(): Promise<void> {
    exclusive.end();
    await underWay;
    await dat.close();
    await idx?.close();
  }

  async function advance(following: BuildRecord): Promise<void> {
    await writeSealed(env, own.build, encodeBuildRecord(following), context.assertLocked);
    record = following;
  }

  /** The rest of a commit, in its durable order; a failure ends the build. */
  async function complete(commit: TailCommit, builtBytes: number): Promise<void> {
    try {
      await commit.syncData();
      await commit.syncDigests();
      await advance({ ...record, builtBytes, dat: await commit.identity() });
      commit.settle();
    } catch (cause) {
      exclusive.fail(cause);
      throw cause;
    } finally {
      underWay = undefined;
    }
  }

  const build: UnfinishedGeneration = {
    id,
    target,
    get isIndexComplete() {
      return idx !== undefined;
    },
    get builtBytes() {
      return record.builtBytes;
    },
    get isFailed() {
      return exclusive.isFailed;
    },
    dat: {
      sizeBytes: async () => dat.writtenBytes,
      readAt: (offset, lengthBytes) => dat.read(offset, lengthBytes),
    },
    idx: boundedAccess(
      { readAt: async (offset, lengthBytes) => (await idx?.read(offset, lengthBytes)) ?? new Uint8Array(0) },
      () => idx?.committedBytes ?? 0,
    ),

    async writeIndex(content) {
      const writing = {
        path: own.idx,
        digestsPath: own.idxDigests(0),
        sizeBytes: target.idxSizeBytes,
      };
      if (idx !== undefined) throw new TypeError('the index of this build is there already');
      const { tail, commit } = await exclusive.run(() => writeIndexFile(env, content, writing), 'harmless');
      await exclusive.run(async () => {
        await advance({ ...record, idx: await commit.identity() });
        commit.settle();
        idx = tail;
      });
    },

    async write(bytes) {
      await exclusive.run(() => dat.write(bytes));
    },

    async commitTo(builtBytes) {
      const { durable } = await build.startCommit(builtBytes);
      await durable;
    },

    async startCommit(builtBytes) {
      if (builtBytes < dat.committedBytes || builtBytes > dat.writtenBytes)
        throw new RangeError(`${builtBytes} is not between ${dat.committedBytes} and ${dat.writtenBytes}`);
      if (underWay !== undefined) throw new TypeError('the commit before is still under way');
      const commit = await exclusive.run(() => dat.prepare(builtBytes));
      const durable = complete(commit, builtBytes);
      underWay = durable.catch(() => {});
      return { durable };
    },

    async rollback() {
      await underWay;
      await exclusive.run(() => dat.rollback());
    },

    async swapIn(position, vif) {
      if (idx === undefined) throw new TypeError('a generation without its index cannot be swapped in');
      assertBuilt(position);
      return exclusive.run(async () => {
        const { datSizeBytes, idxSizeBytes } = position;
        await dat.rollback();
        if (datSizeBytes < record.builtBytes) {
          // The record first: a build whose file is shorter than it says would be given up by the next opening.
          const dat = await identityAt(own.dat, own.datDigests, datSizeBytes);
          await advance({ ...record, builtBytes: datSizeBytes, dat });
        }
        await cut(own.dat, datSizeBytes);
        await cut(own.idx, idxSizeBytes);
        await writeVif(vif);
        await env.disk.syncDirectory(own.directory);
        const following: PositionRecord = {
          position,
          indexSerial: 0,
          committedAtMs: env.clock.nowMs(),
          dat: await identityAt(own.dat, own.datDigests, datSizeBytes),
          idx: await identityAt(own.idx, own.idxDigests(0), idxSizeBytes),
        };
        await close();
        return ends.swapIn(id, following);
      });
    },

    async discard() {
      await exclusive.run(async () => {
        await close();
        await removeBuild(context, id);
      });
      ends.discarded();
    },
  };

  function assertBuilt(position: GenerationPosition): void {
    if (position.datSizeBytes > record.builtBytes)
      throw new RangeError(`${record.builtBytes} bytes are built, not ${position.datSizeBytes}`);
    if (position.idxSizeBytes > target.idxSizeBytes)
      throw new RangeError(`the index has ${target.idxSizeBytes} bytes, not ${position.idxSizeBytes}`);
  }

  /** The position may end before the build: a torn tail on the leader. */
  async function cut(path: string, sizeBytes: number): Promise<void> {
    const file = await env.disk.open(path, { mode: 'write' });
    try {
      if ((await file.sizeBytes()) > sizeBytes) await file.truncate(sizeBytes);
      await file.syncData();
    } finally {
      await file.close();
    }
  }

  async function identityAt(path: string, digestsPath: string, committedBytes: number) {
    const file = await env.disk.open(path, { mode: 'read' });
    const tail = createTailFile(env, { file, committedBytes, digestsPath });
    try {
      const { identity } = await tail.prepare(committedBytes);
      return await identity();
    } finally {
      await tail.close();
    }
  }

  async function writeVif(text: string): Promise<void> {
    await createEmpty(env, own.vif);
    const file = await env.disk.open(own.vif, { mode: 'write' });
    try {
      await file.writeAt(0, new TextEncoder().encode(text));
      await file.syncData();
    } finally {
      await file.close();
    }
  }

  return {
    build,
    async close() {
      try {
        await underWay;
        // Cut now, so that the file is as the record says and the next opening need not read it all.
        if (!exclusive.isFailed && dat.writtenBytes > dat.committedBytes) {
          await dat.rollback();
          const commit = await dat.prepare(dat.committedBytes);
          await commit.syncData();
          await advance({ ...record, dat: await commit.identity() });
        }
      } finally {
        await close();
      }
    },
  };
}
