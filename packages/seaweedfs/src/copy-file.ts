import { LeaderError, volumeServerPb } from '@holdfast/protocol';
import type { StockCaller, StockCallOptions } from './stock-caller.js';

/**
 * - `by-name`: no lock, no sync, no check of the revision, on a closed volume too (`is_ec_volume`).
 * - `plain`: syncs both files under the volume's write lock first; `revision` is checked once, at the start.
 */
export type CopyFileForm =
  | { readonly kind: 'by-name'; readonly collection: string }
  | { readonly kind: 'plain'; readonly collection: string; readonly revision: number };

export interface CopyFileOptions {
  readonly volumeId: number;
  readonly ext: '.dat' | '.idx' | '.cpd';
  readonly form: CopyFileForm;
  readonly stopOffset: number;
  /** Told of every byte of content as it arrives. */
  readonly onBytes: (lengthBytes: number) => void;
}

/** A server sends one at most. Each is a sign of life, so that without a bound they could keep a reader for ever. */
const EMPTY_MESSAGES_MAX = 16;

/**
 * A file from its beginning to `stopOffset`, shorter where the file is (protocol.md §4). The server opens the file
 * once, before its first message, which may be empty. Fails with `bad-answer` where it sends more than was asked for, or
 * message after message with nothing in it.
 */
export async function* copyFile(
  caller: StockCaller,
  options: CopyFileOptions,
  call: StockCallOptions,
): AsyncGenerator<Uint8Array, void> {
  const { volumeId, ext, form, stopOffset, onBytes } = options;
  const request = {
    volumeId,
    ext,
    stopOffset: BigInt(stopOffset),
    collection: form.collection,
    isEcVolume: form.kind === 'by-name',
    compactionRevision: form.kind === 'plain' ? form.revision : 0,
  };
  let receivedBytes = 0;
  let emptyMessages = 0;
  for await (const message of caller.stream(volumeServerPb.VolumeServer.method.copyFile, request, {
    ...call,
    reusesMessages: true,
  })) {
    const { fileContent } = message;
    receivedBytes += fileContent.length;
    if (fileContent.length === 0) emptyMessages += 1;
    if (emptyMessages > EMPTY_MESSAGES_MAX)
      throw new LeaderError(
        'bad-answer',
        `volume ${volumeId}: messages of ${ext} with nothing in them`,
        call.detail,
      );
    onBytes(fileContent.length);
    if (receivedBytes > stopOffset) {
      const text = `volume ${volumeId}: more than the ${stopOffset} bytes of ${ext} that were asked for`;
      throw new LeaderError('bad-answer', text, { ...call.detail, offset: stopOffset });
    }
    yield fileContent;
  }
}
