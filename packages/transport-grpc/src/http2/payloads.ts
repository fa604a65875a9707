import {
  DEFAULT_FRAME_BYTES,
  type FrameHeader,
  frameFlags,
  frameTypes,
  MAX_31_BITS,
  readUint32,
  settingIds,
} from './frame.js';
import { Http2Error } from './http2-error.js';

const fixedLengths: Readonly<Record<number, number>> = {
  [frameTypes.resetStream]: 4,
  [frameTypes.ping]: 8,
  [frameTypes.windowUpdate]: 4,
};

/** Fails with `FRAME_SIZE_ERROR` for a length that its type cannot have. */
export function checkLength({ type, flags, lengthBytes }: FrameHeader): void {
  const isAck = type === frameTypes.settings && (flags & frameFlags.ack) !== 0;
  const isWrong =
    lengthBytes > DEFAULT_FRAME_BYTES ||
    lengthBytes !== (fixedLengths[type] ?? lengthBytes) ||
    (type === frameTypes.goAway && lengthBytes < 8) ||
    (type === frameTypes.settings && (isAck ? lengthBytes !== 0 : lengthBytes % 6 !== 0));
  if (isWrong) throw new Http2Error('FRAME_SIZE_ERROR', `a frame of type ${type} with ${lengthBytes} bytes`);
}

/** The settings that have a meaning here. Fails where a value is none. */
export function parseSettings(payload: Uint8Array): ReadonlyMap<number, number> {
  const settings = new Map<number, number>();
  for (let at = 0; at < payload.length; at += 6) {
    const id = ((payload[at] ?? 0) << 8) | (payload[at + 1] ?? 0);
    settings.set(id, readUint32(payload, at + 2));
  }
  if ((settings.get(settingIds.windowBytes) ?? 0) > MAX_31_BITS) {
    throw new Http2Error('FLOW_CONTROL_ERROR', 'a setting allows a window of over 2 GiB');
  }
  const maxFrameBytes = settings.get(settingIds.maxFrameBytes) ?? DEFAULT_FRAME_BYTES;
  if (maxFrameBytes < DEFAULT_FRAME_BYTES || maxFrameBytes >= 2 ** 24) {
    throw new Http2Error('PROTOCOL_ERROR', `a setting allows frames of ${maxFrameBytes} bytes`);
  }
  return settings;
}

/** The fragment of a header block in a HEADERS frame, without padding and priority (RFC 9113 §6.2). */
export function headerFragment(flags: number, payload: Uint8Array): Uint8Array {
  const isPadded = (flags & frameFlags.padded) !== 0;
  const start = (isPadded ? 1 : 0) + ((flags & frameFlags.priority) === 0 ? 0 : 5);
  const end = payload.length - (isPadded ? (payload[0] ?? 0) : 0);
  if (start > end) throw new Http2Error('PROTOCOL_ERROR', 'a HEADERS frame is all padding');
  return payload.subarray(start, end);
}
