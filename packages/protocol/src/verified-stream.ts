import type { Checksum } from './checksum.js';
import type { StreamTrailer } from './gen/holdfast/v1/follow_pb.js';
import { LeaderError } from './leader-error.js';
import type { ServedGeneration } from './leader-service.js';
import { followLimits } from './limits.js';
import { safeNumber } from './safe-number.js';

export type TrailedMessage = {
  readonly event:
    | { case: 'chunk'; value: Uint8Array }
    | { case: 'trailer'; value: StreamTrailer }
    | { case: undefined; value?: undefined };
};

/** What a stream brought so far, held against its trailer at the end. */
export interface StreamProof {
  add(chunk: Uint8Array): void;
  /** Fails with `bad-answer` where bytes or checksum differ, with `revision-changed` where the history does. */
  check(trailer: StreamTrailer, generation: ServedGeneration): void;
  readonly bytes: number;
}

export function createStreamProof(crc32c: Checksum): StreamProof {
  let [bytes, crc] = [0, 0];
  return {
    add(chunk) {
      if (chunk.length > followLimits.chunkBytes)
        throw new LeaderError('bad-answer', `a chunk of ${chunk.length} bytes`);
      bytes += chunk.length;
      crc = crc32c(chunk, crc);
    },
    check(trailer, generation) {
      checkGeneration(trailer, generation);
      const sent = safeNumber(trailer.bytes, 'trailer.bytes');
      if (sent !== bytes || trailer.bytesCrc32c !== crc) {
        const text = `${sent} bytes with CRC ${trailer.bytesCrc32c} were sent, ${bytes} with CRC ${crc} came`;
        throw new LeaderError('bad-answer', text);
      }
    },
    get bytes() {
      return bytes;
    },
  };
}

export function checkGeneration(found: ServedGeneration, expected: ServedGeneration): void {
  if (found.revision === expected.revision && found.lineageId === expected.lineageId) return;
  const text = `revision ${found.revision} of ${found.lineageId}, not ${expected.revision} of ${expected.lineageId}`;
  throw new LeaderError('revision-changed', text);
}

/** A leader sends none. Each is a sign of life, so that without a bound they could keep a reader for ever. */
const EMPTY_MESSAGES_MAX = 16;

/** The chunks of a stream that must end with a trailer for this generation, and bring exactly `expectedBytes`. */
export async function* verifiedChunks(
  messages: AsyncIterable<TrailedMessage>,
  crc32c: Checksum,
  generation: ServedGeneration,
  expectedBytes: number,
): AsyncGenerator<Uint8Array, void> {
  const proof = createStreamProof(crc32c);
  let ended = false;
  let emptyMessages = 0;
  for await (const { event } of messages) {
    if (event.case !== 'trailer' && !event.value?.length) emptyMessages += 1;
    if (emptyMessages > EMPTY_MESSAGES_MAX)
      throw new LeaderError('bad-answer', 'messages with nothing in them');
    if (ended) throw new LeaderError('bad-answer', 'a message after the trailer');
    if (event.case === 'chunk') {
      proof.add(event.value);
      if (proof.bytes > expectedBytes)
        throw new LeaderError('bad-answer', `more than ${expectedBytes} bytes came`);
      yield event.value;
    } else if (event.case === 'trailer') {
      proof.check(event.value, generation);
      ended = true;
    }
  }
  if (!ended)
    throw new LeaderError('unreachable', `the stream was cut after ${proof.bytes} bytes: it has no trailer`);
  if (proof.bytes !== expectedBytes) {
    throw new LeaderError('past-end', `${proof.bytes} bytes came where ${expectedBytes} were asked for`);
  }
}
