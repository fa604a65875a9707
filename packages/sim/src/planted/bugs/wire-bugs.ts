import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const STOCK_STATUS = 'seaweedfs/src/stock-status.ts';
const BLOB_WINDOW = 'seaweedfs/src/blob-window.ts';

/** What is asked of a leader, and what is believed of its answers. */
export const WIRE_BUGS: readonly PlantedBug[] = huntedBy(
  ['follow'],
  [
    plantedBug(
      'width-assumed',
      1,
      'offsets are taken for four bytes wide',
      STOCK_STATUS,
      '  if (told === 4 || told === 5) return told;\n',
      '  if (told === 4 || told === 5) return 4;\n',
    ),
    plantedBug(
      'closed-volume-taken-for-a-tail',
      3,
      'a volume that a failed vacuum closed is an empty one',
      STOCK_STATUS,
      '  if (datFileSize < SUPER_BLOCK_SIZE_BYTES) {\n',
      '  if (datFileSize < 0n) {\n',
    ),
    plantedBug(
      'negative-size-asked-for',
      12,
      'a range shorter than a record is asked for by a negative size',
      BLOB_WINDOW,
      'Math.max(Math.ceil(range.lengthBytes / 8) * 8, emptySizeBytes)',
      'Math.ceil(range.lengthBytes / 8) * 8',
    ),
    plantedBug(
      'range-reaches-past-the-tail',
      12,
      'windows begin with the range instead of ending with it',
      BLOB_WINDOW,
      '  const offset = range.offset + range.lengthBytes - lengthBytes;\n',
      '  const offset = range.offset;\n',
    ),
    plantedBug(
      'silence-waited-for',
      8,
      'a stream on which nothing comes is waited for without end',
      'seaweedfs/src/stock-caller.ts',
      '        const item = await (call.staysOpen ? iterator.next() : withinNoBytesTimeout(iterator, abort));',
      '        void withinNoBytesTimeout;\n          const item = await iterator.next();',
    ),
  ],
);
