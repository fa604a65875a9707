import type { DiskFile } from '../disk.js';
import { boundedAccess } from './bounded-access.js';
import { createExclusive } from './exclusive.js';
import { appendHistory, historyLineOf } from './history.js';
import { type HomeContext, writeAppendNote, writePosition } from './home-records.js';
import { sealIndexDigests, writeIndexFile } from './index-writer.js';
import type { GenerationPosition } from './position.js';
import type { PositionRecord } from './position-record.js';
import { removeIfThere } from './small-file.js';
import { runSwap } from './swap.js';
import { createTailFile, type TailCommit } from './tail-file.js';
import type { HeldGeneration } from './volume-home.js';

/** A held generation, with what only its home may do with it. */
export interface OwnedGeneration {
  readonly generation: HeldGeneration;
  readonly record: PositionRecord;
  /** Cuts what is not committed and takes the open-append note away: the files are as the position says. */
  endAppend(): Promise<void>;
  /** A change of the home around it failed: no more changes here either. */
  fail(cause: unknown): void;
  /** No more changes, no more reads. After a failure the note stays, so that the next opening cuts and mends. */
  close(): Promise<void>;
}

export interface HeldFiles {
  readonly id: number;
  readonly record: PositionRecord;
  readonly dat: DiskFile;
  readonly idx: DiskFile;
}

/** The two halves of one commit. */
interface Commits {
  readonly dat: TailCommit;
  readonly idx: TailCommit;
}

