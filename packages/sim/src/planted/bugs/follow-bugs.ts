import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const APPEND = 'follower/src/append.ts';
const CHOOSE = 'follower/src/choose.ts';
const FENCE = 'follower/src/fence.ts';
const SETTLE = 'follower/src/settle.ts';
const DECIDE = 'follower/src/decide.ts';
const SYNC_ONCE = 'follower/src/sync-once.ts';
const SYNC_VOLUME = 'follower/src/sync-volume.ts';

/** What a follower believes of a leader, and what it appends. */
export const FOLLOW_BUGS: readonly PlantedBug[] = huntedBy(
  ['follow'],
  [
    plantedBug(
      'time-stamps-trusted',
      7,
      'what is held is taken for the beginning of the leader where its stamps look right',
      DECIDE,
      '  if (!(await isOverlapEqual(run, held, sighting)))\n',
      "  void isOverlapEqual;\n  if (held.position.lastAppendAtNs === '')\n",
    ),
    {
      name: 'compaction-not-noticed',
      breaks: 6,
      mistake: 'a copy goes on after a compaction as long as it ends in the same bytes',
      edits: [
        {
          file: CHOOSE,
          from: '  if (position.revision !== status.revision)\n',
          to: '  if (position.revision > status.revision)\n',
        },
        {
          file: 'follower/src/prove.ts',
          from: '    if (superBlock !== undefined && !equalBytes(ours, superBlock)) return false;\n',
          to: '    void [ours, superBlock, equalBytes];\n',
        },
      ],
    },
    plantedBug(
      'step-not-fenced',
      1,
      'a step is committed without a second look at the leader',
      FENCE,
      '  const now = await run.volume.status(run.signal);\n  assertSameGeneration(run, sighting.status, now);\n',
      '  if (witnesses.length >= 0) return sighting.status;\n  const now = sighting.status;\n',
    ),
    plantedBug(
      'only-a-second-status',
      1,
      'after a step the status is asked for again and no record is read',
      FENCE,
      '    await confirm(run, all);\n',
      '    void [run, all, confirm];\n',
      ['build'],
    ),
    plantedBug(
      'no-second-status',
      1,
      'after a step records are read again and the status is not',
      FENCE,
      '  const now = await run.volume.status(run.signal);\n  assertSameGeneration(run, sighting.status, now);\n',
      '  const now = sighting.status;\n',
    ),
    {
      name: 'super-block-not-fenced',
      breaks: 1,
      mistake:
        'neither the fence nor the overlap looks at the super block, and the revision may only not fall',
      edits: [
        {
          file: FENCE,
          from: "      { what: 'the super block', offset: 0, bytes: sighting.superBlock },\n",
          to: '',
        },
        {
          file: FENCE,
          from: '  if (now.revision !== before.revision)\n',
          to: '  if (now.revision < before.revision)\n',
        },
        {
          file: 'follower/src/prove.ts',
          from: '    if (superBlock !== undefined && !equalBytes(ours, superBlock)) return false;\n',
          to: '    void [ours, superBlock, equalBytes];\n',
        },
      ],
    },
    plantedBug(
      'voided-step-not-rolled-back',
      1,
      'what a voided step wrote stays, and the next attempt writes behind it',
      APPEND,
      '    if (!held.isFailed) await held.rollback();\n',
      '',
      ['step'],
    ),
    plantedBug(
      'torn-tail-kept',
      1,
      'the committed offset of a build covers what is no whole record',
      'follower/src/build/finish-build.ts',
      '    datSizeBytes: rest.endOffset,\n',
      '    datSizeBytes: unfinished.builtBytes,\n',
      ['step'],
    ),
    plantedBug(
      'tail-rounded-up-not-asked-again',
      5,
      'a leader whose .dat is no multiple of 8 long cannot be read',
      FENCE,
      "const isRoundedUp = error instanceof LeaderError && error.code === 'past-end';",
      "const isRoundedUp = error instanceof LeaderError && error.code === 'refused';",
      ['step'],
    ),
    plantedBug(
      'longer-copy-goes-on',
      1,
      'a copy that is longer than its leader is appended to',
      CHOOSE,
      '  if (position.datSizeBytes > status.datSizeBytes)\n',
      '  if (position.datSizeBytes > 2 ** 43)\n',
    ),
    {
      name: 'idle-by-the-dat-alone',
      breaks: 6,
      hunts: ['step'],
      mistake: 'a copy whose .dat is as long as its leader is at the tail, whatever the index says',
      edits: [
        {
          file: CHOOSE,
          from: "return { kind: position.idxSizeBytes === status.idxSizeBytes ? 'idle' : 'adopt-index' };",
          to: "return { kind: 'idle' };",
        },
        {
          file: DECIDE,
          from: '  if (!isProved) return decided',
          to: '  if (isProved && held.position.idxSizeBytes < 0) return decided',
        },
      ],
    },
    plantedBug(
      'unreadable-overlap-passes',
      11,
      'where the disk does not give what is to be compared it counts as equal',
      'follower/src/prove.ts',
      "    if (isStoreError(error, 'disk-failed')) return false;\n",
      "    if (isStoreError(error, 'disk-failed')) return true;\n",
      ['step'],
    ),
    plantedBug(
      'entry-given-twice-behind-a-torn-tail',
      6,
      'the entry of a record that was torn when it was first seen is made again although the index has it',
      SETTLE,
      '    return this.#held.position.leaderTailBytes > 0;\n',
      '    return this.#held.position.leaderTailBytes < 0;\n',
      ['step'],
    ),
    plantedBug(
      'deletions-taken-for-empty-needles',
      6,
      'a record without data counts as an empty needle',
      SETTLE,
      '    if (frames.sizeZero.length === 0) return this.#step',
      '    if (frames.sizeZero.length >= 0) return this.#step',
    ),
    plantedBug(
      'empty-needles-taken-for-deletions',
      6,
      'a record without data counts as a deletion',
      SETTLE,
      'sizeBytes: isLive ? 0 : -1 }',
      'sizeBytes: isLive ? -1 : -1 }',
    ),
    plantedBug(
      'answer-about-another-moment',
      6,
      'what the leader says of a needle counts although it has been written since',
      SETTLE,
      '    if (!step.needsUnchanged || isUnchanged) return step.entries;\n',
      '    if (!step.needsUnchanged || isUnchanged || step.isLast) return step.entries;\n',
    ),
    plantedBug(
      'index-not-adopted',
      6,
      'an append leaves an index of another length than the leader has',
      SYNC_ONCE,
      '  if (held.position.idxSizeBytes !== sighting.status.idxSizeBytes)\n    return await adoptIndex(',
      '  if (held.position.idxSizeBytes < 0)\n    return await adoptIndex(',
    ),
    plantedBug(
      'failure-reported-as-success',
      11,
      'a run that gave up says what the last good one said',
      SYNC_VOLUME,
      "        return run.report('failed', translateError(error, options.volume));\n",
      "        return run.report('idle', translateError(error, options.volume) && undefined);\n",
    ),
    plantedBug(
      'compaction-not-waited-for',
      12,
      'ranges are asked for while a compaction is open',
      SYNC_ONCE,
      '  while (await run.volume.compactionOpen(run.signal)) {\n',
      '  while (until < 0 && (await run.volume.compactionOpen(run.signal))) {\n',
      ['step'],
    ),
  ],
);
