import { mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WeedCluster } from './weed-cluster.js';
import { startWeed } from './weed-process.js';

export interface WeedBackupResult {
  /** Whether it ended by itself. It is known to hang (protocol.md §8); then it was killed. */
  readonly ended: boolean;
  /** `null` where it was killed. */
  readonly exitCode: number | null;
  readonly log: string;
}

/** The real `weed backup` of one volume into `directory`, for `timeLimitMs` (default 10 s) at most. */
export async function weedBackup(
  cluster: WeedCluster,
  options: {
    readonly volumeId: number;
    readonly directory: string;
    readonly collection?: string;
    readonly timeLimitMs?: number;
  },
): Promise<WeedBackupResult> {
  const { volumeId, directory, collection = '', timeLimitMs = 10_000 } = options;
  await mkdir(directory, { recursive: true });
  const args = [`-dir=${directory}`, `-volumeId=${volumeId}`, `-master=${cluster.masterAddress}`];
  if (collection !== '') args.push(`-collection=${collection}`);
  const backup = startWeed(cluster.binary, ['backup', ...args], cluster.directory);
  const limit = new AbortController();
  const ended = await Promise.race([
    backup.exited.then(() => true),
    sleep(timeLimitMs, false, { signal: limit.signal }).catch(() => true),
  ]);
  limit.abort();
  await backup.kill();
  return { ended, exitCode: backup.exitCode, log: backup.log };
}