/** Makes the generation out of files that recovery has found to be exactly what `record` says. */
export function ownGeneration(context: HomeContext, files: HeldFiles): OwnedGeneration {
  const { env, layout } = context;
  const { id } = files;
  const own = layout.generation(id);
  const exclusive = createExclusive(`generation ${id} of volume ${layout.baseName}`);
  let record = files.record;
  let isNoted = false;
  /** Something was written since the last commit, if only to be cut again: the identity on record is out of date. */
  let isTouched = false;
  /** The last commit was a minor one. */
  let owesHistory = false;
  const dat = createTailFile(env, {
    file: files.dat,
    committedBytes: record.position.datSizeBytes,
    digestsPath: own.datDigests,
  });
  let idx = createTailFile(env, {
    file: files.idx,
    committedBytes: record.position.idxSizeBytes,
    digestsPath: own.idxDigests(record.indexSerial),
  });
  /** Reading needs no part in the gathering of writes, only the bytes below the committed lengths. */
  const committedIdx = { readAt: (offset: number, lengthBytes: number) => idx.read(offset, lengthBytes) };

  function assertNoted(): void {
    if (!isNoted) throw new TypeError('beginAppend comes before the first write');
  }

  function assertFollows(next: GenerationPosition): void {
    if (next.datSizeBytes < dat.committedBytes || next.datSizeBytes > dat.writtenBytes) {
      throw new RangeError(
        `offset ${next.datSizeBytes} is not between the committed ${dat.committedBytes} and the written ${dat.writtenBytes}`,
      );
    }
  }

  async function recordOf(next: GenerationPosition, indexSerial: number, commits: Commits) {
    return {
      position: next,
      indexSerial,
      committedAtMs: env.clock.nowMs(),
      dat: await commits.dat.identity(),
      idx: await commits.idx.identity(),
    };
  }

  /** The last of a commit: history, and only then the memory. */
  async function moveTo(next: PositionRecord, commits: Commits, isMinor = false): Promise<void> {
    if (!isMinor) await appendHistory(env, own.history, historyLineOf(next));
    owesHistory = isMinor;
    commits.dat.settle();
    commits.idx.settle();
    record = next;
    isTouched = false;
  }

  const generation: HeldGeneration = {
    id,
    get position() {
      return record.position;
    },
    dat: boundedAccess(files.dat, () => record.position.datSizeBytes),
    idx: boundedAccess(committedIdx, () => record.position.idxSizeBytes),
    get isFailed() {
      return exclusive.isFailed;
    },
    pending: {
      sizeBytes: async () => dat.writtenBytes,
      readAt: (offset, lengthBytes) => dat.read(offset, lengthBytes),
    },

    async beginAppend() {
      if (isNoted) return exclusive.assertOpen();
      await exclusive.run(() => writeAppendNote(context, id));
      isNoted = true;
    },

    async write(bytes) {
      assertNoted();
      isTouched = true;
      await exclusive.run(() => dat.write(bytes));
    },

    async commit(idxEntries, next, isMinor = false) {
      assertNoted();
      assertFollows(next);
      if (next.idxSizeBytes !== idx.committedBytes + idxEntries.length) {
        throw new RangeError(
          `index length ${next.idxSizeBytes} is not ${idx.committedBytes} and ${idxEntries.length} more`,
        );
      }
      isTouched = true;
      await exclusive.run(async () => {
        // The data first: an entry, a digest or a position must never speak of bytes that a crash can take away.
        const datCommit = await dat.prepare(next.datSizeBytes);
        await datCommit.syncData();
        await idx.write(idxEntries);
        const idxCommit = await idx.prepare(next.idxSizeBytes);
        await idxCommit.syncData();
        // The digests before the position: the next opening may have nothing else to know the files by.
        await datCommit.syncDigests();
        await idxCommit.syncDigests();
        const commits = { dat: datCommit, idx: idxCommit };
        const following = await recordOf(next, record.indexSerial, commits);
        await writePosition(context, id, following);
        // A line that is lost from here on is made again out of the position.
        await moveTo(following, commits, isMinor);
      });
    },

    async rollback() {
      await exclusive.run(() => dat.rollback());
    },

    async adoptIndex(content, next) {
      assertFollows(next);
      const fromSerial = record.indexSerial;
      const serial = fromSerial + 1;
      const path = own.idxOf(serial);
      const adopted = await exclusive.run(
        () =>
          writeIndexFile(env, content, {
            path,
            digestsPath: own.idxDigests(serial),
            sizeBytes: next.idxSizeBytes,
          }),
        'harmless',
      );
      await exclusive.run(async () => {
        const datCommit = await dat.prepare(next.datSizeBytes);
        await datCommit.syncData();
        await datCommit.syncDigests();
        const { idxSizeBytes } = record.position;
        await sealIndexDigests(env, own.idxDigests(fromSerial), idxSizeBytes, record.idx.tailDigest);
        const commits = { dat: datCommit, idx: adopted.commit };
        const following = await recordOf(next, serial, commits);
        await runSwap(context, { kind: 'index', id, fromSerial, record: following });
        await idx.close();
        idx = adopted.tail;
        await moveTo(following, commits);
      });
    },

    async notePosition(next) {
      const { datSizeBytes, idxSizeBytes } = record.position;
      if (next.datSizeBytes !== datSizeBytes || next.idxSizeBytes !== idxSizeBytes)
        throw new RangeError('notePosition leaves the lengths as they are: commit moves them');
      await exclusive.run(async () => {
        const noted = { ...record, position: next };
        await writePosition(context, id, noted);
        record = noted;
      });
    },
  };

  async function endAppend(): Promise<void> {
    if (!isNoted) return;
    if (owesHistory) await appendHistory(env, own.history, historyLineOf(record));
    owesHistory = false;
    if (isTouched) {
      await dat.rollback();
      await files.dat.syncData();
      // Cut to the same bytes, the file has another mtime: noted, so that the next opening need not read it all.
      const cut = { ...record, dat: { ...record.dat, mtimeNs: (await files.dat.stat()).mtimeNs } };
      await writePosition(context, id, cut);
      record = cut;
      isTouched = false;
    }
    if (await removeIfThere(env.disk, layout.append)) await env.disk.syncDirectory(layout.home);
    isNoted = false;
  }

  return {
    generation,
    get record() {
      return record;
    },
    endAppend: () => exclusive.run(endAppend),
    fail: exclusive.fail,
    async close() {
      try {
        if (!exclusive.isFailed) await exclusive.run(endAppend);
      } finally {
        exclusive.end();
        await dat.close();
        await idx.close();
      }
    },
  };
}
