import { formatVolumeName } from '@holdfast/format';
import type { LeaderClient, SweepEntry } from '@holdfast/protocol';
import type { SyncReport } from './report.js';
import { type SyncContext, syncKnownVolume } from './sync-known-volume.js';
import { DEFAULT_VOLUMES_AT_ONCE } from './sync-volumes.js';
import { chooseLocation, type KnownVolume, type VolumeSource } from './volume-source.js';
import { forEachAtOnce } from './work-pool.js';

/** How a volume that is followed stands. */
export interface FollowedVolume {
  readonly known: KnownVolume;
  readonly report: SyncReport;
  /** When the last run that proved equality began. `undefined` until there was one. */
  readonly provedAtMs: number | undefined;
  /** The same for the last one that compared the whole index. */
  readonly indexProvedAtMs: number | undefined;
  /** Bytes that the last sweep saw beyond what is held. A hint: it proves nothing. */
  readonly lagBytes: number;
  /** Whether the cluster no longer lists it. It is kept. */
  readonly hasVanished: boolean;
  readonly failures: number;
  /** Wall time before which it is left alone, after a failure. */
  readonly nextTryAtMs: number;
}

export interface FollowVolumesOptions extends SyncContext {
  readonly source: VolumeSource;
  readonly intervalMs: number;
  /** How often each volume is proved, its whole index included, though no sweep saw a change. */
  readonly proveEveryMs: number;
  /** Default `DEFAULT_VOLUMES_AT_ONCE`. */
  readonly volumesAtOnce?: number;
  /** Aborting it ends the loop after the commits in hand. */
  readonly signal: AbortSignal;
  readonly onVolume: (followed: FollowedVolume) => void | Promise<void>;
  /** A sweep saw the leader move on, or its moves caught up with. */
  readonly onLag: (followed: FollowedVolume) => void;
  /** A listing or a sweep that failed; it is tried again at the next interval. */
  readonly onProblem: (error: unknown) => void;
}

/**
 * Follows every volume of the source until the signal aborts: each interval one sweep a server; a volume is synced
 * when a sweep saw it change, when its proof is due, or when a failure is to be tried again. Volumes that appear are
 * followed, those that vanish are kept and reported.
 */
