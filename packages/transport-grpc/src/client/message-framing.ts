import { RpcError } from '@holdfast/protocol';

/** Before each message of a stream: whether it is compressed (1 byte), and its length (4 bytes). */
const PREFIX_BYTES = 5;

export function frameMessage(message: Uint8Array): Uint8Array {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/** Where the messages of one call are put together. */
export interface MessageMemory {
  /** For so many bytes, each of which is written before it is read. */
  take(lengthBytes: number): Uint8Array;
  /** Nobody reads this message any more. */
  giveBack(message: Uint8Array): void;
}

/** A small message comes out of Node's pool. */
export const newMemory: MessageMemory = {
  take(lengthBytes) {
    const { buffer, byteOffset } = Buffer.allocUnsafe(lengthBytes);
    return new Uint8Array(buffer, byteOffset, lengthBytes);
  },
  giveBack() {},
};

/** From this size up memory is worth keeping; Node's pool gives none that large. */
const LEAST_REUSED_BYTES = 64 * 1024;

/** What was given back is taken again: a gigabyte of large messages passes through as much memory as waits at a time. */
export function createReusedMemory(): MessageMemory {
  const spare: ArrayBufferLike[] = [];
  return {
    take(lengthBytes) {
      const buffer = lengthBytes < LEAST_REUSED_BYTES ? undefined : spare.pop();
      if (buffer === undefined || buffer.byteLength < lengthBytes) return newMemory.take(lengthBytes);
      return new Uint8Array(buffer, 0, lengthBytes);
    },
    giveBack({ buffer, length }) {
      if (length >= LEAST_REUSED_BYTES) spare.push(buffer);
    },
  };
}

export interface MessageAssembler {
  /** The bytes are copied once, each to its place in its message. */
  push(bytes: Uint8Array): void;
  /** Whether the bytes so far end between two messages. */
  isBetween(): boolean;
}

/**
 * Cuts gRPC's messages out of the bytes of a stream that come in any pieces. Fails with `resource-exhausted` for a message over
 * `messageBytes`, before there is room made for it, and with `internal` for one that is compressed: nobody asked for that.
 */
export function createMessageAssembler(
  messageBytes: number,
  memory: MessageMemory,
  onMessage: (message: Uint8Array) => void,
): MessageAssembler {
  const prefix = new Uint8Array(PREFIX_BYTES);
  let prefixFilled = 0;
  let message: Uint8Array | undefined;
  let filledBytes = 0;

  function begin(): Uint8Array {
    if (prefix[0] !== 0) throw new RpcError('internal', 'a compressed message, which was not asked for');
    const lengthBytes = new DataView(prefix.buffer).getUint32(1);
    if (lengthBytes > messageBytes) {
      throw new RpcError(
        'resource-exhausted',
        `a message of ${lengthBytes} bytes, over the limit of ${messageBytes}`,
      );
    }
    filledBytes = 0;
    return memory.take(lengthBytes);
  }

  return {
    push(bytes) {
      for (let at = 0; at < bytes.length || (message !== undefined && filledBytes === message.length); ) {
        if (message === undefined) {
          const part = bytes.subarray(at, at + PREFIX_BYTES - prefixFilled);
          prefix.set(part, prefixFilled);
          prefixFilled += part.length;
          at += part.length;
          if (prefixFilled === PREFIX_BYTES) message = begin();
          continue;
        }
        const part = bytes.subarray(at, at + message.length - filledBytes);
        message.set(part, filledBytes);
        filledBytes += part.length;
        at += part.length;
        if (filledBytes < message.length) continue;
        const whole = message;
        message = undefined;
        prefixFilled = 0;
        onMessage(whole);
      }
    },
    isBetween: () => prefixFilled === 0,
  };
}
