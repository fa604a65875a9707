import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

/** The adapter over real files. */
export const DISK_BUGS: readonly PlantedBug[] = huntedBy(
  ['disk'],
  [
    plantedBug(
      'short-write-ignored',
      3,
      'the disk takes less than it was given, and nobody looks',
      'store/src/node/node-file.ts',
      '  while (written < bytes.length) {\n    const { bytesWritten }',
      '  while (written === 0 && bytes.length > 0) {\n    const { bytesWritten }',
    ),
    plantedBug(
      'short-read-ignored',
      1,
      'the disk gives less than was asked for, and nobody asks again',
      'store/src/node/node-file.ts',
      '          if (bytesRead === 0) break;\n          filled += bytesRead;\n',
      '          filled += bytesRead;\n          break;\n',
    ),
  ],
);