export async function followVolumes(options: FollowVolumesOptions): Promise<void> {
  const { signal, timers, intervalMs } = options;
  const followed = new FollowedVolumes(options);
  try {
    while (true) {
      await followed.look();
      await timers.sleep(intervalMs, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await followed.settled();
  }
}

class FollowedVolumes {
  readonly #options: FollowVolumesOptions;
  readonly #volumes = new Map<string, FollowedVolume>();
  readonly #swept = new Map<string, SweepEntry>();
  /** What the last look saw: volumes that wait for their turn take it from here. */
  #sweeps: ReadonlyMap<string, SweepEntry> = new Map();
  readonly #waiting = new Map<string, KnownVolume>();
  readonly #busy = new Map<string, Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(options: FollowVolumesOptions) {
    this.#options = options;
  }

  /** One look at the cluster; what is due gets in line. A slow volume keeps no other one waiting for its turn to end. */
  async look(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    const known = await this.#list();
    if (known === undefined) return;
    this.#sweeps = await this.#sweep(known);
    for (const volume of known) {
      const name = formatVolumeName(volume.volume);
      if (!this.#busy.has(name) && this.#isDue(volume)) this.#waiting.set(name, volume);
    }
    this.#startWaiting();
    this.#reportLag(known);
    await this.#reportVanished(known);
  }

  /** When nothing is under way any more. */
  async settled(): Promise<void> {
    this.#waiting.clear();
    await Promise.all(this.#busy.values());
  }

  #startWaiting(): void {
    const atOnce = this.#options.volumesAtOnce ?? DEFAULT_VOLUMES_AT_ONCE;
    for (const [name, known] of this.#waiting) {
      if (this.#busy.size >= atOnce) return;
      this.#waiting.delete(name);
      this.#busy.set(name, this.#turn(name, known));
    }
  }

  async #turn(name: string, known: KnownVolume): Promise<void> {
    try {
      await this.#sync(name, known);
    } catch (error) {
      if (!this.#options.signal.aborted) this.#failure ??= { error };
    }
    this.#busy.delete(name);
    this.#startWaiting();
  }

  async #list(): Promise<readonly KnownVolume[] | undefined> {
    try {
      return await this.#options.source.list(this.#options.signal);
    } catch (error) {
      this.#problem(error);
      return undefined;
    }
  }

  /** One sweep for each server that a volume is followed from; what a server that fails has is taken as unchanged. */
  async #sweep(known: readonly KnownVolume[]): Promise<ReadonlyMap<string, SweepEntry>> {
    const leaders = new Map<string, LeaderClient>();
    for (const { locations } of known)
      for (const { leader } of locations) leaders.set(leader.address, leader);
    const entries = new Map<string, SweepEntry>();
    await forEachAtOnce(leaders.values(), leaders.size, async (leader) => {
      try {
        for (const entry of await leader.sweep(this.#options.signal))
          entries.set(sweepKey(leader.address, entry), entry);
      } catch (error) {
        this.#problem(error);
      }
    });
    return entries;
  }

  #problem(error: unknown): void {
    this.#options.signal.throwIfAborted();
    this.#options.onProblem(error);
  }

  #isDue(known: KnownVolume): boolean {
    const name = formatVolumeName(known.volume);
    const followed = this.#volumes.get(name);
    if (followed === undefined || followed.hasVanished) return true;
    const nowMs = this.#options.env.clock.nowMs();
    if (nowMs < followed.nextTryAtMs) return false;
    if (followed.failures > 0 || this.#isProofDue(followed, nowMs)) return true;
    const entry = this.#entryOf(known);
    return entry !== undefined && !isSameEntry(entry, this.#swept.get(name));
  }

  #isProofDue({ indexProvedAtMs }: FollowedVolume, nowMs: number): boolean {
    // A clock that stepped back must not put the next proof off.
    return indexProvedAtMs === undefined || Math.abs(nowMs - indexProvedAtMs) >= this.#options.proveEveryMs;
  }

  #entryOf(known: KnownVolume): SweepEntry | undefined {
    const server = this.#volumes.get(formatVolumeName(known.volume))?.report.server;
    const location = chooseLocation(known.locations, server);
    return location && this.#sweeps.get(sweepKey(location.leader.address, known.volume));
  }

  async #sync(name: string, known: KnownVolume): Promise<void> {
    const { env, policy, signal, intervalMs } = this.#options;
    const before = this.#volumes.get(name);
    const startedAtMs = env.clock.nowMs();
    const proveIndex = before === undefined || this.#isProofDue(before, startedAtMs);
    const context = { ...this.#options, policy: { ...policy, proveIndex } };
    const entry = this.#entryOf(known);
    const report = await syncKnownVolume(known, context, signal);
    const isProved = report.outcome !== 'failed' && report.outcome !== 'unsupported';
    if (entry !== undefined && isProved) this.#swept.set(name, entry);
    const failures = isProved ? 0 : (before?.failures ?? 0) + 1;
    const pauseMs = isProved ? 0 : Math.min(policy.greatestPauseMs, intervalMs * 2 ** failures);
    await this.#note(name, {
      known,
      report,
      provedAtMs: isProved ? startedAtMs : before?.provedAtMs,
      indexProvedAtMs: isProved && proveIndex ? startedAtMs : before?.indexProvedAtMs,
      lagBytes: isProved ? 0 : this.#lagOf(name, known),
      hasVanished: false,
      failures,
      nextTryAtMs: env.clock.nowMs() + pauseMs,
    });
  }

  /** What the leader took in since the last sync, as far as a sweep can tell. */
  #lagOf(name: string, known: KnownVolume): number {
    const now = this.#entryOf(known);
    const then = this.#swept.get(name);
    return now === undefined ? 0 : Math.max(0, now.contentBytes - (then?.contentBytes ?? 0));
  }

  #reportLag(known: readonly KnownVolume[]): void {
    for (const volume of known) {
      const name = formatVolumeName(volume.volume);
      const followed = this.#volumes.get(name);
      const lagBytes = this.#lagOf(name, volume);
      if (followed === undefined || followed.lagBytes === lagBytes) continue;
      const behind = { ...followed, lagBytes };
      this.#volumes.set(name, behind);
      this.#options.onLag(behind);
    }
  }

  async #reportVanished(known: readonly KnownVolume[]): Promise<void> {
    const present = new Set(known.map(({ volume }) => formatVolumeName(volume)));
    for (const [name, followed] of this.#volumes) {
      if (present.has(name) || followed.hasVanished) continue;
      await this.#note(name, { ...followed, hasVanished: true });
    }
  }

  async #note(name: string, followed: FollowedVolume): Promise<void> {
    this.#volumes.set(name, followed);
    await this.#options.onVolume(followed);
  }
}

function sweepKey(
  address: string,
  volume: { readonly volumeId: number; readonly collection: string },
): string {
  return `${address} ${volume.collection} ${volume.volumeId}`;
}

function isSameEntry(a: SweepEntry, b: SweepEntry | undefined): boolean {
  return (
    a.contentBytes === b?.contentBytes &&
    a.fileCount === b.fileCount &&
    a.deleteCount === b.deleteCount &&
    a.revision === b.revision &&
    a.modifiedAtSeconds === b.modifiedAtSeconds
  );
}
