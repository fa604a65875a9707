import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { create } from '@bufbuild/protobuf';
import { startWeedCluster } from '@holdfast/interop';
import { volumeServerPb } from '@holdfast/protocol';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { startHoldfast } from './holdfast-command.js';
import { type HttpLoadFigures, type Load, type LoadedServer, runHttpLoad } from './http-load.js';
import { settleDisk } from './settle-disk.js';

const VOLUME_ID = 1;
const FILL_SECONDS = 5;
const LOADS: readonly Load[] = ['reads', 'durable-writes', 'mixed'];

export interface ServeLoadRound {
  readonly load: Load;
  readonly weed: HttpLoadFigures;
  readonly holdfast: HttpLoadFigures;
}

/**
 * The same load on the HTTP data API of a real volume server and of `holdfast serve`, turn about in one run: on a
 * machine that others use as well only the ratio of neighbours says something. The load has a process of its own.
 */
export async function measureServeLoad(
  rounds: number,
  seconds: number,
  onRound: (round: ServeLoadRound) => void,
): Promise<readonly ServeLoadRound[]> {
  const cluster = await startWeedCluster();
  try {
    const [weedServer] = cluster.servers;
    await weedServer!.allocate(VOLUME_ID);
    const weed = { httpAddress: weedServer!.httpAddress, volumeId: VOLUME_ID, needles: 0 };
    await using own = await startServed(join(cluster.directory, 'own'));
    const holdfast: LoadedServer = { httpAddress: own.httpAddress, volumeId: VOLUME_ID, needles: 0 };
    for (const server of [weed, holdfast]) await runHttpLoad(server, 'durable-writes', FILL_SECONDS);
    const done: ServeLoadRound[] = [];
    for (let number = 0; number < rounds; number++) {
      for (const load of LOADS) {
        await settleDisk();
        const ofWeed = await runHttpLoad(weed, load, seconds);
        await settleDisk();
        const round = { load, weed: ofWeed, holdfast: await runHttpLoad(holdfast, load, seconds) };
        done.push(round);
        onRound(round);
      }
    }
    return done;
  } finally {
    await cluster.stop();
  }
}

/** `holdfast serve` with one volume. */
async function startServed(directory: string): Promise<AsyncDisposable & { readonly httpAddress: string }> {
  await mkdir(directory);
  const child = startHoldfast(['serve', '--json', '--dir', directory, '--port', '0', '--min-free', '0']);
  const { value: line } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  const { address, grpcPort } = JSON.parse(line) as { readonly address: string; readonly grpcPort: number };
  const signal = AbortSignal.timeout(60_000);
  const connection = await createGrpcTransport().connect(`127.0.0.1:${grpcPort}`, { signal });
  const { allocateVolume } = volumeServerPb.VolumeServer.method;
  const request = create(allocateVolume.input, { volumeId: VOLUME_ID, version: 3 });
  await connection.unary(allocateVolume, request, { signal });
  await connection.close();
  return {
    httpAddress: address,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
