import { type RpcConnection, type RpcTransport, volumeServerPb } from '@holdfast/protocol';
import { Violation } from './violation.js';

/** What a stock server is asked for at once, by one follower. */
const RANGES_PER_VOLUME_MAX = 4;
const RANGES_PER_SERVER_MAX = 8;

/** Counts the ranges that a follower has asked a server for and not had yet. */
export interface RangeGauge {
  /** The network as one process of a follower is to use it. */
  over(network: RpcTransport): RpcTransport;
  /** Throws where there have ever been more at once than there may be. */
  assertGentle(): void;
}

/** `onRange`: one more was asked for, so many at once. */
export function createRangeGauge(onRange: (atOnce: number) => void): RangeGauge {
  let excess: Violation | undefined;
  const { readNeedleBlob } = volumeServerPb.VolumeServer.method;

  function gauged(connection: RpcConnection, underWay: Map<number, number>): RpcConnection {
    const unary: RpcConnection['unary'] = async (method, request, options) => {
      if (method.name !== readNeedleBlob.name) return await connection.unary(method, request, options);
      const { volumeId } = request as unknown as volumeServerPb.ReadNeedleBlobRequest;
      const ofVolume = (underWay.get(volumeId) ?? 0) + 1;
      underWay.set(volumeId, ofVolume);
      const ofServer = [...underWay.values()].reduce((sum, number) => sum + number, 0);
      onRange(ofServer);
      if (ofVolume > RANGES_PER_VOLUME_MAX || ofServer > RANGES_PER_SERVER_MAX)
        excess ??= new Violation(
          'gentle',
          `at most ${RANGES_PER_VOLUME_MAX} ranges of a volume and ${RANGES_PER_SERVER_MAX} of a server at once`,
          `${ofVolume} and ${ofServer}`,
        );
      try {
        return await connection.unary(method, request, options);
      } finally {
        underWay.set(volumeId, (underWay.get(volumeId) ?? 0) - 1);
      }
    };
    return {
      unary,
      stream: (method, requests, options) => connection.stream(method, requests, options),
      get receivedBytes() {
        return connection.receivedBytes;
      },
      closed: connection.closed,
      close: () => connection.close(),
    };
  }

  return {
    over(network) {
      const underWay = new Map<number, number>();
      return {
        connect: async (address, options) => gauged(await network.connect(address, options), underWay),
      };
    },
    assertGentle() {
      if (excess !== undefined) throw excess;
    },
  };
}
