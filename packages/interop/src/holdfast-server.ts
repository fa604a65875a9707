import { mkdir, readFile } from 'node:fs/promises';
import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { formatVolumeName } from '@holdfast/format';
import type { UnaryMethod } from '@holdfast/protocol';
import { createGrpcTransport } from '@holdfast/transport-grpc';
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
  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
  /** SIGTERM: resolves with what it said. */
  stop(): Promise<HoldfastResult>;
}

const CALL_TIMEOUT_MS = 30_000;

/** Starts one on free ports and waits until the master has taken it in. */
export async function startHoldfastServer(
  cluster: Pick<WeedCluster, 'directory' | 'masterAddress'>,
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
  const grpcAddress = `127.0.0.1:${grpcPort}`;
  return {
    httpAddress: address,
    grpcAddress,
    directory,
    pid: running.process.pid!,
    readFile: (volumeId, ext, collection = '') =>
      readFile(`${directory}/${formatVolumeName({ collection, volumeId })}${ext}`),
    async unary(method, request) {
      const signal = AbortSignal.timeout(CALL_TIMEOUT_MS);
      const connection = await createGrpcTransport().connect(grpcAddress, { signal });
      try {
        return await connection.unary(method, create(method.input, request), { signal });
      } finally {
        await connection.close();
      }
    },
    async stop() {
      running.process.kill('SIGTERM');
      return await running.ended;
    },
  };
}
