import { SUPER_BLOCK_SIZE_BYTES } from '@holdfast/format';
import { type ByteRange, create, onlyRequest, volumeServerPb as pb } from '@holdfast/protocol';
import { refusal, requireVolume } from './call-errors.js';
import { createGenerationQueue, type GenerationQueue } from './generation-queue.js';
import { recordPieces } from './record-pieces.js';
import type { Since } from './since.js';
import type { VolumeServer, VolumeServerHandlers } from './volume-server.js';

/** What was appended since a time, and then every further record as it becomes durable: each once, over compactions. */
export function tailCalls(server: VolumeServer, since: Since): VolumeServerHandlers {
  const { store, limits, timers } = server;

  async function* messagesOf({ present }: GenerationQueue, range: ByteRange, signal: AbortSignal) {
    const { pin } = present;
    const { version } = pin;
    for await (const { header, body, isLast } of recordPieces(pin, range, limits.messageBytes, signal))
      yield create(pb.VolumeTailSenderResponseSchema, {
        needleHeader: header,
        needleBody: body,
        isLastChunk: isLast,
        version,
      });
  }

  return {
    async *volumeTailSender(requests, { signal }) {
      const { volumeId, sinceNs, idleTimeoutSeconds } = await onlyRequest(requests);
      const volume = requireVolume(store, volumeId);
      let wake: () => void = () => {};
      const queue = createGenerationQueue(store, volume, limits, () => wake());
      try {
        const { pin } = queue.present;
        for await (const range of since.ranges(pin, volumeId, sinceNs, signal))
          yield* messagesOf(queue, range, signal);
        let at = Math.max(pin.datSizeBytes, SUPER_BLOCK_SIZE_BYTES);
        for (let idlePasses = 0; ; ) {
          const changed = new Promise<void>((resolve) => {
            wake = resolve;
          });
          const { offset, isLast } = await queue.end();
          if (offset > at) {
            yield* messagesOf(queue, { offset: at, lengthBytes: offset - at }, signal);
            at = offset;
            idlePasses = 0;
          } else if (isLast) {
            if (!(await queue.advance())) throw refusal(`not found volume id ${volumeId}`);
            at = queue.present.beganAtOffset;
          } else if (await isIdle(changed, signal)) {
            yield create(pb.VolumeTailSenderResponseSchema, { isLastChunk: true, version: volume.version });
            // As the real server does: what the request calls seconds are passes.
            idlePasses++;
            if (idleTimeoutSeconds > 0 && idlePasses >= idleTimeoutSeconds) return;
          }
        }
      } finally {
        await queue.close();
      }
    },
  };

  /** Whether nothing has changed for a whole pass. */
  async function isIdle(changed: Promise<void>, signal: AbortSignal): Promise<boolean> {
    const over = new AbortController();
    try {
      return await Promise.race([
        changed.then(() => false),
        timers.sleep(limits.tailPassMs, AbortSignal.any([signal, over.signal])).then(() => true),
      ]);
    } finally {
      over.abort();
    }
  }
}
