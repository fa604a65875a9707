import type { FollowedVolume, SyncReport } from '@holdfast/follower';
import type { VolumeName } from '@holdfast/format';
import {
  type GenerationReader,
  isStoreError,
  listKeptGenerations,
  openGenerationReader,
  type StoreEnvironment,
} from '@holdfast/store';
import * as v from 'valibot';
import { type ReportLine, toReportLine } from './report-line.js';
import { countSchema, decimalSchema, instantSchema } from './schema.js';
import { coveredSchema, type VerificationRecord } from './verification-file.js';

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
export const runEntries = {
  id: countSchema,
  collection: v.string(),
  outcome: v.picklist(['idle', 'appended', 'rebased', 'copied', 'unsupported', 'failed']),
  revision: countSchema,
  datSize: countSchema,
  lastAppendAtNs: decimalSchema,
  bytesReceived: countSchema,
  bytesReused: countSchema,
  ok: v.boolean(),
  code: v.nullable(v.string()),
  error: v.nullable(v.string()),
  leaderTailBytes: v.exactOptional(countSchema),
  plan: v.exactOptional(v.custom<NonNullable<ReportLine['plan']>>(isObject)),
  server: v.string(),
  liveNeedles: countSchema,
  lossGuard: v.boolean(),
  lastRunAt: instantSchema,
  lastProofAt: v.nullable(instantSchema),
  lastIndexProofAt: v.nullable(instantSchema),
  lagBytes: countSchema,
  nextTryAt: v.nullable(instantSchema),
  hasVanished: v.boolean(),
} satisfies { readonly [K in keyof VolumeRun]-?: v.GenericSchema };

/** It is shown and never read. */
function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const generationStatusSchema = v.object({
  id: countSchema,
  isCurrent: v.boolean(),
  revision: countSchema,
  datSize: countSchema,
  /** Its first commit. */
  restorableFrom: instantSchema,
  /** When another took its place; `null` while it goes on, and where that was not kept. */
  restorableUntil: v.nullable(instantSchema),
  /** Why it is kept until it is released; `null` where age and number decide. */
  heldFor: v.nullable(v.picklist(['loss-guard', 'leader-damaged'])),
});

/** One generation, and the instants that it can be restored to. */
export type GenerationStatus = Readonly<v.InferOutput<typeof generationStatusSchema>>;

export const verificationStatusSchema = v.object({
  at: instantSchema,
  ok: v.boolean(),
  findings: countSchema,
  covered: coveredSchema,
  datSize: countSchema,
});

export type VerificationStatus = Readonly<v.InferOutput<typeof verificationStatusSchema>>;

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
