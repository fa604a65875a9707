import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import type { Checksum } from './checksum.js';
import { type FollowStartEvent, verifiedFollow } from './follow-events.js';
import * as pb from './gen/holdfast/v1/follow_pb.js';
import type { ByteRange, FollowEvent, FollowPosition, LeaderStatus, LeaderVolume } from './leader-client.js';
import { LeaderError } from './leader-error.js';
import { leaderErrorOfRpcError } from './leader-error-wire.js';
import type { ServedGeneration } from './leader-service.js';
import { followLimits } from './limits.js';
import { openPinnedCopy } from './pinned-copy.js';
import { singleRequest } from './rpc-routes.js';
import type { RpcConnection, StreamMethod, UnaryMethod } from './rpc-transport.js';
import { safeNumber } from './safe-number.js';
import { watchStream } from './stream-watchdog.js';
import type { RpcTimers } from './timers.js';
import { type TrailedMessage, verifiedChunks } from './verified-stream.js';

const methods = pb.FollowService.method;
/** What every `.dat` begins with. */
const SUPER_BLOCK_SIZE_BYTES = 8;
/** Of an entry: id and size of its needle. */
const ID_AND_SIZE_BYTES = 12;

/**
 * A volume of Holdfast's own leader: beside what every leader can, the classic question. Ranges and index are read of
 * the generation that the last `status` told of, and fail with `revision-changed` where the leader's is another.
 */
export interface HoldfastVolume extends LeaderVolume {
  follow(position: FollowPosition, signal: AbortSignal): AsyncIterable<FollowEvent>;
  /**
   * Everything appended after `sinceNs`, the start's offsets first; with `stayOpen` what follows too. Fails with
   * `refused` where the leader's index has no sound answer.
   */
  followSince(
    sinceNs: bigint,
    stayOpen: boolean,
    signal: AbortSignal,
  ): AsyncIterable<FollowEvent | FollowStartEvent>;
}

export interface HoldfastVolumeOptions {
  readonly address: string;
  readonly crc32c: Checksum;
  readonly timers: RpcTimers;
  readonly noBytesTimeoutMs: number;
  readonly unaryTimeoutMs: number;
}

