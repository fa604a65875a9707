import { mkdir, readFile } from 'node:fs/promises';
import { formatVolumeName } from '@holdfast/format';
import { type HoldfastResult, startHoldfast } from './holdfast-command.js';
import type { WeedCluster } from './weed-cluster.js';

/** `holdfast serve` as a process of its own, in a real cluster. */
export interface HoldfastServer {
  /** `host:port` of the data API. */
  readonly httpAddress: string;
  readonly grpcAddress: string;
  readonly directory: string;
  readonly pid: number;
  /** A file of a volume as it is on disk now. */
  readFile(volumeId: number, ext: '.dat' | '.idx', collection?: string): Promise<Uint8Array>;
  /** SIGTERM: resolves with what it said. */
  stop(): Promise<HoldfastResult>;
}

/** Starts one on free ports and waits until the master has taken it in. */
export async function startHoldfastServer(
  cluster: WeedCluster,
  name: string,
  ...flags: readonly string[]
): Promise<HoldfastServer> {
  const directory = `${cluster.directory}/${name}`;
  await mkdir(directory, { recursive: true });
  const running = startHoldfast(
    ...['serve', '--json', '--dir', directory, '--master', cluster.masterAddress],
    ...['--port', '0', '--max-volumes', '100', '--min-free', '0', ...flags],
  );
  const { address, grpcPort } = JSON.parse(await running.printed('"listening"'));
  await running.printed('"registered"');
  return {
    httpAddress: address,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    directory,
    pid: running.process.pid!,
    readFile: (volumeId, ext, collection = '') =>
      readFile(`${directory}/${formatVolumeName({ collection, volumeId })}${ext}`),
    async stop() {
      running.process.kill('SIGTERM');
      return await running.ended;
    },
  };
}
