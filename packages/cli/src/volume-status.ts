import type { FollowedVolume, SyncReport } from '@holdfast/follower';
import type { VolumeName } from '@holdfast/format';
import {
  type GenerationReader,
  isStoreError,
  listKeptGenerations,
  openGenerationReader,
  type StoreEnvironment,
} from '@holdfast/store';
import { type ReportLine, toReportLine } from './report-line.js';
import {
  hasShape,
  isCount,
  isDecimal,
  isFlag,
  isInstant,
  isMissingOr,
  isNullOr,
  isOneOf,
  isText,
  type Shape,
} from './shape.js';
import type { VerificationRecord } from './verification-file.js';

/** What the runs know of one volume. Instants are RFC 3339, `null` where there was none. */
export interface VolumeRun extends Omit<ReportLine, 'lossGuard'> {
  readonly server: string;
  readonly liveNeedles: number;
  readonly lossGuard: boolean;
  readonly lastRunAt: string;
  /** When equality was proved last, and when the whole index was a part of that. */
  readonly lastProofAt: string | null;
  readonly lastIndexProofAt: string | null;
  /** Bytes that the leader was seen to have beyond what is held. A hint: it proves nothing. */
  readonly lagBytes: number;
  /** When the running follower looks at it again at the latest; `null`: no run is to come. */
  readonly nextTryAt: string | null;
  /** Whether the cluster no longer lists it. It is kept. */
  readonly hasVanished: boolean;
}

/** What the runs wrote of one volume. */
export const RUN_SHAPE: Shape<VolumeRun> = {
  id: isCount,
  collection: isText,
  outcome: isOneOf('idle', 'appended', 'rebased', 'copied', 'unsupported', 'failed'),
  revision: isCount,
  datSize: isCount,
  lastAppendAtNs: isDecimal,
  bytesReceived: isCount,
  bytesReused: isCount,
  ok: isFlag,
  code: isNullOr(isText),
  error: isNullOr(isText),
  leaderTailBytes: isMissingOr(isCount),
  plan: isMissingOr(hasShape<object>({})),
  server: isText,
  liveNeedles: isCount,
  lossGuard: isFlag,
  lastRunAt: isInstant,
  lastProofAt: isNullOr(isInstant),
  lastIndexProofAt: isNullOr(isInstant),
  lagBytes: isCount,
  nextTryAt: isNullOr(isInstant),
  hasVanished: isFlag,
};

/** One generation, and the instants that it can be restored to. */
export interface GenerationStatus {
  readonly id: number;
  readonly isCurrent: boolean;
  readonly revision: number;
  readonly datSize: number;
  /** Its first commit. */
  readonly restorableFrom: string;
  /** When another took its place; `null` while it goes on, and where that was not kept. */
  readonly restorableUntil: string | null;
  /** Why it is kept until it is released; `null` where age and number decide. */
  readonly heldFor: 'loss-guard' | 'leader-damaged' | null;
}

export const isGenerationStatus = hasShape<GenerationStatus>({
  id: isCount,
  isCurrent: isFlag,
  revision: isCount,
  datSize: isCount,
  restorableFrom: isInstant,
  restorableUntil: isNullOr(isInstant),
  heldFor: isOneOf(null, 'loss-guard', 'leader-damaged'),
});

export interface VerificationStatus {
  readonly at: string;
  readonly ok: boolean;
  readonly findings: number;
  readonly covered: VerificationRecord['covered'];
  readonly datSize: number;
}

export const isVerificationStatus = hasShape<VerificationStatus>({
  at: isInstant,
  ok: isFlag,
  findings: isCount,
  covered: isOneOf('files', 'leader'),
  datSize: isCount,
});

export function runOfReport(report: SyncReport, before: VolumeRun | undefined, nowMs: number): VolumeRun {
  const isProved = report.outcome !== 'failed' && report.outcome !== 'unsupported';
  const now = timeOf(nowMs);
  return {
    ...fieldsOf(report, before),
    lastRunAt: now,
    lastProofAt: isProved ? now : (before?.lastProofAt ?? null),
    lastIndexProofAt: isProved ? now : (before?.lastIndexProofAt ?? null),
    lagBytes: isProved ? 0 : (before?.lagBytes ?? 0),
    nextTryAt: null,
    hasVanished: false,
  };
}

/** `before` tells of proofs that an earlier process made. */
export function runOfFollowed(
  followed: FollowedVolume,
  before: VolumeRun | undefined,
  nowMs: number,
  proveEveryMs: number,
): VolumeRun {
  const { report, provedAtMs, indexProvedAtMs, lagBytes, hasVanished, failures, nextTryAtMs } = followed;
  const proofDueAtMs = (indexProvedAtMs ?? nowMs) + proveEveryMs;
  return {
    ...fieldsOf(report, before),
    lastRunAt: timeOf(nowMs),
    lastProofAt: provedAtMs === undefined ? (before?.lastProofAt ?? null) : timeOf(provedAtMs),
    lastIndexProofAt:
      indexProvedAtMs === undefined ? (before?.lastIndexProofAt ?? null) : timeOf(indexProvedAtMs),
    lagBytes,
    nextTryAt: hasVanished ? null : timeOf(failures > 0 ? nextTryAtMs : proofDueAtMs),
    hasVanished,
  };
}

function fieldsOf(report: SyncReport, before: VolumeRun | undefined) {
  const { liveNeedles, lossGuard } = report;
  // A run that found no server of it has not changed whose copy is held.
  const server = report.server === '' ? (before?.server ?? '') : report.server;
  return { ...toReportLine(report), server, liveNeedles, lossGuard };
}

/** Seconds since the last proof; `null` where there was none. */
export function proofAgeSeconds({ lastProofAt }: VolumeRun, nowMs: number): number | null {
  return lastProofAt === null ? null : Math.max(0, (nowMs - Date.parse(lastProofAt)) / 1000);
}

/**
 * The generations of a volume, the current one first. Reads the beginning of each history alone: they grow by a line a
 * commit. Takes no lock; one that is pruned meanwhile is left out.
 */
export async function readGenerations(
  env: StoreEnvironment,
  where: { readonly directory: string; readonly volume: VolumeName },
): Promise<readonly GenerationStatus[]> {
  const generations: GenerationStatus[] = [];
  for (const { id, isCurrent, replacedAtMs, heldFor } of await listKeptGenerations(env, where)) {
    try {
      const reader = await openGenerationReader(env, { ...where, generation: id });
      try {
        const { revision, datSizeBytes: datSize } = reader.position;
        const restorableFrom = timeOf(await firstCommitMs(reader));
        const restorableUntil = isCurrent || replacedAtMs === null ? null : timeOf(replacedAtMs);
        generations.push({ id, isCurrent, revision, datSize, restorableFrom, restorableUntil, heldFor });
      } finally {
        await reader.close();
      }
    } catch (error) {
      if (!isStoreError(error, 'not-found', 'position-moved', 'position-damaged')) throw error;
    }
  }
  return generations.reverse();
}

async function firstCommitMs(reader: GenerationReader): Promise<number> {
  for await (const { atMs } of reader.history()) return atMs;
  throw new TypeError('a history has at least the line of its position');
}

export function verificationOf(record: VerificationRecord | undefined): VerificationStatus | null {
  if (record === undefined) return null;
  const { atMs, ok, findings, covered, datSizeBytes } = record;
  return { at: timeOf(atMs), ok, findings, covered, datSize: datSizeBytes };
}

export function timeOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