export function createHoldfastVolume(
  connection: RpcConnection,
  volumeId: number,
  collection: string,
  options: HoldfastVolumeOptions,
): HoldfastVolume {
  const { address, crc32c, timers, noBytesTimeoutMs, unaryTimeoutMs } = options;
  const detail = { address, volumeId };
  let bytesReceived = 0;
  // Of the last status: what is read is read of it.
  let generation: ServedGeneration = { revision: 0, lineageId: '' };

  async function unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageShape<I>,
    signal: AbortSignal,
  ): Promise<MessageShape<O>> {
    return await connection.unary(method, request, { signal, timeoutMs: unaryTimeoutMs });
  }

  function stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    request: MessageShape<I>,
    signal: AbortSignal,
    reusesMessages = true,
  ): AsyncIterable<MessageShape<O>> {
    const call = (ended: AbortSignal) =>
      connection.stream(method, singleRequest(request), { signal: ended, reusesMessages });
    const receivedBytes = () => connection.receivedBytes;
    return watchStream(call, { signal, timers, noBytesTimeoutMs, receivedBytes });
  }

  /** Counts what came, and makes every failure a `LeaderError`. */
  async function* received<T>(items: AsyncIterable<T>, sizeOf: (item: T) => number): AsyncGenerator<T, void> {
    try {
      for await (const item of items) {
        bytesReceived += sizeOf(item);
        yield item;
      }
    } catch (error) {
      throw leaderErrorOfRpcError(error, detail);
    }
  }

  const chunks = (messages: AsyncIterable<TrailedMessage>, expectedBytes: number, of: ServedGeneration) =>
    received(verifiedChunks(messages, crc32c, of, expectedBytes), (chunk) => chunk.length);

  const asked = (of: ServedGeneration) => create(pb.GenerationSchema, { volumeId, collection, ...of });

  const followed = (request: pb.VolumeFollowRequest, signal: AbortSignal) =>
    received(verifiedFollow(stream(methods.volumeFollow, request, signal, false), crc32c), (event) => {
      if (event.kind === 'bytes') return event.bytes.length;
      return event.kind === 'durable' ? event.idxEntries.length : 0;
    });

  return {
    volumeId,
    get bytesReceived() {
      return bytesReceived;
    },
    async status(signal) {
      try {
        const request = create(pb.StatusRequestSchema, { volumeId, collection });
        const status = checkedStatus(await unary(methods.status, request, signal));
        generation = { revision: status.revision, lineageId: status.lineageId };
        return status;
      } catch (error) {
        throw leaderErrorOfRpcError(error, detail);
      }
    },
    rangesAtOnce: followLimits.rangesPerCall,
    compactionOpen: async () => false,
    async *readRanges(ranges, signal) {
      const of = generation;
      for (let from = 0; from < ranges.length; from += followLimits.rangesPerCall) {
        const part = ranges.slice(from, from + followLimits.rangesPerCall);
        const request = create(pb.ReadRangesRequestSchema, {
          generation: asked(of),
          ranges: part.map(wireRange),
        });
        const expectedBytes = part.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
        yield* chunks(stream(methods.readRanges, request, signal), expectedBytes, of);
      }
    },
    readIndex(startOffset, endOffset, signal) {
      const of = generation;
      const request = create(pb.ReadIndexRequestSchema, {
        generation: asked(of),
        startOffset: BigInt(startOffset),
        endOffset: BigInt(endOffset),
      });
      return chunks(stream(methods.readIndex, request, signal), endOffset - startOffset, of);
    },
    async openPinnedCopy(status, signal) {
      try {
        const of = { revision: status.revision, lineageId: status.lineageId ?? '' };
        return await openPinnedCopy({ volumeId, collection, status, of, stream, chunks, signal });
      } catch (error) {
        throw leaderErrorOfRpcError(error, detail);
      }
    },
    async isNeedleLive(needleId, signal) {
      try {
        const request = create(pb.IsNeedleLiveRequestSchema, { volumeId, collection, needleId });
        return (await unary(methods.isNeedleLive, request, signal)).live;
      } catch (error) {
        throw leaderErrorOfRpcError(error, detail);
      }
    },
    async *follow(position, signal) {
      const wire = {
        ...position,
        datOffset: BigInt(position.datOffset),
        idxOffset: BigInt(position.idxOffset),
      };
      const start = { case: 'position' as const, value: create(pb.FollowPositionSchema, wire) };
      const request = create(pb.VolumeFollowRequestSchema, { volumeId, collection, start, stayOpen: true });
      for await (const event of followed(request, signal)) {
        if (event.kind !== 'start') yield event;
        else if (event.datOffset !== position.datOffset || event.idxOffset !== position.idxOffset) {
          throw new LeaderError('bad-answer', `the stream starts at ${event.datOffset}`, detail);
        }
      }
    },
    followSince(sinceNs, stayOpen, signal) {
      const start = { case: 'sinceNs' as const, value: sinceNs };
      return followed(
        create(pb.VolumeFollowRequestSchema, { volumeId, collection, start, stayOpen }),
        signal,
      );
    },
  };
}

function checkedStatus(status: pb.StatusResponse): LeaderStatus & { readonly lineageId: string } {
  const { revision, version, offsetWidthBytes, collection, readOnly, replication, lineageId } = status;
  if (version !== 1 && version !== 2 && version !== 3)
    throw new LeaderError('bad-answer', `version ${version}`);
  if (offsetWidthBytes !== 4 && offsetWidthBytes !== 5) {
    throw new LeaderError('bad-answer', `an offset width of ${offsetWidthBytes}`);
  }
  if (revision > 0xffff) throw new LeaderError('bad-answer', `revision ${revision}`);
  if (lineageId === '' || lineageId.length > followLimits.idLength) {
    throw new LeaderError('bad-answer', `a lineage id of ${lineageId.length} characters`);
  }
  const datSizeBytes = safeNumber(status.datSizeBytes, 'dat_size_bytes');
  const idxSizeBytes = safeNumber(status.idxSizeBytes, 'idx_size_bytes');
  if (datSizeBytes < SUPER_BLOCK_SIZE_BYTES)
    throw new LeaderError('bad-answer', `a .dat of ${datSizeBytes} bytes, less than its super block`);
  const entrySizeBytes = ID_AND_SIZE_BYTES + offsetWidthBytes;
  if (idxSizeBytes % entrySizeBytes !== 0)
    throw new LeaderError(
      'bad-answer',
      `an index of ${idxSizeBytes} bytes, no number of entries of ${entrySizeBytes}`,
    );
  const sizes = { datSizeBytes, idxSizeBytes };
  return { revision, version, offsetWidthBytes, collection, readOnly, replication, lineageId, ...sizes };
}

function wireRange({ offset, lengthBytes }: ByteRange): pb.ByteRange {
  return create(pb.ByteRangeSchema, { offset: BigInt(offset), lengthBytes: BigInt(lengthBytes) });
}
