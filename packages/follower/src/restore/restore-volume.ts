import { formatInstant, formatVolumeName, writeVolumeInfo } from '@holdfast/format';
import { ensureFree, type GenerationReader, type StoreEnvironment } from '@holdfast/store';
import { checkRestored, type DamagedNeedle } from './check-restored.js';
import type { KeptVolume } from './generations.js';
import {
  assertAbsent,
  chunksOf,
  emptyDirectory,
  type RestoredFile,
  tidyUp,
  writeRestoredFile,
} from './restored-file.js';
import { withStateAt } from './state-at.js';
import { takeBackNames } from './take-back-names.js';
import { atNs, instantOf, type VolumeState } from './volume-state.js';

/** Beside the volume's files: what they are. It comes last: where it is, the restore is complete. */
export const MANIFEST_SUFFIX = '.restored.json';
/** For `.vif`, manifest and the folders' own growth. */
const SMALL_FILES_BYTES = 16 * 1024;

export interface RestoreInstant {
  /** Unix nanoseconds; `undefined`: the newest state. */
  readonly asOfNs: bigint | undefined;
}

export interface RestoreVolumeOptions extends KeptVolume, RestoreInstant {
  /** A directory that is there. */
  readonly out: string;
  /** Bytes that must stay free on its disk. */
  readonly minFreeBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** What a restore would give, or has given: the state, and the instant that it is of (RFC 3339). */
export interface RestorableState extends VolumeState {
  readonly instant: string;
  /** RFC 3339, of `committedAtMs`. */
  readonly committedAt: string;
  /** Bytes that it takes on the disk. */
  readonly neededBytes: number;
}

/** The content of the manifest, and what `restore` reports. */
export interface RestoredVolume extends RestorableState {
  readonly id: number;
  readonly collection: string;
  readonly liveNeedles: number;
  readonly damaged: readonly DamagedNeedle[];
  readonly files: readonly RestoredFile[];
}

/** Which state a restore would give. Errors as `withStateAt`. */
export function planRestore(
  env: StoreEnvironment,
  volume: KeptVolume & RestoreInstant,
  signal: AbortSignal,
): Promise<RestorableState> {
  return withStateAt(env, volume, volume.asOfNs, signal, async (state) => restorableState(state));
}

/**
 * Writes the files of a volume as it was, ready for `weed volume`, and a manifest beside them. Each block is compared
 * with its digest as it is read, everything is read back from the disk, and only then do the files get their names.
 * What a crash leaves is a folder of its own, which the next restore of the volume empties, and files whose names that
 * one takes back. Errors: `not-covered`;
 * `exists` where the volume's files are there already; `no-space`; `corrupt` where what is kept here is not as it was
 * committed; those of the disk.
 */
export async function restoreVolume(
  env: StoreEnvironment,
  options: RestoreVolumeOptions,
): Promise<RestoredVolume> {
  const { signal, asOfNs } = options;
  return await withStateAt(env, options, asOfNs, signal, (state, reader) =>
    restoreState(env, options, state, reader),
  );
}

async function restoreState(
  env: StoreEnvironment,
  options: RestoreVolumeOptions,
  state: VolumeState,
  reader: GenerationReader,
): Promise<RestoredVolume> {
  const { disk } = env;
  const { out, volume, minFreeBytes } = options;
  const baseName = formatVolumeName(volume);
  const names = ['.dat', '.idx', '.vif', MANIFEST_SUFFIX].map((suffix) => `${baseName}${suffix}`);
  const staging = `${out}/.restoring-${baseName}`;
  const named = { out, staging, names };
  await takeBackNames(env, named);
  await assertAbsent(env, out, names);
  const restorable = restorableState(state);
  await ensureFree(env, out, restorable.neededBytes, minFreeBytes);
  try {
    await emptyDirectory(disk, staging);
    const { volumeId: id, collection } = volume;
    const content = await writeFiles(env, options, state, reader, staging);
    const restored: RestoredVolume = { id, collection, ...restorable, ...content };
    await writeRestoredFile(env, staging, names.at(-1)!, chunksOf(manifestOf(restored)));
    await disk.syncDirectory(staging);
    await assertAbsent(env, out, names);
    // The manifest goes last: what is there without it is whole, but nobody has been told so.
    for (const group of [names.slice(0, -1), names.slice(-1)]) {
      for (const name of group) await disk.rename(`${staging}/${name}`, `${out}/${name}`);
      for (const directory of [staging, out]) await disk.syncDirectory(directory);
    }
    await disk.removeDirectory(staging);
    await disk.syncDirectory(out);
    return restored;
  } catch (error) {
    // What stays is emptied by the next restore.
    await tidyUp(async () => {
      await takeBackNames(env, named);
      await emptyDirectory(disk, staging);
      await disk.removeDirectory(staging);
    });
    throw error;
  }
}

async function writeFiles(
  env: StoreEnvironment,
  { volume, signal, onProgress = () => {} }: RestoreVolumeOptions,
  state: VolumeState,
  reader: GenerationReader,
  staging: string,
): Promise<Pick<RestoredVolume, 'files' | 'liveNeedles' | 'damaged'>> {
  const baseName = formatVolumeName(volume);
  const { version, offsetWidthBytes } = reader.position;
  const totalBytes = state.datSizeBytes + state.idxSizeBytes;
  let doneBytes = 0;
  const onWritten = (lengthBytes: number) => {
    doneBytes += lengthBytes;
    onProgress(doneBytes, totalBytes);
  };
  const files = await reader.openState(state);
  try {
    const [datContent, idxContent] = [files.dat.checked(signal), files.idx.checked(signal)];
    const dat = await writeRestoredFile(env, staging, `${baseName}.dat`, datContent, onWritten);
    const idx = await writeRestoredFile(env, staging, `${baseName}.idx`, idxContent, onWritten);
    const info = chunksOf(new TextEncoder().encode(writeVolumeInfo(await reader.readInfo())));
    const vif = await writeRestoredFile(env, staging, `${baseName}.vif`, info);
    const written = { directory: staging, dat, idx, version, offsetWidthBytes };
    const checked = await checkRestored(env, written, signal);
    return { files: [dat, idx, vif], ...checked };
  } finally {
    await files.close();
  }
}

function restorableState(state: VolumeState): RestorableState {
  return {
    ...state,
    instant: formatInstant(instantOf(state)),
    committedAt: formatInstant(atNs(state.committedAtMs)),
    neededBytes: state.datSizeBytes + state.idxSizeBytes + SMALL_FILES_BYTES,
  };
}

function manifestOf(restored: RestoredVolume): Uint8Array {
  const show = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
  return new TextEncoder().encode(`${JSON.stringify(restored, show, 2)}\n`);
}
