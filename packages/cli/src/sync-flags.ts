import { defaultSyncPolicy, type SyncPolicy } from '@holdfast/follower';
import { masterFlag } from './cluster.js';
import { excludeFlag, volumeFlag } from './common-flags.js';
import { durationMs, formatDuration, fraction, integer, nonEmpty, sizeBytes } from './flag-values.js';
import type { Flags, FlagValues } from './flags.js';
import { securityFlags } from './security.js';
import { UsageError } from './usage-error.js';
import type { VolumeSelection } from './volume-selection.js';

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
  'take-over': {
    kind: 'switch',
    help: 'build copies where a volume server has run or foreign files lie; strays are kept',
  },
  ...securityFlags,
} as const satisfies Flags;

export type SyncFlagValues = FlagValues<typeof syncFlags>;

export function policyOf(flags: SyncFlagValues): SyncPolicy {
  return {
    ...defaultSyncPolicy,
    keepForMs: flags['keep-for'],
    keepGenerations: flags['keep-generations'],
    maxLoss: flags['max-loss'],
    minFreeBytes: flags['min-free'],
    vacuumWaitMs: flags['vacuum-wait'],
  };
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
