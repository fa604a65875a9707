import { createByteStash } from './byte-stash.js';
import { createMessageAssembler, type MessageMemory } from './message-framing.js';

export interface ReceivedMessages {
  /** Bytes of the stream, a view that holds until this returns. Fails as `MessageAssembler` does. */
  push(part: Uint8Array): void;
  /** The next message, once there is one. */
  take(): Uint8Array | undefined;
  /** Whether all that has come has been taken, and ends between two messages. */
  isEmpty(): boolean;
}

/**
 * The messages of one call that wait for its reader: up to `bufferedMessages`, and behind them bytes as they came, so that a flood
 * of tiny messages takes no more memory than its bytes. `release` is told of bytes as their message is taken, and at once of
 * those that come while the reader waits: a paused reader has a window of bytes and one message waiting, no more.
 */
export function createReceivedMessages(
  limits: { readonly messageBytes: number; readonly bufferedMessages: number },
  memory: MessageMemory,
  release: (bytes: number) => void,
): ReceivedMessages {
  const waiting: { readonly message: Uint8Array; readonly heldBytes: number }[] = [];
  const stash = createByteStash();
  /** Not released, of the message that is not whole. */
  let heldBytes = 0;
  const assembler = createMessageAssembler(limits.messageBytes, memory, (message) => {
    waiting.push({ message, heldBytes });
    heldBytes = 0;
  });

  function assemble(part: Uint8Array): void {
    const isWanted = waiting.length === 0;
    if (!isWanted) heldBytes += part.length;
    assembler.push(part);
    if (isWanted) release(part.length);
  }

  return {
    push(part) {
      if (waiting.length >= limits.bufferedMessages) stash.push(part);
      else assemble(part);
    },
    take() {
      const next = waiting.shift();
      if (next === undefined) return undefined;
      let freedBytes = next.heldBytes;
      while (waiting.length < limits.bufferedMessages) {
        const part = stash.shift();
        if (part === undefined) break;
        assemble(part);
      }
      if (waiting.length === 0) {
        freedBytes += heldBytes;
        heldBytes = 0;
      }
      if (freedBytes > 0) release(freedBytes);
      return next.message;
    },
    isEmpty: () => waiting.length === 0 && assembler.isBetween(),
  };
}
