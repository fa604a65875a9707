import type { Disk } from '../disk.js';
import { ensureDirectory, readWhole, removeIfThere, replaceFile } from '../generation/small-file.js';
import type { VolumePaths } from './volume-paths.js';

const MAX_NOTE_BYTES = 4096;

/**
 * A note beside a volume that is being written to, durable before the first record is. It says that the index gets its
 * entries only when their records are durable: what it lacks from this offset on has been promised to nobody. In a
 * volume that somebody else has written nothing says so, and records without entries may be all that is left of them.
 */
export interface WritingNote {
  /** Where in the `.dat` the writer began. */
  readonly fromOffset: number;
  /** Where in the `.idx`. */
  readonly fromIdxOffset: number;
}

export async function writeWritingNote(disk: Disk, paths: VolumePaths, note: WritingNote): Promise<void> {
  await ensureDirectory(disk, `${paths.directory}/.holdfast`);
  await replaceFile(disk, notePath(paths), new TextEncoder().encode(`${JSON.stringify(note)}\n`));
}

/** `undefined` without a note, or with one that does not say. */
export async function readWritingNote(disk: Disk, paths: VolumePaths): Promise<WritingNote | undefined> {
  const bytes = await readWhole(disk, notePath(paths), MAX_NOTE_BYTES);
  if (bytes === undefined) return undefined;
  try {
    const json = JSON.parse(new TextDecoder().decode(bytes)) as Partial<WritingNote> | null;
    const { fromOffset, fromIdxOffset } = json ?? {};
    return Number.isSafeInteger(fromOffset) && Number.isSafeInteger(fromIdxOffset)
      ? { fromOffset: fromOffset!, fromIdxOffset: fromIdxOffset! }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Takes the note away. That it may come back after a crash does no harm: all that was written has its entries. */
export async function removeWritingNote(disk: Disk, paths: VolumePaths): Promise<void> {
  await removeIfThere(disk, notePath(paths));
}

function notePath({ directory, name }: VolumePaths): string {
  return `${directory}/.holdfast/${name}.writing`;
}
