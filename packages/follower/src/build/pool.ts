import { createRecordPlaceFinder, MAX_PLACE_SOURCES, openIdx, type RecordPlaces } from '@holdfast/index';
import type { PoolFiles, UnfinishedGeneration } from '@holdfast/store';
import type { VolumeRun } from '../run.js';
import { isUnusable, openPoolIndex } from './pool-index.js';
import { createPoolReader, type PoolReader } from './pool-reader.js';

/** One volume's files that records are taken from. */
export interface PoolSource extends PoolReader {
  /** Whether they were built as the copy that is built now: then the stamps of the same record agree. */
  readonly isSameCopy: boolean;
}

/** Everything that a build can take from, and where in it the records of the new generation should be. */
export interface Pool {
  readonly sources: readonly PoolSource[];
  readonly places: RecordPlaces;
  close(): Promise<void>;
}

/** Whether there is anything to take from. */
export async function hasPool({ home }: VolumeRun): Promise<boolean> {
  for await (const files of home.pool()) {
    await files.close();
    return true;
  }
  return false;
}

/**
 * The pool of a build whose index is there. Of the sources those count that have records which no better one has. At
 * most 34 bytes an index entry while it is opened, 6 afterwards.
 */
export async function openPool(run: VolumeRun, unfinished: UnfinishedGeneration): Promise<Pool> {
  const { target } = unfinished;
  const finder = await createRecordPlaceFinder(await openIdx(unfinished.idx, target.offsetWidthBytes), run);
  const { places } = finder;
  const sources: PoolSource[] = [];
  const opened: PoolFiles[] = [];
  const close = async () => {
    for (const files of opened.splice(0)) await files.close();
  };
  try {
    for await (const files of run.home.pool()) {
      opened.push(files);
      const before = places.count;
      const idx = await openPoolIndex(files, run.env.crc32c, run.signal);
      if (idx !== undefined)
        await finder.add(sources.length, idx, run.signal).catch((error) => {
          if (!isUnusable(error)) throw error;
        });
      if (places.count > before) {
        const isSameCopy = files.leaderCopy?.server === target.leaderCopy.server;
        sources.push({ ...createPoolReader(files.dat), isSameCopy });
      } else await opened.pop()?.close();
      if (finder.isComplete || sources.length === MAX_PLACE_SOURCES) break;
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { sources, places, close };
}
