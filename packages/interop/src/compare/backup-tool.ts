import { runHoldfast } from '../holdfast-command.js';
import { weedBackup } from '../weed-backup.js';
import type { ComparedLife, World } from './compared-lives.js';

/** What one run of a backup tool came to, by its own account. */
export interface ToolRun {
  /** False: it was killed, when it had done nothing for long. */
  readonly ended: boolean;
  /** `null` where it was killed. */
  readonly exitCode: number | null;
  /** Whether it said that the volume is backed up. */
  readonly saidSuccess: boolean;
}

export interface BackupTool {
  readonly name: 'weed backup' | 'holdfast backup';
  run(world: World, life: ComparedLife): Promise<ToolRun>;
}

/** A run that would end takes a fraction of this. */
const HANGS_AFTER_MS = 10_000;

export const weedTool: BackupTool = {
  name: 'weed backup',
  async run({ cluster, volumeId, directory }, { allocate = {} }) {
    const { collection = '' } = allocate;
    const options = { volumeId, directory, collection, timeLimitMs: HANGS_AFTER_MS };
    const { ended, exitCode, log } = await weedBackup(cluster, options);
    return { ended, exitCode, saidSuccess: log.includes('Successfully backed up') };
  },
};

export const holdfastTool: BackupTool = {
  name: 'holdfast backup',
  async run({ cluster, volumeId, directory }, { holdfastFlags = [] }) {
    const { exitCode, summary } = await runHoldfast(
      ...['backup', '--master', cluster.masterAddress, '--dir', directory, '--volume', `${volumeId}`],
      ...['--json', ...holdfastFlags],
    );
    return { ended: true, exitCode, saidSuccess: summary?.ok === true };
  },
};
