import { parseVolumeName } from '@holdfast/format';
import {
  ensureDirectory,
  isStoreError,
  listIfThere,
  openGenerationReader,
  readClusterBinding,
  replaceFile,
  type StoreEnvironment,
  StoreError,
} from '@holdfast/store';
import { ownPath } from './own-files.js';
import { createPacedWriter, type PacedWriterOptions } from './paced-writer.js';
import { lastOfFormerDay, listRunRecords, outdatedRecords, readRunRecord, runsPath } from './run-chain.js';
import {
  encodeRunRecord,
  GREATEST_SERIAL,
  type RecordedState,
  type RecordedVolume,
  type RunRecordName,
} from './run-record.js';
import { timeOf, type VolumeRun } from './volume-status.js';

/** Between two records of one process, at least: one a minute, and for large ones at most so many bytes a second. */
const RECORD_PAUSE_MS = 60_000;
const RECORD_BYTES_PER_SECOND = 1024;

export interface RunRecorderOptions {
  readonly directory: string;
  readonly verb: string;
  /** What the runs know, by base name: read when a record is made. */
  readonly runs: ReadonlyMap<string, VolumeRun>;
  /** A record though nothing changed; `undefined`: one record, at the end. */
  readonly recordEveryMs: number | undefined;
  readonly pacing: Pick<PacedWriterOptions, 'clock' | 'timers' | 'onProblem'>;
}

/** Adds to the chain of records in `DIR/.holdfast/runs/`. Under the directory's lock. */
export interface RunRecorder {
  /** Something was said of a volume; `before` is what had been known of it. */
  note(name: string, before: VolumeRun | undefined): void;
  /** Makes the last record, if anything was said since the one before. Idempotent. */
  close(): Promise<void>;
}

