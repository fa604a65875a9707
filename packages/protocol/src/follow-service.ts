import { create } from '@bufbuild/protobuf';
import type { Checksum } from './checksum.js';
import * as pb from './gen/holdfast/v1/follow_pb.js';
import { LeaderError } from './leader-error.js';
import { rpcErrorOfLeaderError } from './leader-error-wire.js';
import type { FollowStart, LeaderService, ServedGeneration, ServedPin } from './leader-service.js';
import { followLimits } from './limits.js';
import { createRpcService, onlyRequest } from './rpc-routes.js';
import type { RpcService } from './rpc-transport.js';
import { safeNumber } from './safe-number.js';
import type { RpcTimers } from './timers.js';
import { untilAborted } from './until-aborted.js';

export interface FollowServiceOptions {
  readonly crc32c: Checksum;
  readonly timers: RpcTimers;
  /** Default `followLimits.heartbeatMs`. */
  readonly heartbeatMs?: number;
}

type Trailed = {
  readonly event: { case: 'chunk'; value: Uint8Array } | { case: 'trailer'; value: pb.StreamTrailer };
};

/** `holdfast.v1` over a leader: adds what the wire needs (checksums, heartbeats, trailers, pins by name). */
export function createFollowService(leader: LeaderService, options: FollowServiceOptions): RpcService {
  const { crc32c, timers, heartbeatMs = followLimits.heartbeatMs } = options;
  const pins = new Map<string, { readonly pin: ServedPin; readonly generation: ServedGeneration }>();
  let nextPin = 1;

  /** The chunks, none larger than the limit, then what they were. Other than `expectedBytes` of them is a failure. */
  async function* trailed(
    chunks: AsyncIterable<Uint8Array>,
    generation: ServedGeneration,
    expectedBytes?: number,
  ): AsyncGenerator<Trailed, void> {
    let [bytes, crc] = [0, 0];
    for await (const whole of chunks) {
      for (const chunk of slices(whole)) {
        bytes += chunk.length;
        crc = crc32c(chunk, crc);
        yield { event: { case: 'chunk', value: chunk } };
      }
    }
    if (expectedBytes !== undefined && bytes !== expectedBytes) {
      throw new LeaderError('past-end', `${bytes} bytes where ${expectedBytes} were asked for`);
    }
    yield { event: { case: 'trailer', value: trailerOf(bytes, crc, generation) } };
  }

  async function* withHeartbeats<T>(
    items: AsyncIterable<T>,
    signal: AbortSignal,
  ): AsyncGenerator<T | 'idle', void> {
    const iterator = items[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = iterator.next();
        for (let result: IteratorResult<T> | 'idle' = 'idle'; result === 'idle'; ) {
          const answered = new AbortController();
          const stop = AbortSignal.any([answered.signal, signal]);
          const idle = timers.sleep(heartbeatMs, stop).then(
            () => 'idle' as const,
            () => next,
          );
          result = await Promise.race([next, idle]);
          answered.abort();
          if (result === 'idle') yield 'idle';
          else if (result.done) return;
          else yield result.value;
        }
      }
    } finally {
      void iterator.return?.()?.catch(() => undefined);
    }
  }

  async function* follow(request: pb.VolumeFollowRequest, signal: AbortSignal) {
    const volume = await leader.volume(request.volumeId, request.collection);
    const events = volume.follow(startOf(request), request.stayOpen, signal);
    let generation: ServedGeneration = { revision: 0, lineageId: '' };
    let [bytes, crc, stepCrc] = [0, 0, 0];
    for await (const event of withHeartbeats(events, signal)) {
      if (event === 'idle') {
        yield followMessage({ case: 'heartbeat', value: create(pb.FollowHeartbeatSchema) });
      } else if (event.kind === 'start') {
        generation = event;
        const value = create(pb.FollowStartSchema, {
          ...generationFields(event),
          datOffset: BigInt(event.datOffset),
          idxOffset: BigInt(event.idxOffset),
        });
        yield followMessage({ case: 'start', value });
      } else if (event.kind === 'bytes') {
        for (const chunk of slices(event.bytes)) {
          bytes += chunk.length;
          crc = crc32c(chunk, crc);
          stepCrc = crc32c(chunk, stepCrc);
          yield followMessage({ case: 'chunk', value: chunk });
        }
      } else {
        generation = event;
        const value = create(pb.FollowDurableSchema, {
          ...generationFields(event),
          datSizeBytes: BigInt(event.datSizeBytes),
          idxSizeBytes: BigInt(event.idxSizeBytes),
          idxEntries: event.idxEntries,
          bytesCrc32c: stepCrc,
        });
        stepCrc = 0;
        yield followMessage({ case: 'durable', value });
      }
    }
    yield followMessage({ case: 'trailer', value: trailerOf(bytes, crc, generation) });
  }

  return createRpcService(pb.FollowService, {
    serverInfo: async () => create(pb.ServerInfoResponseSchema, { serverId: leader.serverId }),
    sweep: (_request, { signal }) =>
      translated(async () => {
        const entries = (await leader.sweep(signal)).map((entry) => ({
          ...entry,
          contentBytes: BigInt(entry.contentBytes),
          fileCount: BigInt(entry.fileCount),
          deleteCount: BigInt(entry.deleteCount),
          modifiedAtSeconds: BigInt(entry.modifiedAtSeconds),
        }));
        return create(pb.SweepResponseSchema, { entries });
      }),
    status: (request, { signal }) =>
      translated(async () => {
        const volume = await leader.volume(request.volumeId, request.collection);
        const status = await volume.status(signal);
        return create(pb.StatusResponseSchema, {
          ...status,
          datSizeBytes: BigInt(status.datSizeBytes),
          idxSizeBytes: BigInt(status.idxSizeBytes),
        });
      }),
    isNeedleLive: (request, { signal }) =>
      translated(async () => {
        const volume = await leader.volume(request.volumeId, request.collection);
        return create(pb.IsNeedleLiveResponseSchema, {
          live: await volume.isNeedleLive(request.needleId, signal),
        });
      }),
    volumeFollow: (requests, { signal }) =>
      translatedStream(async function* () {
        yield* follow(await onlyRequest(requests), signal);
      }),
    readRanges: (requests, { signal }) =>
      translatedStream(async function* () {
        const request = await onlyRequest(requests);
        if (request.ranges.length > followLimits.rangesPerCall) {
          throw new LeaderError(
            'refused',
            `${request.ranges.length} ranges, the limit is ${followLimits.rangesPerCall}`,
          );
        }
        const { volume, generation } = await openGeneration(leader, request.generation);
        const ranges = request.ranges.map((range) => ({
          offset: safeNumber(range.offset, 'offset'),
          lengthBytes: safeNumber(range.lengthBytes, 'length_bytes'),
        }));
        const expectedBytes = ranges.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
        const chunks = volume.readRanges(generation, ranges, signal);
        for await (const message of trailed(chunks, generation, expectedBytes)) {
          yield create(pb.ReadRangesResponseSchema, message);
        }
      }),
    readIndex: (requests, { signal }) =>
      translatedStream(async function* () {
        const request = await onlyRequest(requests);
        const { volume, generation } = await openGeneration(leader, request.generation);
        const startOffset = safeNumber(request.startOffset, 'start_offset');
        const endOffset = safeNumber(request.endOffset, 'end_offset');
        const chunks = volume.readIndex(generation, startOffset, endOffset, signal);
        for await (const message of trailed(chunks, generation, endOffset - startOffset)) {
          yield create(pb.ReadIndexResponseSchema, message);
        }
      }),
    pin: (requests, { signal }) =>
      translatedStream(async function* () {
        const request = await onlyRequest(requests);
        if (pins.size >= followLimits.openPins)
          throw new LeaderError('refused', `${pins.size} pins are open`);
        const { volume, generation } = await openGeneration(leader, request.generation);
        const sizes = {
          datSizeBytes: safeNumber(request.datSizeBytes, 'dat_size_bytes'),
          idxSizeBytes: safeNumber(request.idxSizeBytes, 'idx_size_bytes'),
        };
        const pin = await volume.pin(generation, sizes, signal);
        const pinId = `${nextPin++}`;
        pins.set(pinId, { pin, generation });
        try {
          yield create(pb.PinResponseSchema, { pinId });
          await untilAborted(signal);
        } finally {
          pins.delete(pinId);
          await pin.close();
        }
      }),
    readPinned: (requests, { signal }) =>
      translatedStream(async function* () {
        const { pinId, file } = await onlyRequest(requests);
        const pinned = pins.get(pinId);
        if (pinned === undefined) throw new LeaderError('refused', `no pin ${pinId} is open here`);
        const read = file === pb.PinnedFile.IDX ? pinned.pin.idx : pinned.pin.dat;
        for await (const message of trailed(read(signal), pinned.generation)) {
          yield create(pb.ReadPinnedResponseSchema, message);
        }
      }),
  });
}

