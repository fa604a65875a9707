import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandRun, runHoldfast } from './holdfast-command.js';
import { startLeaderWithVolume, VOLUME_ID } from './leader-with-volume.js';
import { settleDisk } from './settle-disk.js';
import type { VolumeContent } from './write-volume-files.js';

export interface RebaseRun extends CommandRun {
  readonly receivedBytes: number;
  readonly datSizeBytes: number;
}

export interface RebaseRound {
  readonly withPool: RebaseRun;
  readonly withoutPool: RebaseRun;
}

/**
 * Of one volume of a real leader 1 % of the needles is changed, half of that deleted and half written anew, and the
 * volume compacted: what following that costs two equal copies, of which one may take from what it has.
 */
export async function measureRebase(
  content: VolumeContent,
  rounds: number,
  onRound: (round: RebaseRound) => void,
): Promise<readonly RebaseRound[]> {
  await using leader = await startLeaderWithVolume(content);
  const { cluster, server } = leader;
  const count = Math.ceil(content.sizeBytes / content.needleBytes);
  const backUp = async (name: string, ...flags: readonly string[]): Promise<RebaseRun> => {
    const directory = join(cluster.directory, name);
    await settleDisk();
    const run = await runHoldfast([
      ...['backup', '--master', cluster.masterAddress, '--dir', directory, '--volume', `${VOLUME_ID}`],
      ...['--keep-for', '0s', ...flags],
    ]);
    return { ...run, ...(await readSizes(directory)) };
  };
  await backUp('with-pool');
  await backUp('without-pool');
  const done: RebaseRound[] = [];
  for (let number = 0; number < rounds; number++) {
    for (let id = 1 + number; id <= count; id += 100) {
      const needleId = BigInt(id);
      if (Math.floor(id / 100) % 2 === 0) await server.delete(VOLUME_ID, needleId);
      else await server.put(VOLUME_ID, needleId, randomBytes(content.needleBytes));
    }
    await server.vacuum(VOLUME_ID);
    const round = {
      withPool: await backUp('with-pool'),
      withoutPool: await backUp('without-pool', '--no-pool'),
    };
    done.push(round);
    onRound(round);
  }
  return done;
}

async function readSizes(directory: string) {
  const text = await readFile(join(directory, '.holdfast', 'status.json'), 'utf8');
  const { volumes } = JSON.parse(text) as {
    readonly volumes: Readonly<Record<string, { readonly bytesReceived: number; readonly datSize: number }>>;
  };
  const { bytesReceived, datSize } = volumes[`${VOLUME_ID}`]!;
  return { receivedBytes: bytesReceived, datSizeBytes: datSize };
}
