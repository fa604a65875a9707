import { join } from 'node:path';
import { timeHoldfastBackup } from './first-copy.js';
import type { CommandRun } from './holdfast-command.js';
import { startLeaderWithVolume } from './leader-with-volume.js';
import type { VolumeContent } from './write-volume-files.js';

/** The first copy of one volume of a real leader by the command line: its time and its peak of resident memory. */
export async function measurePeakMemory(content: VolumeContent): Promise<CommandRun> {
  await using leader = await startLeaderWithVolume(content);
  return await timeHoldfastBackup(leader.cluster, join(leader.cluster.directory, 'copy'));
}
