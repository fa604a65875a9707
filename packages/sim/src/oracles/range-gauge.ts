import { type RpcConnection, type RpcTransport, volumeServerPb } from '@holdfast/protocol';
import { Violation } from './violation.js';

/** What a stock server is asked for at once, by one follower. */
const RANGES_PER_VOLUME_MAX = 4;
const RANGES_PER_SERVER_MAX = 8;

/** What a volume is asked for and has not answered yet. */
interface UnderWay {
  readonly ranges: number;
  readonly bytes: number;
}

const NOTHING: UnderWay = { ranges: 0, bytes: 0 };

/** Counts the ranges that a follower has asked a server for and not had yet, and what of them it holds at once. */
export interface RangeGauge {
  /** The network as one process of a follower is to use it. */
  over(network: RpcTransport): RpcTransport;
  /** Throws where there have ever been more at once than there may be. */
  assertGentle(): void;
}

export interface RangeGaugeOptions {
  /** The longest range that may be asked for. */
  readonly rangeBytes: number;
  /** One more was asked for, so many at once. */
  readonly onRange: (atOnce: number) => void;
}

export function createRangeGauge({ rangeBytes, onRange }: RangeGaugeOptions): RangeGauge {
  let excess: Violation | undefined;
  const { readNeedleBlob } = volumeServerPb.VolumeServer.method;

  function judge(sizeBytes: number, ofVolume: UnderWay, ofServer: UnderWay): void {
    onRange(ofServer.ranges);
    if (ofVolume.ranges > RANGES_PER_VOLUME_MAX || ofServer.ranges > RANGES_PER_SERVER_MAX)
      excess ??= new Violation(
        'gentle',
        `at most ${RANGES_PER_VOLUME_MAX} ranges of a volume and ${RANGES_PER_SERVER_MAX} of a server at once`,
        `${ofVolume.ranges} and ${ofServer.ranges}`,
      );
    const isTooMuch =
      ofVolume.bytes > RANGES_PER_VOLUME_MAX * rangeBytes ||
      ofServer.bytes > RANGES_PER_SERVER_MAX * rangeBytes;
    if (sizeBytes < 0 || sizeBytes > rangeBytes || isTooMuch)
      excess ??= new Violation(
        'bounded',
        `ranges of at most ${rangeBytes} bytes, and no more at once than those that there may be`,
        `${sizeBytes} bytes, ${ofVolume.bytes} of a volume and ${ofServer.bytes} of a server`,
      );
  }

  function gauged(connection: RpcConnection, underWay: Map<number, UnderWay>): RpcConnection {
    const unary: RpcConnection['unary'] = async (method, request, options) => {
      if (method.name !== readNeedleBlob.name) return await connection.unary(method, request, options);
      const { volumeId, size } = request as unknown as volumeServerPb.ReadNeedleBlobRequest;
      const ofVolume = plus(underWay.get(volumeId), 1, size);
      underWay.set(volumeId, ofVolume);
      judge(size, ofVolume, [...underWay.values()].reduce(sum, NOTHING));
      try {
        return await connection.unary(method, request, options);
      } finally {
        underWay.set(volumeId, plus(underWay.get(volumeId), -1, -size));
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
      const underWay = new Map<number, UnderWay>();
      return {
        connect: async (address, options) => gauged(await network.connect(address, options), underWay),
      };
    },
    assertGentle() {
      if (excess !== undefined) throw excess;
    },
  };
}

function sum(left: UnderWay, right: UnderWay): UnderWay {
  return { ranges: left.ranges + right.ranges, bytes: left.bytes + right.bytes };
}

function plus(present: UnderWay | undefined, ranges: number, bytes: number): UnderWay {
  return sum(present ?? NOTHING, { ranges, bytes });
}
