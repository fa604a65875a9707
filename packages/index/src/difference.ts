import type { IdxEntry } from '@holdfast/format';
import type { TableOptions } from './entry-table.js';
import type { IdxFile } from './idx-file.js';
import { readLiveSet } from './live-set.js';

/** One needle that is live in one index and not, or not the same, in the other. */
export type IndexDifference =
  | { readonly kind: 'added'; readonly after: IdxEntry }
  | { readonly kind: 'removed'; readonly before: IdxEntry }
  | { readonly kind: 'changed'; readonly before: IdxEntry; readonly after: IdxEntry };

export interface DifferenceOptions extends TableOptions {
  /**
   * What makes a needle another one. `size-and-offset` (default): for two states of one file; `size`: for two
   * generations, in which every record has moved; `nothing`: each needle that both have is given as changed, to whoever
   * compares the records themselves.
   */
  readonly compare?: 'size-and-offset' | 'size' | 'nothing';
}

/** How the live needles of two indexes differ, by ascending needle id. At most 28 bytes an entry of either. */
export async function* differenceOfIndexes(
  before: IdxFile,
  after: IdxFile,
  options: DifferenceOptions = {},
): AsyncGenerator<IndexDifference, void, undefined> {
  const { compare = 'size-and-offset' } = options;
  const old = await readLiveSet(before, options);
  const present = await readLiveSet(after, options);
  let i = 0;
  let j = 0;
  while (i < old.count || j < present.count) {
    const was = i < old.count ? old.entryAt(i) : undefined;
    const is = j < present.count ? present.entryAt(j) : undefined;
    if (is === undefined || (was !== undefined && was.needleId < is.needleId)) {
      yield { kind: 'removed', before: was! };
      i++;
    } else if (was === undefined || is.needleId < was.needleId) {
      yield { kind: 'added', after: is };
      j++;
    } else {
      const hasMoved = compare === 'size-and-offset' && was.offset !== is.offset;
      if (compare === 'nothing' || hasMoved || was.sizeBytes !== is.sizeBytes)
        yield { kind: 'changed', before: was, after: is };
      i++;
      j++;
    }
  }
}
