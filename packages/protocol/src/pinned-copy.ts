import { create, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import * as pb from './gen/holdfast/v1/follow_pb.js';
import type { LeaderStatus, PinnedCopy } from './leader-client.js';
import { LeaderError } from './leader-error.js';
import type { ServedGeneration } from './leader-service.js';
import { followLimits } from './limits.js';
import type { StreamMethod } from './rpc-transport.js';
import type { TrailedMessage } from './verified-stream.js';

export interface PinnedCopyCall {
  readonly volumeId: number;
  readonly collection: string;
  readonly status: LeaderStatus;
  readonly of: ServedGeneration;
  readonly stream: <I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    request: MessageShape<I>,
    signal: AbortSignal,
  ) => AsyncIterable<MessageShape<O>>;
  readonly chunks: (
    messages: AsyncIterable<TrailedMessage>,
    expectedBytes: number,
    of: ServedGeneration,
  ) => AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** Resolved when the leader holds both files open: they are read whenever, and in whichever order. */
export async function openPinnedCopy(call: PinnedCopyCall): Promise<PinnedCopy> {
  const { volumeId, collection, status, of, stream, chunks, signal } = call;
  const ended = new AbortController();
  const onAbort = () => ended.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  const request = create(pb.PinRequestSchema, {
    generation: create(pb.GenerationSchema, { volumeId, collection, ...of }),
    datSizeBytes: BigInt(status.datSizeBytes),
    idxSizeBytes: BigInt(status.idxSizeBytes),
  });
  const holding = stream(pb.FollowService.method.pin, request, ended.signal)[Symbol.asyncIterator]();
  const pinned = await holding.next();
  if (pinned.done) throw new LeaderError('bad-answer', 'no pin came');
  const { pinId } = pinned.value;
  if (pinId.length > followLimits.idLength) throw new LeaderError('bad-answer', 'a pin id beyond the limit');

  const read = (file: pb.PinnedFile, sizeBytes: number) => {
    const messages = stream(
      pb.FollowService.method.readPinned,
      create(pb.ReadPinnedRequestSchema, { pinId, file }),
      ended.signal,
    );
    return chunks(messages, sizeBytes, of);
  };
  return {
    dat: read(pb.PinnedFile.DAT, status.datSizeBytes),
    idx: read(pb.PinnedFile.IDX, status.idxSizeBytes),
    async close() {
      signal.removeEventListener('abort', onAbort);
      ended.abort();
      await holding.return?.();
    },
  };
}
