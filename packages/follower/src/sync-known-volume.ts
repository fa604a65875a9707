import { formatVolumeName, type Timers } from '@holdfast/format';
import { openVolumeHome, type StoreEnvironment, StoreError, type VolumeHome } from '@holdfast/store';
import { FollowError } from './errors.js';
import type { SyncPolicy } from './policy.js';
import { failedReport, type SyncProgress, type SyncReport } from './report.js';
import { syncVolume } from './sync-volume.js';
import { chooseLocation, type KnownVolume } from './volume-source.js';

export interface SyncContext {
  readonly directory: string;
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  readonly policy: SyncPolicy;
  /** Treats files that are not held as a pool although a server may have written into them. Default false. */
  readonly takeOver: boolean;
  /** Reads the directory lock again; called before each position is renamed. */
  readonly assertLocked: () => Promise<void>;
  readonly onProgress: (progress: SyncProgress) => void;
}

/** Opens the volume's home, syncs it with the right location, prunes, closes. Never throws but for an aborted signal. */
export async function syncKnownVolume(
  known: KnownVolume,
  context: SyncContext,
  signal: AbortSignal,
): Promise<SyncReport> {
  const { volume } = known;
  if (known.unsupported !== undefined) return unsupportedReport(known);
  let home: VolumeHome | undefined;
  try {
    const { directory, env, takeOver, assertLocked } = context;
    home = await openVolumeHome(env, { directory, volume, takeOver, assertLocked });
    const location = chooseLocation(known.locations, home.held?.position.leaderCopy.server);
    if (location === undefined) return failedReport(volume, notFound(known));
    const { policy, timers, onProgress } = context;
    const { leader, server } = location;
    const report = await syncVolume({
      home,
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
    await home.prune(policy, env.clock.nowMs());
    return report;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StoreError) return failedReport(volume, error);
    throw error;
  } finally {
    await home?.close();
  }
}

function notFound({ volume }: KnownVolume): FollowError {
  const { volumeId } = volume;
  const message = `volume ${formatVolumeName(volume)}: no server has it now; what is held here is kept`;
  return new FollowError('volume-not-found', message, { volumeId });
}

function unsupportedReport({ volume, unsupported }: KnownVolume): SyncReport {
  const message = `volume ${formatVolumeName(volume)} is ${unsupported}: it cannot be followed; exclude it or restore it to a plain volume`;
  const error = new FollowError('unsupported', message, { volumeId: volume.volumeId });
  return { ...failedReport(volume, error), outcome: 'unsupported' };
}
