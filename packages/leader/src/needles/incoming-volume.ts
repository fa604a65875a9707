import { formatVolumeName, type VolumeInfo, type VolumeName, writeVolumeInfo } from '@holdfast/format';
import { type DiskFile, type StoreEnvironment, StoreError, verifyFiles } from '@holdfast/store';
import { toHex } from '../lineage.js';
import { uploadsPath } from './staged-upload.js';

const NAME_BYTES = 16;
/** What a server goes on with as well as its source has: records that an index lacks, the end of the last padding. */
const HARMLESS: ReadonlySet<string> = new Set(['unindexed-record', 'missing-padding']);

/** The files of a volume on their way in, which have no name yet. */
export interface IncomingVolume {
  readonly dat: DiskFile;
  readonly idx: DiskFile;
  /** Makes all of it durable and reads it through. Fails with `corrupt` where data and index are not a volume. */
  finish(info: VolumeInfo): Promise<void>;
  /**
   * Gives the files their names: the `.dat` last, without which nobody takes the others for a volume. Asked for after
   * `finish`, where nothing has that name.
   */
  takeName(): Promise<void>;
  /** Removes what has no name. */
  [Symbol.asyncDispose](): Promise<void>;
}

export async function beginIncomingVolume(
  env: StoreEnvironment,
  directory: string,
  name: VolumeName,
): Promise<IncomingVolume> {
  const { disk } = env;
  const uploads = uploadsPath(directory);
  const token = toHex(env.random.bytes(NAME_BYTES));
  const pathOf = (ext: string) => `${uploads}/${token}${ext}`;
  const dat = await disk.open(pathOf('.dat'), { mode: 'create-new' });
  const idx = await disk.open(pathOf('.idx'), { mode: 'create-new' }).catch(async (error) => {
    await dat.close();
    throw error;
  });

  /** What stays is removed when the directory is opened next, or passed over for want of a `.dat`. */
  async function removeAll(paths: readonly string[]): Promise<void> {
    for (const path of paths) await disk.remove(path).catch(() => {});
  }

  async function closeFiles(): Promise<void> {
    await dat.close();
    await idx.close();
  }

  async function writeInfo(info: VolumeInfo): Promise<void> {
    const vif = await disk.open(pathOf('.vif'), { mode: 'create-new' });
    try {
      await vif.writeAt(0, new TextEncoder().encode(writeVolumeInfo(info)));
      await vif.syncData();
    } finally {
      await vif.close();
    }
  }

  return {
    dat,
    idx,
    async finish(info) {
      await dat.syncData();
      await idx.syncData();
      await closeFiles();
      await writeInfo(info);
      for await (const { code, severity, offset, message } of verifyFiles(env, {
        directory: uploads,
        name: token,
      })) {
        if (severity !== 'damage' || HARMLESS.has(code)) continue;
        const volume = formatVolumeName(name);
        const details = { volume, ...(offset === null ? {} : { offset }) };
        throw new StoreError(
          'corrupt',
          `volume ${volume}: ${code} at ${offset ?? 'no offset'}: ${message}`,
          details,
        );
      }
    },
    async takeName() {
      const base = `${directory}/${formatVolumeName(name)}`;
      try {
        for (const ext of ['.idx', '.vif']) await disk.rename(pathOf(ext), `${base}${ext}`);
        await disk.syncDirectory(directory);
        await disk.rename(pathOf('.dat'), `${base}.dat`);
      } catch (error) {
        await removeAll([`${base}.idx`, `${base}.vif`]);
        throw error;
      }
      await disk.syncDirectory(directory);
    },
    async [Symbol.asyncDispose]() {
      await closeFiles();
      await removeAll(['.dat', '.idx', '.vif'].map(pathOf));
    },
  };
}
