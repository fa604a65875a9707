/** RFC 9113 §4.1: length (3 bytes), type, flags, stream. */
export const FRAME_HEADER_BYTES = 9;
/** Of a frame's payload, unless a peer's settings allow more. Ours never do. */
export const DEFAULT_FRAME_BYTES = 16_384;
/** Of a connection, and of each stream unless settings say another. */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** Of any window, and the last of the stream ids. */
export const MAX_31_BITS = 2 ** 31 - 1;

export const frameTypes = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const frameFlags = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const settingIds = {
  headerTableBytes: 1,
  enablePush: 2,
  maxStreams: 3,
  windowBytes: 4,
  maxFrameBytes: 5,
} as const;

export interface FrameHeader {
  readonly lengthBytes: number;
  readonly type: number;
  readonly flags: number;
  /** 0 for the connection itself. */
  readonly streamId: number;
}

/** `bytes` holds exactly a header. */
export function parseFrameHeader(bytes: Uint8Array): FrameHeader {
  const lengthAndType = readUint32(bytes, 0);
  return {
    lengthBytes: lengthAndType >>> 8,
    type: lengthAndType & 0xff,
    flags: bytes[4] ?? 0,
    streamId: readUint32(bytes, 5) & MAX_31_BITS,
  };
}

export function encodeFrame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array {
  // Out of Node's pool: a memory of its own for each small frame costs more than the frame.
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame[0] = payload.length >>> 16;
  frame[1] = payload.length >>> 8;
  frame[2] = payload.length;
  frame[3] = type;
  frame[4] = flags;
  writeUint32(frame, 5, streamId);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

export function encodeSettings(settings: readonly (readonly [id: number, value: number])[]): Uint8Array {
  const payload = new Uint8Array(6 * settings.length);
  for (const [index, [id, value]] of settings.entries()) {
    payload[6 * index + 1] = id;
    writeUint32(payload, 6 * index + 2, value);
  }
  return encodeFrame(frameTypes.settings, 0, 0, payload);
}

export function encodeWindowUpdate(streamId: number, addedBytes: number): Uint8Array {
  return encodeFrame(frameTypes.windowUpdate, 0, streamId, uint32Bytes(addedBytes));
}

export function uint32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, value);
  return bytes;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return ((high << 16) | low) >>> 0;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
