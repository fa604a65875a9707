import { pauseAfter, type Timers, type VolumeName } from '@holdfast/format';
import { type LeaderClient, LeaderError } from '@holdfast/protocol';
import type { StoreEnvironment, StoreError, VolumeHome } from '@holdfast/store';
import { createBuildTally } from './build/build-tally.js';
import { countOwed } from './count-live.js';
import { FollowError } from './errors.js';
import { LinkMeter } from './link-meter.js';
import { isLossTooGreat } from './loss-guard.js';
import type { SyncPolicy } from './policy.js';
import type { SyncOutcome, SyncProgress, SyncReport } from './report.js';
import type { VolumeRun } from './run.js';
import { createStepSize, type StepSize } from './step-size.js';
import { isWorthRetrying, type SyncStep, syncOnce } from './sync-once.js';
import { translateError } from './translate-error.js';

/** Rounds of one run: a build is followed by appends until the leader's tail is met, but not for ever. */
const ROUNDS_MAX = 8;

export interface SyncVolumeOptions {
  readonly home: VolumeHome;
  readonly directory: string;
  readonly volume: VolumeName;
  readonly leader: LeaderClient;
  /** What names the server in the position: its id, else its address. */
  readonly server: string;
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  readonly policy: SyncPolicy;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: SyncProgress) => void) | undefined;
}

/**
 * One run for one volume: brings the copy to the leader's tail and proves it. Never throws but for an aborted signal:
 * what failed is in the report, and what was committed before it stays.
 */
export async function syncVolume(options: SyncVolumeOptions): Promise<SyncReport> {
  const { home, policy, signal } = options;
  const run = new RunState(options);
  let failures = 0;
  while (true) {
    const before = committedBytes(home);
    try {
      return await run.attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (committedBytes(home) > before) failures = 0;
      failures += 1;
      if (!mayTryAgain(error) || home.held?.isFailed || failures >= policy.attempts)
        return run.report('failed', translateError(error, options.volume));
      await pauseAfter(failures, policy, options.timers, options.env.random, signal);
    }
  }
}

function mayTryAgain(error: unknown): boolean {
  if (error instanceof FollowError) return error.code === 'step-voided';
  return isWorthRetrying(error);
}

/** What is durable of this volume, built or held: only its growth counts as progress. */
function committedBytes(home: VolumeHome): number {
  return (home.held?.position.datSizeBytes ?? 0) + (home.unfinished?.builtBytes ?? 0);
}

/** What several attempts of one run add up to. */
class RunState {
  readonly #options: SyncVolumeOptions;
  readonly #hadCopy: boolean;
  readonly #tally = createBuildTally();
  readonly #stepSize: StepSize;
  #bytesReceived = 0;
  #outcome: SyncOutcome = 'idle';
  #reason = '';

  constructor(options: SyncVolumeOptions) {
    this.#options = options;
    this.#stepSize = createStepSize(options.policy.firstStepBytes);
    this.#hadCopy = options.home.held !== undefined || options.home.foreign !== undefined;
  }

  /** One session: rounds until there is nothing to do. */
  async attempt(): Promise<SyncReport> {
    const { leader, volume, home, server, signal } = this.#options;
    const session = await leader.openSession(signal);
    const leaderVolume = session.volume(volume.volumeId, volume.collection);
    const { directory, env, timers, policy, onProgress = () => {} } = this.#options;
    const leaderCopy = { server, ...volume };
    const run: VolumeRun = {
      volume: leaderVolume,
      link: new LinkMeter(env.clock, leaderVolume.rangesAtOnce),
      stepSize: this.#stepSize,
      tally: this.#tally,
      leaderCopy,
      home,
      directory,
      env,
      timers,
      policy,
      signal,
      onProgress,
    };
    try {
      for (let round = 1; round <= ROUNDS_MAX; round++) {
        // One build a run: a leader that is compacted without end must not keep it from ending.
        if (this.#hasBuilt && (await this.#hasMovedOn(run))) {
          if (policy.proveIndex && home.held !== undefined) await countOwed(run, home.held);
          break;
        }
        const step = await syncOnce(run);
        this.#note(step);
        if (step.kind === 'idle' || step.kind === 'appended') break;
      }
    } catch (error) {
      if (error instanceof LeaderError && error.code === 'unreachable') this.#stepSize.shrink();
      throw error;
    } finally {
      this.#bytesReceived += leaderVolume.bytesReceived;
      await session.close();
    }
    return this.report(this.#outcome, damageOf(home));
  }

  get #hasBuilt(): boolean {
    return this.#outcome === 'rebased' || this.#outcome === 'copied';
  }

  async #hasMovedOn({ volume, home, signal }: VolumeRun): Promise<boolean> {
    const { revision } = await volume.status(signal);
    return revision !== home.held?.position.revision;
  }

  #note({ kind, reason }: SyncStep): void {
    if (kind === 'built') this.#outcome = this.#hadCopy ? 'rebased' : 'copied';
    else if (kind !== 'idle' && this.#outcome === 'idle') this.#outcome = 'appended';
    else if (this.#reason !== '') return;
    this.#reason = reason;
  }

  report(outcome: SyncOutcome, error: FollowError | StoreError | undefined): SyncReport {
    const { volume, home, policy } = this.#options;
    const position = home.held?.position;
    return {
      id: volume.volumeId,
      collection: volume.collection,
      server: position?.leaderCopy.server ?? '',
      outcome,
      revision: position?.revision ?? 0,
      datSize: position?.datSizeBytes ?? 0,
      lastAppendAtNs: position?.lastAppendAtNs ?? '0',
      bytesReceived: this.#bytesReceived,
      bytesReused: this.#tally.reusedBytes,
      plan: this.#tally.plan ?? null,
      leaderTailBytes: position?.leaderTailBytes ?? 0,
      liveNeedles: position?.liveNeedles ?? 0,
      lossGuard: position !== undefined && isLossTooGreat(position, policy.maxLoss),
      reason: this.#reason,
      ok: error === undefined,
      code: error?.code ?? null,
      error: error?.message ?? null,
    };
  }
}

function damageOf({ held }: VolumeHome): FollowError | undefined {
  const [first, ...others] = held?.position.leaderDamage ?? [];
  if (first === undefined) return undefined;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const message = `the leader's own bytes are bad: needle ${first.needleId ?? '?'} at offset ${first.offset}: ${first.reason}${more}; everything else is current. Restore the needle on the leader, or release what is held here`;
  return new FollowError('leader-damaged', message, { offset: first.offset });
}