export async function createRunRecorder(
  env: StoreEnvironment,
  options: RunRecorderOptions,
): Promise<RunRecorder> {
  const { directory, verb, runs, recordEveryMs, pacing } = options;
  let recorded = await lastVolumes();
  let startedAtMs = env.clock.nowMs();
  let isTidy = false;
  /** Volumes that are not as they were at the last record, or may not be; what is recorded of the others still holds. */
  let noted = new Set<string>();
  let isAnythingSaid = false;
  let recordedAtMs = startedAtMs;
  let nextAtMs = startedAtMs;
  const writer = createPacedWriter({ ...pacing, leastPauseMs: RECORD_PAUSE_MS, write });

  async function lastVolumes(): Promise<Readonly<Record<string, RecordedVolume>>> {
    const last = (await listRunRecords(env, directory)).at(-1);
    return last === undefined ? {} : ((await readRunRecord(env, directory, last)).record?.volumes ?? {});
  }

  async function write(): Promise<void> {
    const told = noted;
    noted = new Set();
    isAnythingSaid = false;
    try {
      await add(told);
    } catch (error) {
      for (const name of told) noted.add(name);
      isAnythingSaid = true;
      throw error;
    }
  }

  async function add(told: ReadonlySet<string>): Promise<void> {
    const volumes: Record<string, RecordedVolume> = {};
    for (const [name, { outcome, ok, code, lastRunAt, lastProofAt }] of runs) {
      const former = recorded[name]?.held ?? null;
      const held = told.has(name) || former === null ? await readHeld(name, former) : former;
      volumes[name] = { outcome, ok, code, lastRunAt, lastProofAt, held };
    }
    const endedAtMs = env.clock.nowMs();
    const endedAt = timeOf(endedAtMs);
    // Asked anew: a write that failed may have left its record all the same, and the chain goes on from there.
    const names = await listRunRecords(env, directory);
    const last = names.at(-1);
    const { name, text } = encodeRunRecord(
      {
        serial: serialAfter(last),
        former: last?.sha256 ?? null,
        formerDay: lastOfFormerDay(names, endedAt.slice(0, 10))?.sha256 ?? null,
        verb,
        cluster: (await readClusterBinding(env, directory)) ?? null,
        startedAt: timeOf(startedAtMs),
        endedAt,
        volumes,
      },
      env.sha256,
    );
    await ensureDirectory(env.disk, ownPath(directory, ''));
    await ensureDirectory(env.disk, runsPath(directory));
    await replaceFile(env.disk, `${runsPath(directory)}/${name.name}`, new TextEncoder().encode(text));
    recorded = volumes;
    [startedAtMs, recordedAtMs] = [endedAtMs, endedAtMs];
    nextAtMs = endedAtMs + (1000 * text.length) / RECORD_BYTES_PER_SECOND;
    if (last?.day !== name.day || !isTidy) await tidy([...names, name], endedAtMs);
  }

  function serialAfter(last: RunRecordName | undefined): number {
    const serial = (last?.serial ?? 0) + 1;
    if (serial <= GREATEST_SERIAL) return serial;
    const path = `${runsPath(directory)}/${last!.name}`;
    const message = `${path} has a number that no record can come after: move it away`;
    throw new StoreError('position-damaged', message, { path, remedy: 'stop' });
  }

  /** What is held now. The digest is made again only where the bytes are others than those recorded. */
  async function readHeld(name: string, former: RecordedState | null): Promise<RecordedState | null> {
    try {
      const reader = await openGenerationReader(env, { directory, volume: parseVolumeName(name) });
      try {
        const { leaderCopy, revision, datSizeBytes, idxSizeBytes, lastAppendAtNs, liveNeedles } =
          reader.position;
        const state = {
          generation: reader.id,
          server: leaderCopy.server,
          revision,
          datSize: datSizeBytes,
          idxSize: idxSizeBytes,
          indexSerial: reader.indexSerial,
          lastAppendAtNs,
          liveNeedles,
        };
        const digest = isSameState(former, state) ? former!.digest : await reader.contentDigest();
        return { ...state, digest };
      } finally {
        await reader.close();
      }
    } catch (error) {
      if (isStoreError(error, 'not-found', 'position-damaged', 'position-moved')) return null;
      throw error;
    }
  }

  async function tidy(all: readonly RunRecordName[], nowMs: number): Promise<void> {
    for (const { name } of outdatedRecords(all, nowMs))
      await env.disk.remove(`${runsPath(directory)}/${name}`);
    for (const name of await listIfThere(env.disk, runsPath(directory))) {
      if (name.endsWith('.tmp')) await env.disk.remove(`${runsPath(directory)}/${name}`);
    }
    isTidy = true;
  }

  return {
    note(name, before) {
      isAnythingSaid = true;
      const now = runs.get(name);
      const isChange = hasChanged(before, now);
      if (isChange || now?.outcome !== 'idle') noted.add(name);
      if (recordEveryMs === undefined) return;
      const nowMs = env.clock.nowMs();
      const isDue = isChange ? nowMs >= nextAtMs : nowMs - recordedAtMs >= recordEveryMs;
      if (isDue) writer.request();
    },
    async close() {
      await writer.close();
      if (isAnythingSaid) await write();
    },
  };
}

function isSameState(former: RecordedState | null, now: Omit<RecordedState, 'digest'>): boolean {
  return (
    former !== null &&
    former.generation === now.generation &&
    former.server === now.server &&
    former.revision === now.revision &&
    former.lastAppendAtNs === now.lastAppendAtNs &&
    former.datSize === now.datSize &&
    former.idxSize === now.idxSize &&
    former.indexSerial === now.indexSerial
  );
}

/** Another state, or another judgement of it; that it was proved again is none. */
function hasChanged(before: VolumeRun | undefined, now: VolumeRun | undefined): boolean {
  return (
    before === undefined ||
    now === undefined ||
    now.outcome === 'rebased' ||
    now.outcome === 'copied' ||
    before.datSize !== now.datSize ||
    before.revision !== now.revision ||
    before.code !== now.code ||
    before.lossGuard !== now.lossGuard ||
    before.hasVanished !== now.hasVanished
  );
}
