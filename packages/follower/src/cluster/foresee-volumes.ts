import { formatVolumeName, type VolumeName } from '@holdfast/format';
import { LeaderError, type LeaderStatus } from '@holdfast/protocol';
import {
  foreseeHeld,
  type GenerationPosition,
  type GenerationReader,
  type StoreEnvironment,
  type StoreError,
} from '@holdfast/store';
import { type Decision, decide } from '../decide.js';
import { FollowError } from '../errors.js';
import { sight, sightWithoutRanges } from '../fence.js';
import { LinkMeter } from '../link-meter.js';
import { defaultSyncPolicy } from '../policy.js';
import type { Held } from '../prove.js';
import type { SyncOutcome } from '../report.js';
import { translateError } from '../translate-error.js';
import { unnameableError, unsupportedError } from './sync-known-volume.js';
import type { KnownVolume, VolumeListing, VolumeLocation } from './volume-source.js';

/** How many volumes are asked about at once. */
const ASKED_AT_ONCE = 8;

/** What a sync of one volume would do: its first decision, with the proofs that lead to it. */
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
  /** As `openVolumeHome` has it. Default: false. */
  readonly takeOver?: boolean;
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
  let held: GenerationReader | undefined;
  try {
    held = await foreseeHeld(options.env, { ...options, volume });
    const server = held?.position.leaderCopy.server;
    const seen = await firstDecision(known, locationsOf(known, server, listing), held, options);
    return await forecastOf(volume, held?.position, seen, options);
  } catch (error) {
    options.signal.throwIfAborted();
    return failedForecast(volume, translateError(error, volume), 'failed');
  } finally {
    await held?.close();
  }
}

/** The server whose copy is held; for a first copy any that has one. */
function locationsOf(
  { locations }: KnownVolume,
  server: string | undefined,
  { servers }: VolumeListing,
): readonly VolumeLocation[] {
  const leader = server === undefined ? undefined : servers.get(server);
  return server === undefined || leader === undefined ? locations : [{ server, leader }];
}

/** What the first server that answers is, and what a run would decide there. */
interface Seen {
  readonly server: string;
  readonly status: LeaderStatus;
  readonly decision: Decision;
}

async function firstDecision(
  { volume }: KnownVolume,
  locations: readonly VolumeLocation[],
  held: Held | undefined,
  options: ForeseeOptions,
): Promise<Seen> {
  let failure: unknown = new FollowError(
    'volume-not-found',
    `volume ${formatVolumeName(volume)}: no server has it now`,
    { volumeId: volume.volumeId },
  );
  for (const location of locations) {
    try {
      return await seenAt(location, volume, held, options);
    } catch (error) {
      if (!(error instanceof LeaderError)) throw error;
      failure = error;
    }
  }
  throw failure;
}

/** A compaction that is open is not waited for. */
async function seenAt(
  { server, leader }: VolumeLocation,
  name: VolumeName,
  held: Held | undefined,
  { env, signal }: ForeseeOptions,
): Promise<Seen> {
  const session = await leader.openSession(signal);
  try {
    const volume = session.volume(name.volumeId, name.collection);
    const link = new LinkMeter(env.clock, volume.rangesAtOnce);
    const leaderCopy = { server, ...name };
    const view = { volume, link, leaderCopy, env, policy: defaultSyncPolicy, signal };
    const isOpen = held === undefined || (await volume.compactionOpen(signal));
    const sighting = isOpen ? await sightWithoutRanges(view) : await sight(view);
    return { server, status: sighting.status, decision: await decide(view, held, sighting) };
  } finally {
    await session.close();
  }
}

async function forecastOf(
  volume: VolumeName,
  position: GenerationPosition | undefined,
  { server, status, decision }: Seen,
  { directory, env }: ForeseeOptions,
): Promise<SyncForecast> {
  const { datSizeBytes, idxSizeBytes, revision } = status;
  const { kind, reason } = decision;
  const common = {
    id: volume.volumeId,
    collection: volume.collection,
    server,
    revision,
    datSize: datSizeBytes,
    reason,
    ok: true,
    code: null,
    error: null,
  };
  if (kind === 'build' || position === undefined) {
    const bytes = datSizeBytes + idxSizeBytes;
    const isThere = await env.disk.stat(`${directory}/${formatVolumeName(volume)}.dat`);
    const outcome = isThere === undefined ? 'copied' : 'rebased';
    return { ...common, outcome, readBytes: bytes, neededBytes: bytes };
  }
  const outcome = kind === 'idle' ? 'idle' : 'appended';
  const aheadBytes = kind === 'append' ? datSizeBytes - position.datSizeBytes : 0;
  const entryBytes = Math.max(0, idxSizeBytes - position.idxSizeBytes);
  const neededBytes = kind === 'adopt-index' ? idxSizeBytes : aheadBytes + entryBytes;
  return { ...common, outcome, readBytes: aheadBytes + idxSizeBytes, neededBytes };
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
