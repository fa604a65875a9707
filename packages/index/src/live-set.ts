import type { IdxEntry } from '@holdfast/format';
import { type EntryTable, loadEntryTable, type TableOptions } from './entry-table.js';
import type { IdxFile } from './idx-file.js';
import { itemNumbers } from './radix-order.js';

/** The needles that an index says are live, empty ones included, in the order of their ids. */
export interface LiveSet {
  readonly count: number;
  /** The i-th: its id, its last entry's offset and size. */
  entryAt(i: number): IdxEntry;
}

/** 28 bytes an entry of the index while it is made, 24 after. */
export async function readLiveSet(idx: IdxFile, options: TableOptions = {}): Promise<LiveSet> {
  const table = await loadEntryTable(idx, options);
  const live = liveOrder(table);
  return { count: live.length, entryAt: (i) => table.entryAt(live[i]!) };
}

/** Item numbers of the last entry of each id that is not a deletion, by id: the sort leaves equal ids in log order. */
function liveOrder(table: EntryTable): Uint32Array {
  const order = itemNumbers(table.count);
  table.sortByNeedleId(order);
  let count = 0;
  for (let k = 0; k < order.length; k++) {
    const item = order[k]!;
    const isLast = k + 1 === order.length || !table.isSameNeedle(item, order[k + 1]!);
    const isLive = table.offsets[item] !== 0 && table.sizesBytes[item]! >= 0;
    if (isLast && isLive) order[count++] = item;
  }
  return order.subarray(0, count);
}
