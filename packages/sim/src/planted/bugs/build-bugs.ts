import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const TILING = 'index/src/tiling.ts';

/** How a new generation is planned. */
export const BUILD_BUGS: readonly PlantedBug[] = huntedBy(
  ['index'],
  [
    plantedBug(
      'plan-ends-with-its-last-record',
      5,
      'what lies behind the last indexed record is in no plan',
      TILING,
      "  if (claims.datSizeBytes > offset) yield { kind: 'gap', offset, lengthBytes: claims.datSizeBytes - offset };\n",
      '',
    ),
    {
      name: 'plan-with-gaps',
      breaks: 1,
      mistake: 'bytes that no entry covers are left out of a plan, and zeros stand in their place',
      edits: [
        {
          file: TILING,
          from: "      if (tile.offset > offset) yield { kind: 'gap', offset, lengthBytes: tile.offset - offset };\n",
          to: '',
        },
        {
          file: 'follower/src/build/step-plan.ts',
          from: 'const isWhole = this.#offset === tile.offset;',
          to: 'const isWhole = this.#offset <= tile.offset;',
        },
      ],
    },
  ],
);
