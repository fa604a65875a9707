import { FormatError } from '@holdfast/format';
import { create, onlyRequest, volumeServerPb as pb, RpcError } from '@holdfast/protocol';
import { assertRoom } from './administration-calls.js';
import { requireVolume } from './call-errors.js';
import { copyVolume } from './copy-volume.js';
import { type Peer, withPeer } from './peer.js';
import { createProgress, PROGRESS_BYTES } from './progress.js';
import { receiveTail } from './receive-tail.js';
import type { VolumeServer, VolumeServerHandlers } from './volume-server.js';

const { method } = pb.VolumeServer;
/** 4.44 says it of a needle that was never there, 4.48 with its id; both of one that was deleted. */
const NOT_LIVE = /^(not found|already deleted|needle not found \d+)$/;

/** What this server takes from others. */
export function receiveCalls(server: VolumeServer): VolumeServerHandlers {
  const { env, store, limits } = server;
  return {
    async volumeTailReceiver(request, { signal }) {
      const { volumeId, sinceNs, idleTimeoutSeconds, sourceVolumeServer } = request;
      const volume = requireVolume(store, volumeId, `receiver not found volume id ${volumeId}`);
      const receive = (peer: Peer) =>
        receiveTail({
          volume,
          messages: peer.stream(method.volumeTailSender, { volumeId, sinceNs, idleTimeoutSeconds }),
          isEmptyNeedle: (needleId) => isEmptyNeedle(peer, volumeId, needleId),
          crc32c: env.crc32c,
          limits,
        });
      await fromSource(server, sourceVolumeServer, signal, receive);
      return create(pb.VolumeTailReceiverResponseSchema);
    },

    async *volumeCopy(requests, { signal }) {
      const { volumeId, sourceDataNode, diskType, ioBytePerSecond } = await onlyRequest(requests);
      if (store.find(volumeId) !== undefined)
        throw new RpcError('already-exists', `volume ${volumeId} already exists: delete it first`);
      assertRoom(server, diskType);
      const progress = createProgress(PROGRESS_BYTES);
      const maxBytesPerSecond = ioBytePerSecond > 0n ? Number(ioBytePerSecond) : undefined;
      const { report: onProgress } = progress;
      const copying = fromSource(server, sourceDataNode, signal, (peer) =>
        copyVolume(server, { volumeId, peer, onProgress, maxBytesPerSecond, signal }),
      );
      for await (const copiedBytes of progress.until(copying))
        yield create(pb.VolumeCopyResponseSchema, { processedBytes: BigInt(copiedBytes) });
      const { lastAppendAtNs } = (await copying).status();
      yield create(pb.VolumeCopyResponseSchema, { lastAppendAtNs });
    },
  };
}

/** What a source sends and is damaged is its failure, not the caller's. */
async function fromSource<T>(
  server: VolumeServer,
  address: string,
  signal: AbortSignal,
  use: (peer: Peer) => Promise<T>,
): Promise<T> {
  try {
    return await withPeer(server, address, signal, use);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new RpcError('data-loss', `${address}: ${error.message}`, error);
  }
}

async function isEmptyNeedle(peer: Peer, volumeId: number, needleId: bigint): Promise<boolean> {
  try {
    return (await peer.unary(method.volumeNeedleStatus, { volumeId, needleId })).size === 0;
  } catch (error) {
    if (error instanceof RpcError && NOT_LIVE.test(error.message)) return false;
    throw error;
  }
}
