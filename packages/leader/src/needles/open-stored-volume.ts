import { formatVolumeName, type Timers, type VolumeName } from '@holdfast/format';
import {
  type AppendedRecord,
  openVolume,
  type StoreEnvironment,
  StoreError,
  type Volume,
  type VolumeCompaction,
} from '@holdfast/store';
import { readLineageToken, renewLineageToken } from '../lineage-token.js';
import { createDurability } from './durability.js';
import { findAndOpen } from './open-needle.js';
import { receiveData } from './staged-upload.js';
import type { OpenNeedleOptions, StoredVolume } from './stored-volume.js';
import { createVolumeCompactor } from './volume-compactor.js';
import { createVolumeGeneration } from './volume-generation.js';
import { createWriteGate } from './write-gate.js';

export interface StoredVolumeOptions {
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  readonly directory: string;
  readonly name: VolumeName;
  /** Asked before files are exchanged: fails where the directory is another's by now. */
  readonly assertLocked: () => Promise<void>;
  /** Its revision or read-only state is another one. */
  readonly onChange: () => void;
  /** More of it is durable. */
  readonly onDurable: () => void;
}

/** A stored volume as the one who opened it has it. */
export interface OpenedStoredVolume extends StoredVolume {
  /** Closed for writing until it is opened again. */
  readonly hasFailed: boolean;
  /** Ends the writing, durably, and gives up a compaction; whoever reads goes on. Idempotent. */
  close(): Promise<void>;
}

