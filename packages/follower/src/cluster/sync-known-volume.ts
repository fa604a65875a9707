import { formatVolumeName, type Timers, type VolumeName } from '@holdfast/format';
import type { LeaderClient } from '@holdfast/protocol';
import {
  type AbsenceLedger,
  isStoreError,
  openVolumeHome,
  type StoreEnvironment,
  StoreError,
  type VolumeHome,
} from '@holdfast/store';
import { FollowError } from '../errors.js';
import type { SyncPolicy } from '../policy.js';
import { failedReport, isProved, type SyncProgress, type SyncReport } from '../report.js';
import { syncVolume } from '../sync-volume.js';
import { syncFromLeader } from './choose-leader.js';
import type { RateLimit } from './rate-limit.js';
import type { TurnLimits } from './turns.js';
import type { KnownVolume, VolumeLocation } from './volume-source.js';

/** What many volumes are synced with. */
export interface SyncContext {
  /** The caller has its lock. */
  readonly directory: string;
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  readonly policy: SyncPolicy;
  /** Treats files that are not held as a pool although a server may have written into them. Default false. */
  readonly takeOver?: boolean;
  /** Reads the directory lock again; called before each position is renamed. */
  readonly assertLocked: () => Promise<void>;
  readonly onProgress?: ((progress: SyncProgress) => void) | undefined;
  /** Default: none. */
  readonly rateLimit?: RateLimit | undefined;
  /** Default: `defaultTurnLimits`. */
  readonly turnLimits?: Partial<TurnLimits> | undefined;
  /** How long a pinned leader copy that is unreachable is waited for. Default: for ever. */
  readonly failoverAfterMs?: number | undefined;
}

/** What one turn has beside the context of all. */
export interface TurnContext extends SyncContext {
  readonly absences: AbsenceLedger;
  /** The servers that the cluster counts as alive, by name. */
  readonly servers: ReadonlyMap<string, LeaderClient>;
  /** Volumes whose last turn of this process ended with everything done and durable, by name. */
  readonly settled?: Set<string>;
  /** How this turn speaks to a leader. */
  readonly reach: (leader: LeaderClient) => LeaderClient;
  /** Takes over the volume, still open, after a sync that proved equality. */
  readonly onSynced?: (synced: SyncedVolume, report: SyncReport) => Promise<void>;
}

/** A volume at its leader's tail. */
export interface SyncedVolume {
  readonly home: VolumeHome;
  readonly location: VolumeLocation;
}

/** Opens the volume's home, syncs it with the right leader copy, prunes, closes. Never throws but for an aborted signal. */
export async function syncKnownVolume(
  known: KnownVolume,
  context: TurnContext,
  signal: AbortSignal,
): Promise<SyncReport> {
  const { volume } = known;
  if (known.unsupported !== undefined) return unsupportedReport(known);
  const name = formatVolumeName(volume);
  const isSettled = context.settled?.delete(name) ?? false;
  let home: VolumeHome | undefined;
  let isDone = false;
  let syncedFrom: VolumeLocation | undefined;
  try {
    const { directory, env, takeOver = false, assertLocked, policy, timers, onProgress } = context;
    const opened = await openVolumeHome(env, { directory, volume, takeOver, assertLocked, isSettled });
    home = opened;
    const report = await syncFromLeader({
      known,
      home,
      server: (name) => context.servers.get(name),
      absences: context.absences,
      failoverAfterMs: context.failoverAfterMs,
      nowMs: () => env.clock.nowMs(),
      signal,
      syncFrom: (location) => {
        syncedFrom = location;
        const { server } = location;
        const leader = context.reach(location.leader);
        return syncVolume({
          home: opened,
          directory,
          volume,
          leader,
          server,
          env,
          timers,
          policy,
          signal,
          onProgress,
        });
      },
    });
    await home.prune(policy, env.clock.nowMs()).catch((error: unknown) => {
      // A home that a failure has ended says no more than that; the run's own report says of what.
      if (report.outcome !== 'failed' || !isStoreError(error, 'closed')) throw error;
    });
    if (syncedFrom !== undefined && isProved(report))
      await context.onSynced?.({ home, location: syncedFrom }, report);
    isDone = report.ok && home.held?.isFailed === false;
    return report;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StoreError) return failedReport(volume, error);
    throw error;
  } finally {
    await home?.close();
    if (isDone) context.settled?.add(name);
  }
}

function unsupportedReport(known: KnownVolume): SyncReport {
  return { ...failedReport(known.volume, unsupportedError(known)), outcome: 'unsupported' };
}

/** Why an erasure-coded or a remote volume is not followed. */
export function unsupportedError({ volume, unsupported }: KnownVolume): FollowError {
  const message = `volume ${formatVolumeName(volume)} is ${unsupported}: it cannot be followed; exclude it or restore it to a plain volume`;
  return new FollowError('unsupported', message, { volumeId: volume.volumeId });
}

/** The report of a volume that no file can be named after. */
export function unnameableReport(volume: VolumeName): SyncReport {
  return { ...failedReport(volume, unnameableError(volume)), outcome: 'unsupported' };
}

export function unnameableError({ volumeId, collection }: VolumeName): FollowError {
  const message = `volume ${volumeId} of the collection ${JSON.stringify(collection)} cannot be followed: no file can be named so`;
  return new FollowError('unsupported', message, { volumeId });
}
