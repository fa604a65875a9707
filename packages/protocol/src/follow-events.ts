import type { Checksum } from './checksum.js';
import type { FollowDurable, VolumeFollowResponse } from './gen/holdfast/v1/follow_pb.js';
import type { FollowEvent } from './leader-client.js';
import { LeaderError } from './leader-error.js';
import type { ServedGeneration } from './leader-service.js';
import { followLimits } from './limits.js';
import { safeNumber } from './safe-number.js';
import { checkGeneration, createStreamProof } from './verified-stream.js';

/** Where a follow stream begins, as the leader says. */
export type FollowStartEvent = {
  readonly kind: 'start';
  readonly datOffset: number;
  readonly idxOffset: number;
} & ServedGeneration;

/**
 * The answers to a `VolumeFollow`, each of its fences checked: checksum since the last one, offsets that go on where the
 * last ended, one history throughout, and the trailer where the stream ends. `bytes` are as they came until the `durable`
 * event behind them. Fails with `LeaderError` `bad-answer`, `revision-changed`, `unreachable` (no trailer).
 */
export async function* verifiedFollow(
  messages: AsyncIterable<VolumeFollowResponse>,
  crc32c: Checksum,
): AsyncGenerator<FollowEvent | FollowStartEvent, void> {
  const proof = createStreamProof(crc32c);
  let start: FollowStartEvent | undefined;
  let ended = false;
  let [stepCrc, idxEnd] = [0, 0];

  function checkDurable(durable: FollowDurable, origin: FollowStartEvent): FollowEvent {
    checkGeneration(durable, origin);
    const datSizeBytes = safeNumber(durable.datSizeBytes, 'dat_size_bytes');
    const idxSizeBytes = safeNumber(durable.idxSizeBytes, 'idx_size_bytes');
    const { idxEntries, bytesCrc32c, revision, lineageId } = durable;
    if (idxEntries.length > followLimits.idxEntriesBytes) {
      throw new LeaderError('bad-answer', `${idxEntries.length} bytes of index entries at once`);
    }
    if (bytesCrc32c !== stepCrc)
      throw new LeaderError('bad-answer', `CRC ${bytesCrc32c} was sent, ${stepCrc} came`);
    if (datSizeBytes !== origin.datOffset + proof.bytes || idxSizeBytes !== idxEnd + idxEntries.length) {
      throw new LeaderError(
        'bad-answer',
        `the stream leaves out bytes before ${datSizeBytes} or ${idxSizeBytes}`,
      );
    }
    idxEnd = idxSizeBytes;
    stepCrc = 0;
    return { kind: 'durable', datSizeBytes, idxSizeBytes, idxEntries, bytesCrc32c, revision, lineageId };
  }

  for await (const { event } of messages) {
    if (ended) throw new LeaderError('bad-answer', 'a message after the trailer');
    if (event.case === 'heartbeat') {
      yield { kind: 'heartbeat' };
      continue;
    }
    if (event.case === 'start') {
      if (start !== undefined) throw new LeaderError('bad-answer', 'a second start');
      const datOffset = safeNumber(event.value.datOffset, 'dat_offset');
      idxEnd = safeNumber(event.value.idxOffset, 'idx_offset');
      const { revision, lineageId } = event.value;
      start = { kind: 'start', datOffset, idxOffset: idxEnd, revision, lineageId };
      yield start;
      continue;
    }
    if (start === undefined) throw new LeaderError('bad-answer', 'the stream does not say where it starts');
    if (event.case === 'chunk') {
      proof.add(event.value);
      stepCrc = crc32c(event.value, stepCrc);
      yield { kind: 'bytes', bytes: event.value };
    } else if (event.case === 'durable') {
      yield checkDurable(event.value, start);
    } else if (event.case === 'trailer') {
      proof.check(event.value, start);
      ended = true;
    }
  }
  if (!ended)
    throw new LeaderError('unreachable', `the stream was cut after ${proof.bytes} bytes: it has no trailer`);
}
