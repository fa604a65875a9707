import { FRAME_HEADER_BYTES, type FrameHeader, frameFlags, frameTypes, parseFrameHeader } from './frame.js';
import { Http2Error } from './http2-error.js';

export interface FrameEvents {
  /** A frame's header, before any of its payload: the place to refuse it, by an `Http2Error`. */
  begins(header: FrameHeader): void;
  /** A part of the data of a DATA frame: a view that holds until this returns. */
  data(streamId: number, part: Uint8Array): void;
  /** A frame is whole. `payload` is empty for DATA, whose parts have come before. */
  ends(header: FrameHeader, payload: Uint8Array): void;
}

const NOTHING: Uint8Array = new Uint8Array();

/**
 * Cuts frames out of bytes that come in any pieces, and hands the data of DATA frames on as it comes, without a copy.
 * What it keeps is one header, and the payload of one frame that is not DATA.
 */
export function createFrameReader(events: FrameEvents): (bytes: Uint8Array) => void {
  const headerBytes = new Uint8Array(FRAME_HEADER_BYTES);
  let headerFilled = 0;
  let header: FrameHeader | undefined;
  let payload = NOTHING;
  /** Of the payload of `header`. */
  let seenBytes = 0;
  let paddingBytes = 0;

  function begin(): void {
    header = parseFrameHeader(headerBytes);
    headerFilled = 0;
    seenBytes = 0;
    paddingBytes = 0;
    events.begins(header);
    payload = header.type === frameTypes.data ? NOTHING : Buffer.allocUnsafe(header.lengthBytes);
  }

  function takeData({ streamId, flags, lengthBytes }: FrameHeader, part: Uint8Array): void {
    let data = part;
    if (seenBytes === 0 && (flags & frameFlags.padded) !== 0 && part.length > 0) {
      paddingBytes = part[0] ?? 0;
      if (paddingBytes >= lengthBytes) throw new Http2Error('PROTOCOL_ERROR', 'a DATA frame is all padding');
      data = part.subarray(1);
    }
    const room = lengthBytes - paddingBytes - seenBytes - (part.length - data.length);
    if (data.length > room) data = data.subarray(0, Math.max(0, room));
    if (data.length > 0) events.data(streamId, data);
  }

  function take(bytes: Uint8Array, at: number): number {
    if (header === undefined) {
      const taken = Math.min(FRAME_HEADER_BYTES - headerFilled, bytes.length - at);
      headerBytes.set(bytes.subarray(at, at + taken), headerFilled);
      headerFilled += taken;
      if (headerFilled === FRAME_HEADER_BYTES) begin();
      return taken;
    }
    const part = bytes.subarray(at, at + header.lengthBytes - seenBytes);
    if (header.type === frameTypes.data) takeData(header, part);
    else payload.set(part, seenBytes);
    seenBytes += part.length;
    return part.length;
  }

  return (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      at += take(bytes, at);
      if (header !== undefined && seenBytes === header.lengthBytes) {
        const ended = header;
        header = undefined;
        events.ends(ended, payload);
      }
    }
  };
}
