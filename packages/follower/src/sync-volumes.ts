import type { SyncReport } from './report.js';
import { type SyncContext, syncKnownVolume } from './sync-known-volume.js';
import type { KnownVolume } from './volume-source.js';
import { forEachAtOnce } from './work-pool.js';

/** Volumes synced at once by default. */
export const DEFAULT_VOLUMES_AT_ONCE = 4;

export interface SyncVolumesOptions extends SyncContext {
  readonly signal: AbortSignal;
  /** Default `DEFAULT_VOLUMES_AT_ONCE`. */
  readonly volumesAtOnce?: number;
  /** Called as each volume ends. */
  readonly onReport?: (report: SyncReport) => void | Promise<void>;
}

/** One run for each of `volumes`; the reports in the order of `volumes`. A volume that fails stops no other. */
export async function syncVolumes(
  volumes: readonly KnownVolume[],
  options: SyncVolumesOptions,
): Promise<readonly SyncReport[]> {
  const reports: SyncReport[] = [];
  await forEachAtOnce(
    volumes.entries(),
    options.volumesAtOnce ?? DEFAULT_VOLUMES_AT_ONCE,
    async ([i, known]) => {
      const report = await syncKnownVolume(known, options, options.signal);
      reports[i] = report;
      await options.onReport?.(report);
    },
  );
  return reports;
}