/** Opens a volume for reading and writing, recovered. Errors as `openVolume`. */
export async function openStoredVolume(options: StoredVolumeOptions): Promise<OpenedStoredVolume> {
  const { env, timers, directory, name, assertLocked, onChange, onDurable } = options;
  const baseName = formatVolumeName(name);
  const opened = await openVolume(env, { directory, name: baseName, mode: 'write' });
  const { mtimeNs } = (await env.disk.stat(`${directory}/${baseName}.dat`))!;
  await keepLineage(options, opened);

  let modifiedAtSeconds = Number(mtimeNs / 1_000_000_000n);
  let present = await createVolumeGeneration(env, name, opened, 0);
  let closing: Promise<void> | undefined;
  const gate = createWriteGate();
  const durability = createDurability(timers, () => present.volume, onDurable);
  const compactor = createVolumeCompactor(env, timers, baseName);

  function assertOpen(): void {
    if (closing !== undefined)
      throw new StoreError('closed', `volume ${baseName} is closed`, { volume: baseName });
  }

  async function open(needleId: bigint, options: OpenNeedleOptions = {}) {
    assertOpen();
    const { volume, hold } = present;
    return await findAndOpen(env, volume, needleId, options, hold());
  }

  /** One change of the volume, made durable unless told otherwise. */
  function change<T extends AppendedRecord>(
    isDurable: boolean,
    apply: (volume: Volume) => Promise<T>,
  ): Promise<T> {
    return gate.shared(async () => {
      assertOpen();
      const result = await apply(present.volume);
      if (!result.isUnchanged) modifiedAtSeconds = Math.trunc(env.clock.nowMs() / 1000);
      if (isDurable) await durability.sync();
      else durability.syncSoon();
      return result;
    });
  }

  async function commit(compaction: VolumeCompaction): Promise<Volume> {
    try {
      await assertLocked();
    } catch (error) {
      await compaction.discard().catch(() => {});
      throw error;
    }
    return compaction.commit();
  }

  return {
    name,
    version: opened.version,
    offsetWidthBytes: opened.offsetWidthBytes,
    get superBlock() {
      return present.volume.superBlock;
    },
    get info() {
      return present.volume.info;
    },
    status() {
      const { volume } = present;
      const stats = volume.stats();
      return {
        datSizeBytes: stats.durableDatSizeBytes,
        idxSizeBytes: stats.durableIdxSizeBytes,
        liveNeedles: stats.liveNeedles,
        deletedNeedles: stats.deletedNeedles,
        fileCount: stats.fileCount,
        deleteCount: stats.deleteCount,
        garbageBytes: stats.garbageBytes,
        revision: volume.superBlock.compactionRevision,
        isReadOnly: volume.isReadOnly || volume.failure !== undefined,
        modifiedAtSeconds,
        lastAppendAtNs: stats.lastAppendAtNs,
        maxNeedleId: stats.maxNeedleId,
        isCompacting: compactor.isCompacting,
      };
    },
    open,
    async write({ content, data }, { isDurable = true, checksCookie } = {}) {
      assertOpen();
      const received =
        data instanceof Uint8Array ? { data, remove: undefined } : await receiveData(env, directory, data);
      try {
        const { data: bytes } = received;
        const fields = typeof content === 'function' ? content() : content;
        const { isUnchanged, offset, sizeBytes, crc, appendAtNs } = await change(isDurable, (volume) =>
          bytes instanceof Uint8Array
            ? volume.append({ ...fields, data: bytes }, { checksCookie })
            : volume.append(fields, { staged: bytes, checksCookie }),
        );
        const dataSizeBytes = bytes instanceof Uint8Array ? bytes.length : bytes.sizeBytes;
        return { isUnchanged, offset, sizeBytes, dataSizeBytes, crc, appendAtNs };
      } finally {
        await received.remove?.();
      }
    },
    async delete(needleId, { cookie, isDurable = true } = {}) {
      const { deletedSizeBytes } = await change(isDurable, (volume) => volume.delete(needleId, cookie));
      return { freedSizeBytes: deletedSizeBytes };
    },
    markReadOnly: (isReadOnly, { persist = false, canDelete = false } = {}) =>
      gate.alone(async () => {
        assertOpen();
        const marks = { readOnly: isReadOnly, readOnlyCanDelete: isReadOnly && canDelete };
        await present.volume.markReadOnly(marks, { persist });
        onChange();
      }),
    pin() {
      assertOpen();
      const { volume, number: generation, beganAtOffset, lineageId, hold } = present;
      const { durableDatSizeBytes: datSizeBytes, durableIdxSizeBytes: idxSizeBytes } = volume.stats();
      const { dat, idx, superBlock, version, offsetWidthBytes } = volume;
      const close = hold();
      return {
        dat,
        idx,
        datSizeBytes,
        idxSizeBytes,
        superBlock,
        version,
        offsetWidthBytes,
        generation,
        beganAtOffset,
        lineageId,
        liveByOffset: volume.liveByOffset,
        close,
      };
    },
    garbageRatio() {
      const { liveBytes, garbageBytes } = present.volume.stats();
      return garbageBytes === 0 ? 0 : garbageBytes / (liveBytes + garbageBytes);
    },
    async compact(compacting = {}) {
      assertOpen();
      await compactor.copy(present.volume, compacting);
    },
    async commitCompaction() {
      assertOpen();
      const compaction = await compactor.takeCopied();
      return gate.alone(async () => {
        const former = present;
        try {
          const volume = await commit(compaction);
          present = await createVolumeGeneration(env, name, volume, former.number + 1);
        } finally {
          // Also where it failed behind the decision: the volume takes no writes then.
          onChange();
        }
        await former.retire();
        onDurable();
        const { durableDatSizeBytes: datSizeBytes } = present.volume.stats();
        return { revision: present.volume.superBlock.compactionRevision, datSizeBytes };
      });
    },
    cleanupCompaction: () => compactor.giveUp(),
    get hasFailed() {
      return present.volume.failure !== undefined;
    },
    close() {
      closing ??= (async () => {
        await compactor.giveUp();
        await durability.end();
        await gate.alone(async () => {
          try {
            await present.volume.endWriting();
          } finally {
            await present.retire();
          }
        });
      })();
      return closing;
    },
  };
}

/** Bytes that were cut may have been served to somebody: what follows them is another history. */
async function keepLineage(
  { env, directory, name }: StoredVolumeOptions,
  { recovery }: Volume,
): Promise<void> {
  if (recovery.cutBytes > 0 || (await readLineageToken(env, directory, name)) === '')
    await renewLineageToken(env, directory, name);
}
