import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const TILING = 'index/src/tiling.ts';
const BY_STEPS = 'follower/src/build/build-by-steps.ts';
const POOL_RECORD = 'follower/src/build/pool-record.ts';
const RESUMABLE = 'follower/src/build/resumable.ts';

/** How a new generation is planned. */
const PLAN_BUGS: readonly PlantedBug[] = huntedBy(
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

/** How it is put together out of a pool and the leader. */
const ASSEMBLY_BUGS: readonly PlantedBug[] = huntedBy(
  ['build'],
  [
    plantedBug(
      'build-step-not-fenced',
      1,
      'the steps of a build are committed as they come',
      BY_STEPS,
      '      await fence(run, sighting, [anchorOf(unfinished.target), ...before, ...ends]);\n',
      '      void [fence, sighting, anchorOf, before];\n',
    ),
    plantedBug(
      'index-chunk-held-too-long',
      1,
      'a chunk of the index is used after the next one was asked for',
      'follower/src/fenced-index.ts',
      'last = chunk.slice();',
      'last = chunk;',
      ['safety'],
    ),
    {
      name: 'build-without-anchor',
      breaks: 1,
      mistake: 'an unfinished build goes on without a look at the tail that it aims at',
      edits: [
        {
          file: RESUMABLE,
          from: '[anchorOf(target), ...(await builtWitnesses(unfinished, run.signal))]',
          to: '[...(await builtWitnesses(unfinished, run.signal))]',
        },
        {
          file: BY_STEPS,
          from: '[anchorOf(unfinished.target), ...before, ...ends]',
          to: '[...before, ...ends]',
        },
      ],
    },
    plantedBug(
      'resumed-build-not-proved',
      5,
      'an unfinished build goes on whatever the leader has become',
      RESUMABLE,
      '  return isProved ? unfinished : undefined;\n',
      '  return isProved ? unfinished : unfinished;\n',
    ),
    plantedBug(
      'pool-data-without-crc',
      5,
      "data are taken from the pool without the leader's CRC, and what has rotted there makes build after build fail",
      POOL_RECORD,
      '  if (!isCrcOf(storedCrc, crc)) return undefined;\n',
      '  if (!isCrcOf(crc, crc)) return undefined;\n  void storedCrc;\n',
    ),
    plantedBug(
      'pool-data-of-a-larger-size',
      9,
      'how long the data of a pool record say that they are is not held against the record',
      POOL_RECORD,
      'if (dataSizeBytes === 0 || dataStart + dataSizeBytes > NEEDLE_HEADER_SIZE_BYTES + sizeBytes)\n',
      'if (dataSizeBytes === 0 || sizeBytes === 0)\n',
    ),
    plantedBug(
      'lineage-of-the-former',
      5,
      'a rebase keeps the lineage of what it replaces, and every run rebases again',
      'follower/src/build/finish-build.ts',
      '    lineageId: target.lineageId,\n',
      '    lineageId: former?.lineageId ?? target.lineageId,\n',
      ['liveness'],
    ),
  ],
);

/** How a new generation is made. */
export const BUILD_BUGS: readonly PlantedBug[] = [...PLAN_BUGS, ...ASSEMBLY_BUGS];
