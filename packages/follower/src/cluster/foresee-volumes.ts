import { formatVolumeName, type VolumeName } from '@holdfast/format';
import { type LeaderClient, LeaderError, type LeaderStatus } from '@holdfast/protocol';
import {
  type GenerationPosition,
  openGenerationReader,
  type StoreEnvironment,
  StoreError,
} from '@holdfast/store';
import { choose } from '../choose.js';
import { FollowError } from '../errors.js';
import type { SyncOutcome } from '../report.js';
import { translateError } from '../translate-error.js';
import { unnameableError, unsupportedError } from './sync-known-volume.js';
import type { KnownVolume, VolumeListing, VolumeLocation } from './volume-source.js';

/** How many volumes are asked about at once. */
const ASKED_AT_ONCE = 8;

/** What a sync of one volume would do, as revision and sizes tell it: the proofs are the sync's own. */
export interface SyncForecast {
  readonly id: number;
  readonly collection: string;
  /** Whose copy would be followed; empty where none answers. */
  readonly server: string;
  readonly outcome: SyncOutcome;
  /** The leader's. */
  readonly revision: number;
  /** The leader's tail. */
  readonly datSize: number;
  /** What would be read of the leader's files at most, some KiB of proofs aside; a rebuild finds most of it here. */
  readonly readBytes: number;
  /** What the disk would have to have free for it. */
  readonly neededBytes: number;
  readonly reason: string;
  readonly ok: boolean;
  readonly code: string | null;
  readonly error: string | null;
}

export interface ForeseeOptions {
  readonly directory: string;
  readonly env: StoreEnvironment;
  readonly signal: AbortSignal;
}

/** What `syncVolumes` would do, in the order of the list, then what cannot be followed for its name. Takes no lock, writes nothing, recovers nothing. */
export async function foreseeVolumes(
  listing: VolumeListing,
  options: ForeseeOptions,
): Promise<readonly SyncForecast[]> {
  const forecasts: SyncForecast[] = [];
  const left = listing.volumes.entries();
  const work = async (): Promise<void> => {
    for (const [i, known] of left) forecasts[i] = await foresee(known, listing, options);
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, work));
  const refused = (listing.unnameable ?? []).map((volume) =>
    failedForecast(volume, unnameableError(volume), 'unsupported'),
  );
  return [...forecasts, ...refused];
}

async function foresee(
  known: KnownVolume,
  listing: VolumeListing,
  options: ForeseeOptions,
): Promise<SyncForecast> {
  const { volume } = known;
  if (known.unsupported !== undefined) return failedForecast(volume, unsupportedError(known), 'unsupported');
  try {
    const position = await heldPosition(volume, options);
    const { location, status } = await firstStatus(known, position, listing, options.signal);
    return await forecastOf({ volume, location, status, position }, options);
  } catch (error) {
    options.signal.throwIfAborted();
    return failedForecast(volume, translateError(error, volume), 'failed');
  }
}

/** `undefined` where nothing is held that could be gone on with. */
async function heldPosition(
  volume: VolumeName,
  { directory, env }: ForeseeOptions,
): Promise<GenerationPosition | undefined> {
  try {
    const reader = await openGenerationReader(env, { directory, volume });
    await reader.close();
    return reader.position;
  } catch (error) {
    if (error instanceof StoreError && ['not-found', 'position-damaged'].includes(error.code))
      return undefined;
    throw error;
  }
}

/** Of the server whose copy is held; of a first copy, of any server that answers. */
async function firstStatus(
  { volume, locations }: KnownVolume,
  position: GenerationPosition | undefined,
  { servers }: VolumeListing,
  signal: AbortSignal,
): Promise<{ readonly location: VolumeLocation; readonly status: LeaderStatus }> {
  const pinned = position?.leaderCopy.server;
  const leader = pinned === undefined ? undefined : servers.get(pinned);
  const candidates = leader === undefined ? locations : [{ server: pinned!, leader }];
  let failure: unknown = new FollowError(
    'volume-not-found',
    `volume ${formatVolumeName(volume)}: no server has it now`,
    { volumeId: volume.volumeId },
  );
  for (const location of candidates) {
    try {
      return { location, status: await statusOf(location.leader, volume, signal) };
    } catch (error) {
      if (!(error instanceof LeaderError)) throw error;
      failure = error;
    }
  }
  throw failure;
}

async function statusOf(
  leader: LeaderClient,
  { volumeId, collection }: VolumeName,
  signal: AbortSignal,
): Promise<LeaderStatus> {
  const session = await leader.openSession(signal);
  try {
    return await session.volume(volumeId, collection).status(signal);
  } finally {
    await session.close();
  }
}

interface Seen {
  readonly volume: VolumeName;
  readonly location: VolumeLocation;
  readonly status: LeaderStatus;
  readonly position: GenerationPosition | undefined;
}

async function forecastOf(
  { volume, location, status, position }: Seen,
  { directory, env }: ForeseeOptions,
): Promise<SyncForecast> {
  const choice = choose(position, { server: location.server, ...volume }, status);
  const { datSizeBytes, idxSizeBytes } = status;
  const common = {
    id: volume.volumeId,
    collection: volume.collection,
    server: location.server,
    revision: status.revision,
    datSize: datSizeBytes,
    ok: true,
    code: null,
    error: null,
  };
  if (choice.kind === 'build' || position === undefined) {
    const bytes = datSizeBytes + idxSizeBytes;
    const reason = choice.kind === 'build' ? choice.reason : 'nothing is held';
    const isThere = await env.disk.stat(`${directory}/${formatVolumeName(volume)}.dat`);
    const outcome = isThere === undefined ? 'copied' : 'rebased';
    return { ...common, outcome, readBytes: bytes, neededBytes: bytes, reason };
  }
  const appendedBytes = choice.kind === 'append' ? datSizeBytes - position.datSizeBytes : 0;
  const entryBytes = Math.max(0, idxSizeBytes - position.idxSizeBytes);
  return {
    ...common,
    outcome: choice.kind === 'append' ? 'appended' : 'idle',
    readBytes: appendedBytes + idxSizeBytes,
    neededBytes: choice.kind === 'adopt-index' ? idxSizeBytes : appendedBytes + entryBytes,
    reason: choice.kind === 'append' ? `${appendedBytes} bytes behind what is held` : "at the leader's tail",
  };
}

function failedForecast(
  volume: VolumeName,
  { code, message }: FollowError | StoreError,
  outcome: 'failed' | 'unsupported',
): SyncForecast {
  return {
    id: volume.volumeId,
    collection: volume.collection,
    server: '',
    outcome,
    revision: 0,
    datSize: 0,
    readBytes: 0,
    neededBytes: 0,
    reason: '',
    ok: false,
    code,
    error: message,
  };
}
