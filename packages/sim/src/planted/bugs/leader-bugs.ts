import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

/** What Holdfast's own leader promises. */
export const LEADER_BUGS: readonly PlantedBug[] = huntedBy(
  ['leader'],
  [
    plantedBug(
      'write-not-waited-for',
      2,
      'a write that asked for it is answered before it is durable',
      'leader/src/needles/open-stored-volume.ts',
      '      if (isDurable) await durability.sync();\n',
      '      if (isDurable) void durability.sync().catch(() => {});\n',
    ),
  ],
);
