import { dirname, resolve } from 'node:path';
import { foreseeVolumes, type SyncForecast, type VolumeListing } from '@holdfast/follower';
import { assertNotServed, isBoundTo } from '@holdfast/store';
import { combineExitCodes, type ExitCode, exitCodes } from './exit-code.js';
import { adviceOf, exitCodeOf } from './explain-error.js';
import { formatBytes } from './output.js';
import { volumeLabel } from './report-line.js';
import type { SyncFlagValues } from './sync-flags.js';
import { UsageError } from './usage-error.js';
import type { VerbContext } from './verb.js';

export interface ForecastOptions {
  readonly flags: SyncFlagValues;
  readonly clusterId: string | undefined;
  readonly listing: VolumeListing;
}

/** `--dry-run`: what a run would do, and whether the disk has room for it. Writes nothing and takes no lock. */
export async function showForecast(
  { flags, clusterId, listing }: ForecastOptions,
  { env, output, signal }: VerbContext,
): Promise<ExitCode> {
  const directory = resolve(flags.dir);
  const place = await existingPlace(directory, env.disk);
  if (!flags['take-over']) await assertNotServed(env, directory);
  if (clusterId !== undefined) await isBoundTo(env, directory, clusterId);
  const volumes = await foreseeVolumes(listing, {
    directory,
    env,
    takeOver: flags['take-over'],
    signal,
  });
  for (const forecast of volumes) output.event({ event: 'foreseen', ...forecast }, describe(forecast));
  const readBytes = volumes.reduce((sum, volume) => sum + volume.readBytes, 0);
  const neededBytes = volumes.reduce((sum, volume) => sum + volume.neededBytes, 0);
  const freeBytes = await env.disk.freeBytes(place);
  const fits = freeBytes - neededBytes >= flags['min-free'];
  output.summary(
    {
      ok: fits && volumes.every(({ ok }) => ok),
      dryRun: true,
      code: fits ? null : 'no-space',
      readBytes,
      neededBytes,
      freeBytes,
      volumes,
    },
    `${volumes.length} volumes: at most ${formatBytes(readBytes)} to read, ${formatBytes(neededBytes)} to write, ${formatBytes(freeBytes)} are free${fits ? '' : `: too few beside ${formatBytes(flags['min-free'])} kept free`}; nothing was done`,
  );
  const codes = volumes.map(({ code }) => (code === null ? exitCodes.done : exitCodeOf(code)));
  return combineExitCodes([...codes, fits ? exitCodes.done : exitCodes.localDisk]);
}

/** The directory, or the one that it would be made in. */
async function existingPlace(directory: string, disk: VerbContext['env']['disk']): Promise<string> {
  for (const path of [directory, dirname(directory)]) {
    const stat = await disk.stat(path);
    if (stat?.kind === 'directory') return path;
    if (stat !== undefined) throw new UsageError(`--dir ${path} is no directory`);
  }
  throw new UsageError(`--dir ${directory} cannot be made: make ${dirname(directory)} first`);
}

function describe(forecast: SyncForecast): string {
  const name = `volume ${volumeLabel({ volumeId: forecast.id, collection: forecast.collection })}`;
  const { outcome, code, error, reason, datSize, readBytes, revision } = forecast;
  if (code !== null) return `${name}: ${outcome} (${code}): ${error}: ${adviceOf(code)}`;
  const what = outcome === 'idle' ? 'idle' : `would be ${outcome}`;
  return `${name}: ${what}, revision ${revision}, ${formatBytes(datSize)}, at most ${formatBytes(readBytes)} to read: ${reason}`;
}