function startOf({ start }: pb.VolumeFollowRequest): FollowStart {
  switch (start.case) {
    case 'sinceNs':
      return { sinceNs: start.value };
    case 'position':
      return {
        position: {
          revision: start.value.revision,
          lineageId: start.value.lineageId,
          datOffset: safeNumber(start.value.datOffset, 'dat_offset'),
          idxOffset: safeNumber(start.value.idxOffset, 'idx_offset'),
          overlap: start.value.overlap,
        },
      };
    default:
      return { sinceNs: 0n };
  }
}

async function openGeneration(leader: LeaderService, generation: pb.Generation | undefined) {
  if (generation === undefined) throw new LeaderError('refused', 'the request names no generation');
  const { volumeId, collection, revision, lineageId } = generation;
  return { volume: await leader.volume(volumeId, collection), generation: { revision, lineageId } };
}

function trailerOf(bytes: number, crc: number, generation: ServedGeneration): pb.StreamTrailer {
  return create(pb.StreamTrailerSchema, {
    ...generationFields(generation),
    bytes: BigInt(bytes),
    bytesCrc32c: crc,
  });
}

function generationFields({ revision, lineageId }: ServedGeneration): ServedGeneration {
  return { revision, lineageId };
}

function followMessage(event: pb.VolumeFollowResponse['event']): pb.VolumeFollowResponse {
  return create(pb.VolumeFollowResponseSchema, { event });
}

function* slices(bytes: Uint8Array): Generator<Uint8Array, void> {
  for (let start = 0; start < bytes.length; start += followLimits.chunkBytes) {
    yield bytes.subarray(start, start + followLimits.chunkBytes);
  }
}

async function translated<T>(answer: () => Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    throw rpcErrorOfLeaderError(error);
  }
}

async function* translatedStream<T>(answer: () => AsyncIterable<T>): AsyncGenerator<T, void> {
  try {
    yield* answer();
  } catch (error) {
    throw rpcErrorOfLeaderError(error);
  }
}
