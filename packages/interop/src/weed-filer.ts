import { mkdir } from 'node:fs/promises';
import { freePortPair, freePorts } from './free-ports.js';
import { Gone, waitUntil } from './wait-until.js';
import type { WeedCluster } from './weed-cluster.js';
import { startWeed } from './weed-process.js';

/** A real filer, and the S3 gateway in it: names and directories over the files of a cluster's volumes. */
export interface WeedFiler {
  /** `host:port.grpcPort`, for `weed shell`. */
  readonly filerAddress: string;
  /** `http://host:port`. */
  readonly filerUrl: string;
  readonly s3Url: string;
  /** At once: nothing of it is kept, and it takes its time where it may. */
  stop(): Promise<void>;
}

export async function startWeedFiler(cluster: WeedCluster): Promise<WeedFiler> {
  const directory = `${cluster.directory}/filer`;
  await mkdir(directory, { recursive: true });
  const [port, grpcPort] = await freePortPair();
  const [s3Port, s3GrpcPort] = (await freePorts(2)) as [number, number];
  const args = [
    ...['filer', '-ip=127.0.0.1', '-ip.bind=127.0.0.1', `-port=${port}`, `-port.grpc=${grpcPort}`],
    ...[`-master=${cluster.masterAddress}`, `-defaultStoreDir=${directory}`],
    ...['-s3', `-s3.port=${s3Port}`, `-s3.port.grpc=${s3GrpcPort}`],
    ...['-s3.port.iceberg=0', '-s3.port.lance=0'],
    ...[`-localSocket=${directory}/filer.sock`, `-s3.localSocket=${directory}/s3.sock`],
  ];
  const weed = startWeed(cluster.binary, args, directory);
  const filerUrl = `http://127.0.0.1:${port}`;
  const s3Url = `http://127.0.0.1:${s3Port}`;
  await waitUntil('the filer answers', async () => {
    if (!weed.isAlive) throw new Gone(`the filer has ended: ${weed.log}`);
    return (await fetch(`${filerUrl}/`)).ok && (await fetch(s3Url)).status < 500;
  });
  return { filerAddress: `127.0.0.1:${port}.${grpcPort}`, filerUrl, s3Url, stop: () => weed.kill() };
}
