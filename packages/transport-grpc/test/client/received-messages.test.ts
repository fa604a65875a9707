import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createReusedMemory, frameMessage, newMemory } from '../../src/client/message-framing.js';
import { createReceivedMessages } from '../../src/client/received-messages.js';

const limits = { messageBytes: 1000, bufferedMessages: 4 };

describe('createReceivedMessages', () => {
  it('gives every message, and releases every byte, however they are cut and taken', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 30 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 100 })),
        fc.infiniteStream(fc.nat(3)),
        (sent, sizes, turns) => {
          let releasedBytes = 0;
          const messages = createReceivedMessages(limits, newMemory, (bytes) => {
            releasedBytes += bytes;
          });
          const taken: number[][] = [];
          const take = () => {
            const message = messages.take();
            if (message !== undefined) taken.push([...message]);
            return message !== undefined;
          };
          const bytes = Buffer.concat(sent.map(frameMessage));
          const buffer = Buffer.alloc(100);
          for (let at = 0; at < bytes.length; ) {
            const part = bytes.subarray(at, at + (sizes.next().value ?? 1));
            at += part.length;
            // As a socket does: into the same bytes again and again.
            part.copy(buffer);
            messages.push(buffer.subarray(0, part.length));
            buffer.fill(255);
            expect(releasedBytes).toBeLessThanOrEqual(at);
            for (let turn = turns.next().value ?? 0; turn > 0; turn--) take();
          }
          while (take());
          expect(taken).toEqual(sent.map((message) => [...message]));
          expect(releasedBytes).toBe(bytes.length);
          expect(messages.isEmpty()).toBe(true);
        },
      ),
    );
  });

  it('uses memory again once it was given back, and not before', () => {
    const memory = createReusedMemory();
    const large = { ...limits, messageBytes: 2 ** 20 };
    const messages = createReceivedMessages(large, memory, () => undefined);
    const sizesBytes = [100_000, 65_536, 100_000, 80_000, 70_000, 90_000];
    for (const [index, sizeBytes] of sizesBytes.entries())
      messages.push(frameMessage(new Uint8Array(sizeBytes).fill(index)));
    const used = new Set<ArrayBufferLike>();
    for (const [index, sizeBytes] of sizesBytes.entries()) {
      const message = messages.take() as Uint8Array;
      expect(message.length).toBe(sizeBytes);
      expect(message.every((byte) => byte === index)).toBe(true);
      used.add(message.buffer);
      message.fill(255);
      memory.giveBack(message);
    }
    messages.push(frameMessage(new Uint8Array(65_536).fill(9)));
    const last = messages.take() as Uint8Array;
    expect([last.length, last.every((byte) => byte === 9)]).toEqual([65_536, true]);
    expect(used.has(last.buffer)).toBe(true);
  });

  it('releases nothing to a paused reader beyond its first message', () => {
    let releasedBytes = 0;
    const messages = createReceivedMessages(limits, newMemory, (bytes) => {
      releasedBytes += bytes;
    });
    const framed = frameMessage(new Uint8Array(95));
    for (let count = 0; count < 1000; count++) messages.push(framed);
    expect(releasedBytes).toBe(100);
  });

  it('knows an end inside a message', () => {
    const messages = createReceivedMessages(limits, newMemory, () => undefined);
    messages.push(frameMessage(new Uint8Array(10)).subarray(0, 12));
    expect(messages.take()).toBeUndefined();
    expect(messages.isEmpty()).toBe(false);
  });

  it('refuses a message over the limit before it comes, and one that is compressed', () => {
    const push = (...bytes: number[]) => {
      createReceivedMessages(limits, newMemory, () => undefined).push(Uint8Array.from(bytes));
    };
    expect(() => push(0, 0, 0, 3, 233)).toThrow(expect.objectContaining({ code: 'resource-exhausted' }));
    expect(() => push(1, 0, 0, 0, 1)).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});
