import type { LeaderClient, SweepEntry } from '@holdfast/protocol';
import { isProved, type SyncReport } from '../report.js';
import { isSameEntry } from './sweeps.js';
import type { KnownVolume } from './volume-source.js';

/**
 * How often a volume is tried whose server answers no sweep: often enough where it can be followed all the same, and no
 * load where a server with thousands of volumes is down.
 */
const BLIND_TRY_MS = 60_000;

/** A leader whose pushing broke off before anything came is not stayed with for so long. */
const BROKEN_STAY_MS = 10_000;

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
  /** Whether the leader pushes what it appends, so that no sweep need be waited for. */
  readonly isPushed: boolean;
  /** Runs that failed, one after the other. */
  readonly failures: number;
  /** Wall time before which it is left alone, after a failure. */
  readonly nextTryAtMs: number;
}

/** What the follower keeps of one volume between its turns: figures, and nothing that is open. */
export interface Standing {
  readonly key: string;
  known: KnownVolume;
  /** Whether the last listing had it. */
  isListed: boolean;
  /** The server that it is followed from; `undefined` where there is none now. */
  leader: LeaderClient | undefined;
  followed: FollowedVolume | undefined;
  /** What a sweep said of the leader when the last run that proved equality began. */
  swept: SweepEntry | undefined;
  /** By the monotonic clock: a wall clock that steps must not put a proof off. */
  nextTryMs: number;
  nextProofMs: number;
  /** The next try where no sweep can tell whether there is something to do. */
  nextBlindTryMs: number;
  /** From when on it is to be stayed with the leader again, which pushed. */
  nextStayMs: number | undefined;
}

export function createStanding(key: string, known: KnownVolume): Standing {
  const nothingYet = { leader: undefined, followed: undefined, swept: undefined };
  const atOnce = { nextTryMs: 0, nextProofMs: 0, nextBlindTryMs: 0 };
  return { key, known, isListed: true, ...nothingYet, ...atOnce, nextStayMs: undefined };
}

/** What is known of a volume's server at the moment. */
export interface Hearing {
  readonly nowMs: number;
  readonly entry: SweepEntry | undefined;
  /** Whether its last sweep failed. */
  readonly isDeaf: boolean;
}

/** Whether the volume should get a turn now. */
export function isDue(standing: Standing, { nowMs, entry, isDeaf }: Hearing): boolean {
  const { known, followed, swept } = standing;
  if (!standing.isListed) return false;
  if (followed === undefined || followed.hasVanished) return true;
  if (known.unsupported !== undefined) return followed.report.outcome !== 'unsupported';
  if (followed.report.outcome === 'unsupported') return true;
  if (nowMs < standing.nextTryMs) return false;
  if (isDeaf) return nowMs >= standing.nextBlindTryMs;
  if (nowMs >= standing.nextProofMs || followed.failures > 0) return true;
  if (standing.nextStayMs !== undefined && nowMs >= standing.nextStayMs) return true;
  return entry !== undefined && !followed.isPushed && !isSameEntry(entry, swept);
}

/** What the leader took in since the last sync, as far as a sweep can tell. */
export function lagBytesOf({ followed, swept }: Standing, entry: SweepEntry | undefined): number {
  if (entry === undefined || followed?.isPushed) return 0;
  return Math.max(0, entry.contentBytes - (swept?.contentBytes ?? 0));
}

/** One turn that has ended. */
export interface EndedTurn {
  readonly report: SyncReport;
  /** As it began: what a sweep had said, and whether none is answered. */
  readonly entry: SweepEntry | undefined;
  readonly isDeaf: boolean;
  readonly startedAtMs: number;
  readonly comparedIndex: boolean;
  /** Whether the leader pushed it, and goes on to. */
  readonly isPushed: boolean;
}

export interface Pace {
  readonly wallMs: number;
  readonly nowMs: number;
  readonly proveEveryMs: number;
  readonly firstPauseMs: number;
  readonly greatestPauseMs: number;
  /** In [0, 1). */
  readonly jitter: number;
  /** How long until a leader copy that is away is waited for no longer; `undefined`: for ever, or it is there. */
  readonly failoverInMs: number | undefined;
}

/** Moves the standing on by a turn. */
export function noteTurn(standing: Standing, turn: EndedTurn, pace: Pace): FollowedVolume {
  const { report, entry, isDeaf, startedAtMs, comparedIndex, isPushed } = turn;
  const before = standing.followed;
  const proved = isProved(report);
  if (proved) standing.swept = entry ?? standing.swept;
  const failures = proved ? 0 : (before?.failures ?? 0) + 1;
  const pauseMs = proved ? 0 : pauseOf(failures, pace);
  standing.nextTryMs = pace.nowMs + pauseMs;
  const blindPauseMs = Math.min(BLIND_TRY_MS, Math.max(pauseMs, pace.failoverInMs ?? BLIND_TRY_MS));
  // A server that has only now gone deaf is looked at at once.
  standing.nextBlindTryMs = isDeaf || !proved ? pace.nowMs + blindPauseMs : 0;
  if (proved && comparedIndex) standing.nextProofMs = pace.nowMs + proofPeriodMs(before, pace);
  const followed: FollowedVolume = {
    known: standing.known,
    report,
    provedAtMs: proved ? startedAtMs : before?.provedAtMs,
    indexProvedAtMs: proved && comparedIndex ? startedAtMs : before?.indexProvedAtMs,
    lagBytes: proved ? 0 : lagBytesOf(standing, entry),
    hasVanished: !standing.isListed,
    isPushed,
    failures,
    nextTryAtMs: pace.wallMs + pauseMs,
  };
  standing.followed = followed;
  return followed;
}

/** The leader pushes no more: the next look syncs what it finds. */
export function noteLeft(
  standing: Standing,
  { isBroken, nowMs }: { isBroken: boolean; nowMs: number },
): void {
  standing.swept = undefined;
  if (standing.followed !== undefined) standing.followed = { ...standing.followed, isPushed: false };
  standing.nextStayMs = nowMs + (isBroken ? BROKEN_STAY_MS : 0);
}

function pauseOf(failures: number, { greatestPauseMs, firstPauseMs, jitter }: Pace): number {
  return Math.min(greatestPauseMs, firstPauseMs * 2 ** failures) * (0.5 + 0.5 * jitter);
}

/**
 * Proofs that began together are spread over the whole period by the second one, and stay apart. A later one comes a
 * little early, for its wait in line.
 */
function proofPeriodMs(before: FollowedVolume | undefined, { proveEveryMs, jitter }: Pace): number {
  return proveEveryMs * (before === undefined ? jitter : 0.95 + 0.04 * jitter);
}
