import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type WeedCluster, weedBackup } from '@holdfast/interop';
import { type CommandRun, runHoldfast } from './holdfast-command.js';
import { startLeaderWithVolume, VOLUME_ID } from './leader-with-volume.js';
import { settleDisk } from './settle-disk.js';
import type { VolumeContent } from './write-volume-files.js';

const TIME_LIMIT_MS = 600_000;

export interface FirstCopyRound {
  readonly weedSeconds: number;
  readonly holdfast: CommandRun;
}

/**
 * The first copy of one volume by `weed backup`, with its files synced afterwards, and by `holdfast backup`, turn about
 * in one run: on a machine that others use as well only the ratio of neighbours says something.
 */
export async function measureFirstCopy(
  content: VolumeContent,
  rounds: number,
  onRound: (round: FirstCopyRound) => void,
): Promise<readonly FirstCopyRound[]> {
  await using leader = await startLeaderWithVolume(content);
  const { cluster } = leader;
  const done: FirstCopyRound[] = [];
  for (let number = 0; number < rounds; number++) {
    const directory = join(cluster.directory, `round-${number}`);
    await settleDisk();
    const weedSeconds = await timeWeedBackup(cluster, `${directory}-weed`);
    await settleDisk();
    const holdfast = await timeHoldfastBackup(cluster, `${directory}-holdfast`);
    const round = { weedSeconds, holdfast };
    done.push(round);
    onRound(round);
  }
  return done;
}

async function timeWeedBackup(cluster: WeedCluster, directory: string): Promise<number> {
  const startedAtMs = performance.now();
  const { ended, log } = await weedBackup(cluster, {
    volumeId: VOLUME_ID,
    directory,
    timeLimitMs: TIME_LIMIT_MS,
  });
  if (!ended) throw new Error(`weed backup did not end: ${log}`);
  for (const ext of ['.dat', '.idx']) {
    const file = await open(join(directory, `${VOLUME_ID}${ext}`), 'r+');
    await file.sync();
    await file.close();
  }
  const seconds = (performance.now() - startedAtMs) / 1000;
  await rm(directory, { recursive: true });
  return seconds;
}

export async function timeHoldfastBackup(cluster: WeedCluster, directory: string): Promise<CommandRun> {
  const run = await runHoldfast(backupArgs(cluster, directory));
  await rm(directory, { recursive: true });
  return run;
}

function backupArgs(cluster: WeedCluster, directory: string): readonly string[] {
  return ['backup', '--master', cluster.masterAddress, '--dir', directory, '--volume', `${VOLUME_ID}`];
}
