import type { RandomAccess } from '@holdfast/index';
import type { StoreEnvironment } from '../environment.js';
import { StoreError } from '../errors.js';
import { checkedBytes, type DigestedContent } from './block-digests.js';
import { boundedAccess } from './bounded-access.js';
import type { HistoryLine } from './history.js';

/** One of the two files of a generation as it was at a committed state. */
export interface StateFile extends RandomAccess {
  /**
   * All of it, front to back, each block of 64 KiB compared with its digest before any of it is given out. Error
   * `corrupt`, with the offset, at the first block that is not as it was committed.
   */
  checked(signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined>;
}

/** The files of a generation as they were at a committed state, or between two. */
export interface GenerationState {
  readonly dat: StateFile;
  readonly idx: StateFile;
  close(): Promise<void>;
}

/** Which state: lengths, and the index file that the second one counts in. */
export type StateLengths = Pick<HistoryLine, 'datSizeBytes' | 'idxSizeBytes' | 'indexSerial'>;

/** The first `lengthBytes` of a file of the generation. */
export function stateFile(
  env: StoreEnvironment,
  name: string,
  source: RandomAccess,
  content: DigestedContent,
  lengthBytes: number,
): StateFile {
  const fail = ({ offset, reason }: { readonly offset: number; readonly reason: string }) =>
    new StoreError('corrupt', `${name}: the block at ${offset} is not as it was committed (${reason})`, {
      path: name,
      offset,
    });
  return {
    ...boundedAccess(source, () => lengthBytes),
    checked: (signal) => checkedBytes(env.sha256, source, content, lengthBytes, fail, signal),
  };
}
