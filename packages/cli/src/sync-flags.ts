import { createRateLimit, defaultSyncPolicy, type SyncContext, type SyncPolicy } from '@holdfast/follower';
import { masterFlag } from './cluster.js';
import { excludeFlag, volumeFlag } from './common-flags.js';
import { durationMs, formatDuration, fraction, integer, nonEmpty, sizeBytes } from './flag-values.js';
import type { Flags, FlagValues } from './flags.js';
import { securityFlags } from './security.js';
import { UsageError } from './usage-error.js';
import type { VerbContext } from './verb.js';
import type { VolumeSelection } from './volume-selection.js';
import type { WorkingDirectory } from './working-directory.js';

/** Which volumes, of which cluster. */
export const selectionFlags = {
  volume: volumeFlag,
  exclude: excludeFlag,
  collection: {
    kind: 'option',
    placeholder: 'C',
    help: "only this collection; '' is the one without a name (default: all)",
    parse: (text: string) => text,
  },
} as const;

/** `--dir`, wherever one is needed. */
export const directoryFlag = {
  kind: 'option',
  placeholder: 'DIR',
  help: 'the directory of volumes',
  parse: nonEmpty,
  isRequired: true,
} as const;

/** The flags that `backup` and `follow` share. */
export const syncFlags = {
  master: { ...masterFlag, isRequired: true },
  dir: directoryFlag,
  ...selectionFlags,
  'keep-for': {
    kind: 'option',
    placeholder: 'TIME',
    help: 'keep what a volume was before a rebuild for so long',
    parse: durationMs(0),
    fallback: formatDuration(defaultSyncPolicy.keepForMs),
  },
  'keep-generations': {
    kind: 'option',
    placeholder: 'N',
    help: 'keep so many of them in any case',
    parse: integer(0, 1000),
    fallback: `${defaultSyncPolicy.keepGenerations}`,
  },
  'max-loss': {
    kind: 'option',
    placeholder: 'SHARE',
    help: 'share of live needles that may vanish before the former state is held and the exit code is 7',
    parse: fraction,
    fallback: `${defaultSyncPolicy.maxLoss * 100}%`,
  },
  'min-free': {
    kind: 'option',
    placeholder: 'SIZE',
    help: 'what must stay free on the disk',
    parse: sizeBytes(0),
    fallback: `${defaultSyncPolicy.minFreeBytes / 2 ** 20}MiB`,
  },
  'max-rate': {
    kind: 'option',
    placeholder: 'SIZE',
    help: 'most bytes a second read from the cluster, all volumes together (default: no limit)',
    parse: sizeBytes(1024),
  },
  'vacuum-wait': {
    kind: 'option',
    placeholder: 'TIME',
    help: 'how long a vacuum that is open on the leader is waited for before whole files are copied',
    parse: durationMs(0, 24 * 3_600_000),
    fallback: formatDuration(defaultSyncPolicy.vacuumWaitMs),
  },
  'failover-after': {
    kind: 'option',
    placeholder: 'TIME',
    help: 'go over to another replica when the one that is followed has been away for so long (default: wait for it)',
    parse: durationMs(0),
  },
  prune: {
    kind: 'switch',
    help: 'remove the copy of a volume that its server, still there, has not listed for --prune-after',
  },
  'prune-after': {
    kind: 'option',
    placeholder: 'TIME',
    help: 'how long a volume has to be gone before --prune removes its copy',
    parse: durationMs(0),
    fallback: '7d',
  },
  'no-pool': {
    kind: 'switch',
    help: 'fetch every byte of a rebuild from the leader, nothing from what is here',
  },
  'take-over': {
    kind: 'switch',
    help: 'build copies where a volume server has run or foreign files lie; strays are kept',
  },
  'dry-run': {
    kind: 'switch',
    help: 'tell what would be done to each volume, what it would read and take; write nothing',
  },
  ...securityFlags,
} as const satisfies Flags;

export type SyncFlagValues = FlagValues<typeof syncFlags>;

function policyOf(flags: SyncFlagValues): SyncPolicy {
  return {
    ...defaultSyncPolicy,
    keepForMs: flags['keep-for'],
    keepGenerations: flags['keep-generations'],
    maxLoss: flags['max-loss'],
    minFreeBytes: flags['min-free'],
    vacuumWaitMs: flags['vacuum-wait'],
    usePool: !flags['no-pool'],
  };
}

/** What the flags, the machine and the directory make of a run. */
export function syncContextOf(
  flags: SyncFlagValues,
  directory: WorkingDirectory,
  { env, timers }: VerbContext,
): Omit<SyncContext, 'onProgress'> {
  const maxRate = flags['max-rate'];
  return {
    directory: directory.path,
    env,
    timers,
    policy: policyOf(flags),
    takeOver: flags['take-over'],
    assertLocked: directory.assertLocked,
    rateLimit: maxRate === undefined ? undefined : createRateLimit(maxRate, env.clock, timers),
    failoverAfterMs: flags['failover-after'],
  };
}

/** `undefined`: no copy is ever removed. */
export function pruneAfterMs(flags: SyncFlagValues): number | undefined {
  return flags.prune ? flags['prune-after'] : undefined;
}

export function selectionOf(flags: FlagValues<typeof selectionFlags>): VolumeSelection {
  const { volume: volumes, exclude, collection } = flags;
  for (const { first, last } of volumes) {
    if (exclude.some((range) => range.first <= first && last <= range.last)) {
      throw new UsageError(
        `--exclude leaves nothing of --volume ${first === last ? first : `${first}-${last}`}`,
      );
    }
  }
  return { volumes, exclude, collection };
}
