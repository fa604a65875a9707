import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const CHOOSE_LEADER = 'follower/src/cluster/choose-leader.ts';
const COUNT_LIVE = 'follower/src/count-live.ts';
const FINISH_BUILD = 'follower/src/build/finish-build.ts';
const FORMER = 'store/src/generation/former-generations.ts';
const LOSS_GUARD = 'follower/src/loss-guard.ts';
const VANISHED = 'follower/src/cluster/vanished.ts';

/** What is kept, for whom, for how long, and out of which of several leader copies. */
export const KEEPING_BUGS: readonly PlantedBug[] = huntedBy(
  ['keeping'],
  [
    plantedBug(
      'loss-guard-never-trips',
      3,
      'no loss is ever too great',
      LOSS_GUARD,
      '  return position.liveNeedles < (1 - maxLoss) * position.greatestLiveNeedles;\n',
      '  return position.liveNeedles < (1 - maxLoss) * Math.min(0, position.greatestLiveNeedles);\n',
    ),
    plantedBug(
      'appended-loss-not-held',
      3,
      'a loss that an append brought is told, and nothing is held',
      COUNT_LIVE,
      "  if (isLossTooGreat(next, policy.maxLoss)) await home.holdPresent('loss-guard');\n",
      '  void [isLossTooGreat, home, policy];\n',
    ),
    plantedBug(
      'built-loss-not-held',
      3,
      'a loss that a build brought is told, and nothing is held',
      FINISH_BUILD,
      "    await run.home.holdPresent('loss-guard');\n",
      '    void run.home;\n',
    ),
    plantedBug(
      'loss-not-counted-after-a-break',
      11,
      'what a run appended before it was cut short is not counted by the next, which has nothing to do',
      LOSS_GUARD,
      '  return countedIdxSizeBytes !== idxSizeBytes;\n',
      '  return countedIdxSizeBytes !== idxSizeBytes && idxSizeBytes < 0;\n',
    ),
    plantedBug(
      'release-keeps-the-measure',
      11,
      'the loss guard trips again as soon as it has been released',
      LOSS_GUARD,
      '{ ...withLiveNeedles(held.position, count), greatestLiveNeedles: count }',
      'withLiveNeedles(held.position, count)',
    ),
    plantedBug(
      'release-releases-nothing',
      11,
      'a release sets the measure, and what is held stays so',
      LOSS_GUARD,
      '  await home.release();\n',
      '',
    ),
    plantedBug(
      'held-generation-pruned-by-a-follower',
      3,
      'a generation that is held for an operator is pruned as others are',
      FORMER,
      'if (heldFor !== null || isYoung',
      'if (isYoung',
    ),
    plantedBug(
      'young-generation-pruned',
      3,
      'a former generation is kept for half as long as it should be',
      FORMER,
      'nowMs - replacedAtMs < policy.keepForMs;',
      'nowMs - replacedAtMs < policy.keepForMs / 2;',
    ),
    plantedBug(
      'one-generation-too-few-kept',
      3,
      'of the last former generations one less is kept than should be',
      FORMER,
      'rank < policy.keepGenerations) continue;',
      'rank < policy.keepGenerations - 1) continue;',
    ),
    plantedBug(
      'nothing-pruned',
      8,
      'former generations are kept for ever',
      'follower/src/cluster/sync-known-volume.ts',
      '    await home.prune(policy, env.clock.nowMs());\n',
      '',
    ),
    plantedBug(
      'failover-drops-what-was-held',
      3,
      'the copy of another server is put in the place of the former one, which is not kept',
      'store/src/generation/open-volume-home.ts',
      '    const formerId = await formerIdFor();\n',
      '    const isOther = owned?.generation.position.leaderCopy.server !== record.position.leaderCopy.server;\n' +
        '    const formerId = owned !== undefined && isOther ? null : await formerIdFor();\n',
    ),
    plantedBug(
      'failover-at-once',
      1,
      'a server that is away for a moment is not waited for',
      CHOOSE_LEADER,
      '  return nowMs() - leaderSinceMs >= failoverAfterMs;\n',
      '  return nowMs() >= leaderSinceMs;\n',
    ),
    plantedBug(
      'failover-never',
      5,
      'a server that is away is waited for, however long',
      CHOOSE_LEADER,
      '  return nowMs() - leaderSinceMs >= failoverAfterMs;\n',
      '  return nowMs() < leaderSinceMs;\n',
    ),
    plantedBug(
      'failover-to-the-lowest-tail',
      1,
      'of several copies the one that has least is followed',
      CHOOSE_LEADER,
      'tail > best.tail',
      'tail < best.tail',
    ),
    plantedBug(
      'away-taken-for-gone',
      3,
      'a server that is away has taken its volumes with it, and their copies are removed',
      VANISHED,
      '    return listing.servers.has(server);\n',
      '    return listing.servers.size >= 0;\n',
    ),
    plantedBug(
      'vanished-volume-removed-early',
      3,
      'the copy of a volume that is gone is kept for half as long as it should be',
      VANISHED,
      'nowMs() - volumeSinceMs < pruneAfterMs)',
      'nowMs() - volumeSinceMs < pruneAfterMs / 2)',
    ),
    plantedBug(
      'vanished-volume-never-removed',
      8,
      'the copy of a volume that is gone is kept for ever',
      VANISHED,
      "    if (volumeSinceMs === null || pruneAfterMs === undefined) return 'kept';\n",
      "    if (volumeSinceMs === null || pruneAfterMs !== -1) return 'kept';\n",
      ['liveness'],
    ),
    plantedBug(
      'vanished-volume-removed-though-held',
      3,
      'the copy of a volume that is gone is removed, though an operator has still to decide about it',
      'store/src/generation/remove-volume.ts',
      "  if (await isWaitedFor(context)) return 'held';\n",
      '  void isWaitedFor;\n',
    ),
    plantedBug(
      'collection-left-out',
      1,
      'the files of a volume are called after its id alone',
      'store/src/generation/layout.ts',
      '  const baseName = formatVolumeName(volume);\n',
      "  const baseName = formatVolumeName({ ...volume, collection: '' });\n",
    ),
  ],
);
