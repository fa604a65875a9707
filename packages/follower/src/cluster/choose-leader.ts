import { formatVolumeName } from '@holdfast/format';
import { LeaderError } from '@holdfast/protocol';
import type { AbsenceLedger, VolumeHome } from '@holdfast/store';
import { FollowError } from '../errors.js';
import { failedReport, type SyncReport } from '../report.js';
import type { KnownVolume, VolumeLocation } from './volume-source.js';

export interface LeaderChoiceOptions {
  readonly known: KnownVolume;
  readonly home: VolumeHome;
  /** A server by the name that positions have it under, whether or not it is listed with the volume. */
  readonly server: (name: string) => VolumeLocation['leader'] | undefined;
  readonly absences: AbsenceLedger;
  /** How long a pinned leader copy is waited for; `undefined`: for ever. */
  readonly failoverAfterMs: number | undefined;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  readonly syncFrom: (location: VolumeLocation) => Promise<SyncReport>;
}

/**
 * Syncs from the leader copy that is pinned. Replicas stamp and order for themselves, so another one is taken only where
 * the pinned server no longer has the volume, or has been away for longer than is waited for. A first copy comes from
 * any replica that answers.
 */
export async function syncFromLeader(options: LeaderChoiceOptions): Promise<SyncReport> {
  const { known, home } = options;
  const pinned = home.held?.position.leaderCopy.server;
  if (pinned === undefined) return await copyFromAny(options, home.unfinished?.target.leaderCopy.server);
  const others = known.locations.filter(({ server }) => server !== pinned);
  const listed = known.locations.find(({ server }) => server === pinned);
  const report = await syncFromPinned(options, pinned, listed);
  await options.absences.note(known.volume, { leader: report.code === 'leader-unreachable' });
  if (others.length === 0) return report;
  const isGone = listed === undefined && report.code === 'volume-not-found';
  if (!isGone && !isWaitOver(options)) return report;
  const next = await withHighestTail(options, others);
  if (next === undefined) return report;
  const moved = await options.syncFrom(next);
  if (moved.server !== pinned) await options.absences.note(known.volume, { leader: false });
  return { ...moved, bytesReceived: moved.bytesReceived + report.bytesReceived };
}

async function syncFromPinned(
  { known, server, syncFrom }: LeaderChoiceOptions,
  pinned: string,
  listed: VolumeLocation | undefined,
): Promise<SyncReport> {
  const leader = server(pinned);
  const location = listed ?? (leader && { server: pinned, leader });
  if (location !== undefined) return await syncFrom(location);
  const { volume } = known;
  const message = `volume ${formatVolumeName(volume)}: the cluster does not know ${pinned} now, whose copy is followed`;
  return failedReport(volume, new FollowError('leader-unreachable', message, { volumeId: volume.volumeId }));
}

function isWaitOver({ known, absences, failoverAfterMs, nowMs }: LeaderChoiceOptions): boolean {
  const { leaderSinceMs } = absences.of(known.volume);
  if (failoverAfterMs === undefined || leaderSinceMs === null) return false;
  return nowMs() - leaderSinceMs >= failoverAfterMs;
}

async function copyFromAny(
  { known, syncFrom }: LeaderChoiceOptions,
  begun: string | undefined,
): Promise<SyncReport> {
  // What is half built goes on where it was begun.
  const locations = [...known.locations].sort(
    (a, b) => Number(b.server === begun) - Number(a.server === begun),
  );
  let report = failedReport(known.volume, notFound(known));
  for (const location of locations) {
    report = await syncFrom(location);
    if (report.code !== 'leader-unreachable') break;
  }
  return report;
}

function notFound({ volume }: KnownVolume): FollowError {
  const { volumeId } = volume;
  const message = `volume ${formatVolumeName(volume)}: no server has it now; what is held here is kept`;
  return new FollowError('volume-not-found', message, { volumeId });
}

/** Of those that answer. */
async function withHighestTail(
  { known, signal }: LeaderChoiceOptions,
  locations: readonly VolumeLocation[],
): Promise<VolumeLocation | undefined> {
  const { volumeId, collection } = known.volume;
  let best: { readonly location: VolumeLocation; readonly tail: number } | undefined;
  for (const location of locations) {
    try {
      const session = await location.leader.openSession(signal);
      try {
        const { datSizeBytes: tail } = await session.volume(volumeId, collection).status(signal);
        if (best === undefined || tail > best.tail) best = { location, tail };
      } finally {
        await session.close();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof LeaderError)) throw error;
    }
  }
  return best?.location;
}
