import { FormatError } from '@holdfast/format';
import { create, volumeServerPb as pb, RpcError } from '@holdfast/protocol';
import { requireVolume } from './call-errors.js';
import { type Peer, withPeer } from './peer.js';
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
      try {
        await withPeer(server, sourceVolumeServer, signal, receive);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        throw new RpcError('data-loss', `${sourceVolumeServer}: ${error.message}`, error);
      }
      return create(pb.VolumeTailReceiverResponseSchema);
    },
  };
}

async function isEmptyNeedle(peer: Peer, volumeId: number, needleId: bigint): Promise<boolean> {
  try {
    return (await peer.unary(method.volumeNeedleStatus, { volumeId, needleId })).size === 0;
  } catch (error) {
    if (error instanceof RpcError && NOT_LIVE.test(error.message)) return false;
    throw error;
  }
}
