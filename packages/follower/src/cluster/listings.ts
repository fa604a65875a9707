import type { Clock } from '@holdfast/format';
import type { VolumeListing, VolumeSource } from './volume-source.js';

/** How often the cluster is asked for its volumes, at most. It hears of them itself by heartbeats, which are as far apart. */
const LIST_EVERY_MS = 5_000;
/** A list costs what it is long: many volumes are listed less often, so that listing costs the same however many there are. */
const MS_A_VOLUME = 10;
const LIST_EVERY_MS_MAX = 60_000;

/** Keeps asking for the volumes of the cluster; a master that hangs holds up nothing else. */
export interface Listings {
  /** Begins a listing if one is due and none is under way. While nothing is known, one is due each time. */
  begin(): void;
  /** When none is under way any more. */
  idle(): Promise<void>;
}

export interface ListingsOptions {
  readonly source: VolumeSource;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onListed: (listing: VolumeListing) => Promise<void>;
  /** The cluster could not be asked. */
  readonly onProblem: (error: unknown) => void;
  /** `onListed` has failed. */
  readonly onFailure: (error: unknown) => void;
}

export function createListings(options: ListingsOptions): Listings {
  const { source, clock, signal, onListed, onProblem, onFailure } = options;
  let nextMs = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;

  async function list(): Promise<void> {
    const startedMs = clock.monotonicMs();
    let listing: VolumeListing;
    try {
      listing = await source.list(signal);
    } catch (error) {
      if (!signal.aborted) onProblem(error);
      return;
    }
    const { clusterVolumeCount } = listing;
    if (listing.volumes.length > 0) nextMs = startedMs + pauseMs(clusterVolumeCount);
    try {
      await onListed(listing);
    } catch (error) {
      onFailure(error);
    }
  }

  return {
    begin() {
      if (underWay !== undefined || clock.monotonicMs() < nextMs) return;
      underWay = list().finally(() => {
        underWay = undefined;
      });
    },
    idle: () => underWay ?? Promise.resolve(),
  };
}

function pauseMs(volumeCount: number): number {
  return Math.min(LIST_EVERY_MS_MAX, Math.max(LIST_EVERY_MS, volumeCount * MS_A_VOLUME));
}
