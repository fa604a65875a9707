import { formatVolumeName, type VolumeName } from '@holdfast/format';
import type { LeaderClient } from '@holdfast/protocol';
import { type AbsenceLedger, listVolumeHomes } from '@holdfast/store';
import type { SyncReport } from '../report.js';
import type { FollowVolumesOptions } from './follow-options.js';
import { createListings } from './listings.js';
import type { Reach } from './reach.js';
import {
  createStanding,
  type EndedTurn,
  isDue,
  lagBytesOf,
  noteLeft,
  noteTurn,
  type Standing,
} from './standing.js';
import { stayWithLeader } from './stay.js';
import { createSweeps } from './sweeps.js';
import { type SyncedVolume, syncKnownVolume } from './sync-known-volume.js';
import { createTurns, type Turn } from './turns.js';
import { createVanishWatch } from './vanished.js';
import type { VolumeListing } from './volume-source.js';

/** All volumes that are followed. */
export interface VolumesFollower {
  /** One look at the cluster: what is due gets in line, and nothing is waited for. Throws what has failed since the last one. */
  look(): void;
  /** When nothing is under way any more; nothing begins. */
  end(): Promise<void>;
}

export async function createVolumesFollower(
  options: FollowVolumesOptions,
  absences: AbsenceLedger,
  reach: Reach,
): Promise<VolumesFollower> {
  const { directory, env, source, policy, signal, intervalMs, proveEveryMs } = options;
  const { onVolume, onLag, onVanished, onProblem } = options;
  const { clock, random } = env;
  const standings = new Map<string, Standing>();
  const settled = new Set<string>();
  /** The standings by the address of the server that each is followed from. */
  const placed = new Map<string, Set<Standing>>();
  /** Volumes that DIR has a home of. */
  const held = new Map<string, VolumeName>();
  for (const volume of await listVolumeHomes(env, directory)) held.set(formatVolumeName(volume), volume);
  const vanishWatch = createVanishWatch({ ...options, absences, pruneAfterMs: options.pruneAfterMs });
  let servers: ReadonlyMap<string, LeaderClient> = new Map();
  let failure: { readonly error: unknown } | undefined;

  const onFailure = (error: unknown): void => {
    if (!signal.aborted) failure ??= { error };
  };
  const turns = createTurns({ clock, limits: options.turnLimits, onFailure });
  const listings = createListings({ source, clock, signal, onListed, onProblem, onFailure });
  const sweeps = createSweeps({ signal, onSwept, onProblem });

  async function onListed(listing: VolumeListing): Promise<void> {
    servers = listing.servers;
    for (const standing of standings.values()) standing.isListed = false;
    for (const known of listing.volumes) {
      const key = formatVolumeName(known.volume);
      const standing = standings.get(key) ?? createStanding(key, known);
      standing.known = known;
      standing.isListed = true;
      standings.set(key, standing);
      place(standing);
    }
    lookAt(standings.values());
    for (const standing of standings.values()) {
      if (standing.isListed || standing.followed === undefined || standing.followed.hasVanished) continue;
      standing.followed = { ...standing.followed, hasVanished: true };
      await onVolume(standing.followed);
    }
    const closed = [...held.values()].filter((volume) => !turns.has(formatVolumeName(volume)));
    for (const vanished of await vanishWatch.judge(listing, closed)) {
      if (vanished.outcome === 'pruned') forget(formatVolumeName(vanished.volume));
      await onVanished?.(vanished);
    }
  }

  function forget(key: string): void {
    held.delete(key);
    const standing = standings.get(key);
    if (standing?.leader !== undefined) placed.get(standing.leader.address)?.delete(standing);
    standings.delete(key);
  }

  /** Finds out from which server the volume is followed: the pinned one, listed with it or not, else the first. */
  function place(standing: Standing): void {
    const { known, followed } = standing;
    const server = followed?.report.server ?? '';
    const pinned =
      known.locations.find((location) => location.server === server)?.leader ?? servers.get(server);
    const leader = pinned ?? known.locations[0]?.leader;
    if (standing.leader?.address !== leader?.address) {
      if (standing.leader !== undefined) placed.get(standing.leader.address)?.delete(standing);
      if (leader !== undefined)
        placed.set(leader.address, (placed.get(leader.address) ?? new Set()).add(standing));
    }
    standing.leader = leader;
  }

  function sweepAll(): void {
    const leaders: LeaderClient[] = [];
    for (const [address, followers] of placed) {
      const [first] = followers;
      if (first?.leader === undefined) placed.delete(address);
      else leaders.push(first.leader);
    }
    sweeps.begin(leaders);
  }

  function onSwept(address: string): void {
    const followers = placed.get(address) ?? [];
    for (const standing of followers) reportLag(standing);
    lookAt(followers);
  }

  function lookAt(followers: Iterable<Standing>): void {
    const nowMs = clock.monotonicMs();
    for (const standing of followers) {
      const { key, known, leader, followed } = standing;
      if (turns.has(key)) continue;
      const address = leader?.address ?? '';
      // What was not swept yet would be synced once more as soon as it is.
      if (leader !== undefined && !sweeps.isSwept(address)) continue;
      const entry = sweeps.entryOf(address, known.volume);
      if (!isDue(standing, { nowMs, entry, isDeaf: sweeps.isDeaf(address) })) continue;
      const isLong = followed === undefined && !held.has(key);
      turns.request({ key, server: address, isLong, run: (turn) => takeTurn(standing, turn) });
    }
    turns.review();
  }

  async function takeTurn(standing: Standing, { activity, stay }: Turn): Promise<void> {
    const { known } = standing;
    const comparedIndex = standing.followed === undefined || clock.monotonicMs() >= standing.nextProofMs;
    const isDeaf = sweeps.isDeaf(standing.leader?.address ?? '');
    const attempts = isDeaf ? 1 : policy.attempts;
    if (known.unsupported === undefined) held.set(standing.key, known.volume);
    const context = {
      ...options,
      policy: { ...policy, proveIndex: comparedIndex, attempts },
      absences,
      servers,
      settled,
      reach: reach.by(activity),
    };
    const note = noteOf(standing, { isDeaf, comparedIndex, isPushed: false });
    let isNoted = false;
    const onSynced = async (synced: SyncedVolume, report: SyncReport): Promise<void> => {
      isNoted = true;
      await note(report);
      const nowMs = clock.monotonicMs();
      if (nowMs < (standing.nextStayMs ?? 0)) return;
      standing.nextStayMs = undefined;
      const end = await stayWithLeader({
        ...synced,
        context,
        report,
        signal,
        forMs: standing.nextProofMs - nowMs,
        mayStay: stay,
        onReport: (pushed) =>
          noteOf(standing, { isDeaf: false, comparedIndex: false, isPushed: true })(pushed),
      });
      if (end !== 'no-push') noteLeft(standing, { isBroken: end === 'broken', nowMs: clock.monotonicMs() });
    };
    const report = await syncKnownVolume(known, { ...context, onSynced }, signal);
    if (!isNoted) await note(report);
  }

  /** What is to be done with the report of a run that begins now. */
  function noteOf(standing: Standing, run: Pick<EndedTurn, 'isDeaf' | 'comparedIndex' | 'isPushed'>) {
    const { known, leader } = standing;
    const startedAtMs = clock.nowMs();
    const entry = sweeps.entryOf(leader?.address ?? '', known.volume);
    return async (report: SyncReport): Promise<void> => {
      const followed = noteTurn(
        standing,
        { ...run, report, entry, startedAtMs },
        {
          wallMs: clock.nowMs(),
          nowMs: clock.monotonicMs(),
          proveEveryMs,
          firstPauseMs: intervalMs,
          greatestPauseMs: policy.greatestPauseMs,
          jitter: random.nextFloat(),
          failoverInMs: failoverInMs(known.volume),
        },
      );
      place(standing);
      await onVolume(followed);
    };
  }

  function failoverInMs(volume: VolumeName): number | undefined {
    const { leaderSinceMs } = absences.of(volume);
    if (leaderSinceMs === null || options.failoverAfterMs === undefined) return undefined;
    return leaderSinceMs + options.failoverAfterMs - clock.nowMs();
  }

  function reportLag(standing: Standing): void {
    const { followed, known, leader } = standing;
    const lagBytes = lagBytesOf(standing, sweeps.entryOf(leader?.address ?? '', known.volume));
    if (followed === undefined || followed.lagBytes === lagBytes) return;
    standing.followed = { ...followed, lagBytes };
    onLag?.(standing.followed);
  }

  return {
    look() {
      if (failure !== undefined) throw failure.error;
      listings.begin();
      sweepAll();
      lookAt(standings.values());
    },
    async end() {
      turns.dropWaiting();
      await Promise.all([turns.idle(), listings.idle(), sweeps.idle()]);
    },
  };
}
