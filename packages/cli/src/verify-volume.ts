import { compareWithLeader, type KnownVolume } from '@holdfast/follower';
import { formatVolumeName } from '@holdfast/format';
import { LeaderError } from '@holdfast/protocol';
import {
  type GenerationReader,
  listKeptGenerations,
  openGenerationReader,
  StoreError,
  verifyFiles,
} from '@holdfast/store';
import { type ExitCode, exitCodes } from './exit-code.js';
import { explainError, formatExplanation } from './explain-error.js';
import { generationDisk } from './generation-disk.js';
import type { LocalVolume } from './local-volumes.js';
import { formatNeedleId } from './output.js';
import type { VerbContext } from './verb.js';

/** One thing that is not as it should be. */
export interface VolumeFinding {
  /** A code of the store, or `block-changed` (since it was committed), `diverged` (from the leader). */
  readonly code: string;
  readonly severity: 'damage' | 'note';
  readonly file: string;
  readonly offset: number | null;
  /** Hex digits. */
  readonly needle: string | null;
  readonly message: string;
}

export interface VolumeVerification {
  readonly ok: boolean;
  readonly damage: number;
  readonly notes: number;
  readonly datSize: number;
  readonly covered: 'files' | 'leader';
  /** Why a check could not run; it does not pass then. */
  readonly code: string | null;
  readonly error: string | null;
  readonly exitCode: ExitCode;
}

export interface VerifyVolumeOptions {
  readonly context: VerbContext;
  readonly directory: string;
  /** Volumes of the cluster to compare with; `undefined`: with none. */
  readonly known: readonly KnownVolume[] | undefined;
  readonly onFinding: (finding: VolumeFinding) => void;
}

/** Everything that can be checked of one volume. A check that cannot run is an error of the result. */
export async function verifyVolume(
  options: VerifyVolumeOptions,
  volume: LocalVolume,
): Promise<VolumeVerification> {
  let damage = 0;
  let notes = 0;
  let datSize = 0;
  let reader: GenerationReader | undefined;
  const note = (finding: VolumeFinding) => {
    if (finding.severity === 'damage') damage += 1;
    else notes += 1;
    options.onFinding(finding);
  };
  const result = (failure?: unknown): VolumeVerification => {
    const explanation = failure === undefined ? undefined : explainError(failure);
    return {
      ok: damage === 0 && failure === undefined,
      damage,
      notes,
      datSize,
      covered: options.known === undefined ? 'files' : 'leader',
      code: explanation?.code ?? null,
      error: explanation === undefined ? null : formatExplanation(explanation),
      exitCode: damage > 0 ? exitCodes.damaged : (explanation?.exitCode ?? exitCodes.done),
    };
  };
  try {
    reader = volume.isFollowed ? await openReader(options, volume) : undefined;
    for await (const finding of fileFindings(options, volume, reader)) note(finding);
    if (reader !== undefined) for await (const finding of digestFindings(options, reader)) note(finding);
    if (volume.isFollowed) for await (const finding of formerFindings(options, volume)) note(finding);
    if (options.known !== undefined)
      for await (const finding of leaderFindings(options, volume, reader)) note(finding);
    datSize = await sizeOf(options, volume, reader);
    return result();
  } catch (error) {
    options.context.signal.throwIfAborted();
    return result(error);
  } finally {
    await reader?.close();
  }
}

/** `undefined` where the volume has no generation yet, or no longer the former one that is asked for. */
async function openReader(
  { context, directory }: VerifyVolumeOptions,
  { name }: LocalVolume,
  former?: number,
): Promise<GenerationReader | undefined> {
  const which = { directory, volume: name, ...(former === undefined ? {} : { generation: former }) };
  try {
    return await openGenerationReader(context.env, which);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** What the files say for themselves: of a volume that is followed those of one generation, up to its position. */
async function* fileFindings(
  { context, directory }: VerifyVolumeOptions,
  { baseName }: LocalVolume,
  reader: GenerationReader | undefined,
): AsyncGenerator<VolumeFinding> {
  const { env, signal } = context;
  const paths = { dat: `${directory}/${baseName}.dat`, idx: `${directory}/${baseName}.idx` };
  const disk = reader === undefined ? env.disk : generationDisk(env.disk, reader, paths);
  for await (const finding of verifyFiles({ ...env, disk }, { directory, name: baseName, signal })) {
    const { code, severity, path: file, offset, needleId, message } = finding;
    const needle = needleId === null ? null : formatNeedleId(needleId);
    yield { code, severity, file, offset, needle, message };
  }
}

async function* digestFindings(
  { context }: VerifyVolumeOptions,
  reader: GenerationReader,
): AsyncGenerator<VolumeFinding> {
  for await (const { file, offset } of reader.checkDigests(context.signal)) {
    const message = 'this block of 64 KiB is not as it was committed';
    yield { code: 'block-changed', severity: 'damage', file, offset, needle: null, message };
  }
}

/** What is kept of the times before must still be what was committed, or it cannot be restored. */
async function* formerFindings(
  options: VerifyVolumeOptions,
  volume: LocalVolume,
): AsyncGenerator<VolumeFinding> {
  const { context, directory } = options;
  for (const { id, isCurrent } of await listKeptGenerations(context.env, {
    directory,
    volume: volume.name,
  })) {
    const reader = isCurrent ? undefined : await openReader(options, volume, id);
    if (reader === undefined) continue;
    try {
      for await (const finding of digestFindings(options, reader))
        yield { ...finding, file: `${finding.file} of generation ${id}` };
    } finally {
      await reader.close();
    }
  }
}

async function* leaderFindings(
  { context, known }: VerifyVolumeOptions,
  { name, baseName }: LocalVolume,
  reader: GenerationReader | undefined,
): AsyncGenerator<VolumeFinding> {
  if (reader === undefined) {
    throw new StoreError(
      'position-damaged',
      `volume ${baseName} has no generation to compare with a leader`,
      {
        volume: baseName,
      },
    );
  }
  const there = known?.find(({ volume }) => formatVolumeName(volume) === baseName);
  const { server } = reader.position.leaderCopy;
  // Another replica stamps and orders for itself: it is no leader of this copy.
  const location = there?.locations.find((listed) => listed.server === server);
  if (location === undefined) {
    throw new LeaderError(
      'volume-not-found',
      `volume ${baseName}: the cluster does not list it on ${server}`,
      {
        volumeId: name.volumeId,
      },
    );
  }
  const session = await location.leader.openSession(context.signal);
  try {
    const leaderVolume = session.volume(name.volumeId, name.collection);
    for await (const { file, offset } of compareWithLeader(reader, leaderVolume, context.signal)) {
      const message = `this block of 64 KiB is not the leader's (${location.server})`;
      yield { code: 'diverged', severity: 'damage', file, offset, needle: null, message };
    }
  } finally {
    await session.close();
  }
}

async function sizeOf(
  { context, directory }: VerifyVolumeOptions,
  { baseName }: LocalVolume,
  reader: GenerationReader | undefined,
): Promise<number> {
  if (reader !== undefined) return reader.position.datSizeBytes;
  return (await context.env.disk.stat(`${directory}/${baseName}.dat`))?.sizeBytes ?? 0;
}
