import type { FollowedVolume, SyncReport, VanishedVolume } from '@holdfast/follower';
import { formatVolumeName, parseVolumeName, type VolumeName } from '@holdfast/format';
import { explainError, formatExplanation } from './explain-error.js';
import { createPacedWriter } from './paced-writer.js';
import { createRunRecorder } from './run-recorder.js';
import {
  createStatusDocument,
  readStatus,
  type StatusDocument,
  type VolumeStatus,
  writeStatus,
} from './status-file.js';
import type { VerbContext } from './verb.js';
import { readVerifications } from './verification-file.js';
import {
  type GenerationStatus,
  readGenerations,
  runOfFollowed,
  runOfReport,
  timeOf,
  type VolumeRun,
  verificationOf,
} from './volume-status.js';

/** `status.json` is at most so far behind. */
const STATUS_PAUSE_MS = 1000;

export interface StatusBookOptions {
  readonly directory: string;
  readonly verb: 'backup' | 'follow' | 'release';
  /** How often each volume is proved; `undefined`: once, by this run, which makes one record at its end. */
  readonly proveEveryMs?: number;
}

/**
 * What is known of every volume of DIR: the one source of `status.json`, the status page and the run records. Under the
 * directory's lock. Files are written behind, so that no volume waits for them.
 */
export interface StatusBook {
  noteReport(report: SyncReport): void;
  noteFollowed(followed: FollowedVolume): void;
  /** A sweep saw the leader move on, or its moves caught up with. */
  noteLag(followed: FollowedVolume): void;
  /** The cluster no longer lists it. */
  noteVanished(vanished: VanishedVolume): void;
  /** What the loss guard and damage held was given up. */
  noteRelease(volume: VolumeName): void;
  /** The document as it stands; generations and verifications as of the last write. */
  document(): StatusDocument;
  /** Writes what is left, the record of the run included. Fails where that fails, once. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openStatusBook(context: VerbContext, options: StatusBookOptions): Promise<StatusBook> {
  const { env, timers, log } = context;
  const { directory, verb, proveEveryMs } = options;
  const runs = new Map<string, VolumeRun>();
  const generations = new Map<string, readonly GenerationStatus[]>();
  let verifications = await readVerifications(env, directory);
  for (const [name, status] of Object.entries((await readStatus(env, directory))?.volumes ?? {})) {
    const { lastVerification: _verification, generations: kept, ...run } = status;
    runs.set(name, run);
    generations.set(name, kept);
  }
  /** Volumes whose generations may be others than those that were read last. */
  const changed = new Set<string>();
  const onProblem = (error: unknown) => {
    log.warn({ err: error }, `${formatExplanation(explainError(error))}; the status is written later`);
  };
  const pacing = { clock: env.clock, timers, onProblem };
  const recorder = await createRunRecorder(env, {
    directory,
    verb,
    runs,
    recordEveryMs: proveEveryMs,
    pacing,
  });
  let isClosed = false;
  const writer = createPacedWriter({ ...pacing, leastPauseMs: STATUS_PAUSE_MS, write });

  async function write(): Promise<void> {
    for (const name of changed) {
      generations.set(name, await readGenerations(env, { directory, volume: parseVolumeName(name) }));
      changed.delete(name);
    }
    verifications = await readVerifications(env, directory);
    await writeStatus(env, directory, document());
  }

  function document(): StatusDocument {
    const volumes: Record<string, VolumeStatus> = {};
    for (const [name, run] of runs) {
      volumes[name] = {
        ...run,
        lastVerification: verificationOf(verifications[name]),
        generations: withLength(generations.get(name) ?? [], run.datSize),
      };
    }
    return createStatusDocument(verb, timeOf(env.clock.nowMs()), volumes);
  }

  function note(name: string, run: VolumeRun): void {
    const before = runs.get(name);
    runs.set(name, run);
    const isProofOfAll = before?.lastIndexProofAt !== run.lastIndexProofAt;
    // Former ones can have been pruned for their age.
    const hasFormer = (generations.get(name)?.length ?? 0) !== 1;
    if ((isProofOfAll && hasFormer) || (run.outcome !== 'idle' && run.outcome !== 'appended'))
      changed.add(name);
    writer.request();
    recorder.note(name, before);
  }

  function forget(name: string, before: VolumeRun): void {
    runs.delete(name);
    generations.delete(name);
    changed.delete(name);
    writer.request();
    recorder.note(name, before);
  }

  async function close(): Promise<void> {
    if (isClosed) return;
    isClosed = true;
    await writer.close();
    await recorder.close();
  }

  return {
    noteReport(report) {
      const name = formatVolumeName({ volumeId: report.id, collection: report.collection });
      note(name, runOfReport(report, runs.get(name), env.clock.nowMs()));
    },
    noteFollowed(followed) {
      const name = formatVolumeName(followed.known.volume);
      note(name, runOfFollowed(followed, runs.get(name), env.clock.nowMs(), proveEveryMs ?? 0));
    },
    noteLag({ known, lagBytes }) {
      const name = formatVolumeName(known.volume);
      const before = runs.get(name);
      if (before !== undefined) note(name, { ...before, lagBytes });
    },
    noteVanished({ volume, outcome }) {
      const name = formatVolumeName(volume);
      const before = runs.get(name);
      if (before === undefined) return;
      if (outcome === 'pruned') forget(name, before);
      else note(name, { ...before, hasVanished: true, nextTryAt: null });
    },
    noteRelease(volume) {
      const name = formatVolumeName(volume);
      const before = runs.get(name);
      changed.add(name);
      if (before !== undefined) note(name, { ...before, lossGuard: false });
    },
    document,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** An append changes nothing of the current generation but its length. A run that could not begin tells of none. */
function withLength(generations: readonly GenerationStatus[], datSize: number): readonly GenerationStatus[] {
  if (datSize === 0) return generations;
  return generations.map((generation) => (generation.isCurrent ? { ...generation, datSize } : generation));
}
