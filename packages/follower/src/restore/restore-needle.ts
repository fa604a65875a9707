import { ensureFree, type StoreEnvironment } from '@holdfast/store';
import { type FindNeedleOptions, type FoundNeedle, findNeedle } from './find-needle.js';
import {
  assertAbsent,
  chunksOf,
  type RestoredFile,
  removeIfThere,
  tidyUp,
  writeRestoredFile,
} from './restored-file.js';

/** A file to write: a name without a path in it, and all of its content. */
export interface NeedleFile {
  readonly name: string;
  readonly content: Uint8Array;
}

export interface RestoreNeedleOptions extends FindNeedleOptions {
  /** A directory that is there. */
  readonly out: string;
  /** Bytes that must stay free on its disk. */
  readonly minFreeBytes: number;
  /** What the file is called, and what of the needle is in it. Default content: as stored. */
  readonly fileOf: (found: FoundNeedle) => NeedleFile;
}

export interface RestoredNeedle extends FoundNeedle {
  readonly file: RestoredFile;
}

/** Writes one needle to a file, durably and under its name only when it is whole. Errors as `findNeedle`, and `exists`, `no-space`. */
export async function restoreNeedle(
  env: StoreEnvironment,
  options: RestoreNeedleOptions,
): Promise<RestoredNeedle> {
  const { disk } = env;
  const { out, minFreeBytes, fileOf } = options;
  const found = await findNeedle(env, options);
  const { name, content } = fileOf(found);
  const path = `${out}/${name}`;
  const staged = `.restoring-${options.needleId.toString(16)}`;
  await assertAbsent(env, out, [name]);
  await ensureFree(env, out, content.length, minFreeBytes);
  await removeIfThere(disk, `${out}/${staged}`);
  try {
    const file = await writeRestoredFile(env, out, staged, chunksOf(content));
    await assertAbsent(env, out, [name]);
    await disk.rename(`${out}/${staged}`, path);
    await disk.syncDirectory(out);
    return { ...found, file: { ...file, name } };
  } catch (error) {
    await tidyUp(() => removeIfThere(disk, `${out}/${staged}`));
    throw error;
  }
}
