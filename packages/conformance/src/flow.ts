import { afterEach, describe, expect, it } from 'vitest';
import {
  beat,
  beatAnswer,
  chunk,
  copyRequest,
  defer,
  drain,
  each,
  methods,
  never,
  openStage,
  type Stage,
  untilStill,
} from './stage.js';
import type { SubjectKind } from './subject.js';

const KiB = 1024;
const messageCount = 400;
const payload = new Uint8Array(128 * KiB);
/** Half of all: what loopback's own buffers take, by the window's side, is less. */
const enoughWaiting = messageCount / 2;

/** A reader that stops reading stops its sender. */
export function flowConformance(kind: SubjectKind): void {
  describe('back-pressure', () => {
    let stage: Stage | undefined;
    afterEach(() => stage?.close());

    it('stops a server whose client does not read', async () => {
      let sent = 0;
      stage = await openStage(
        kind,
        {
          async *download() {
            for (; sent < messageCount; sent++) yield chunk({ fileContent: payload });
          },
        },
        { windowBytes: 256 * KiB },
      );
      const call = stage.connection.stream(methods.download, each(copyRequest()), { signal: never });
      let received = 0;
      for await (const _ of call) {
        received += 1;
        if (received === 1) expect(await untilStill(() => sent)).toBeLessThan(enoughWaiting);
      }
      expect(received).toBe(messageCount);
    });

    it('counts what has come over a connection', async () => {
      stage = await openStage(kind, {
        async *download() {
          yield chunk({ fileContent: payload });
        },
      });
      const { connection, front } = stage;
      await drain(connection.stream(methods.download, each(copyRequest()), { signal: never }));
      const wholeBytes = connection.receivedBytes;
      expect(wholeBytes).toBeGreaterThanOrEqual(payload.length);
      if (!kind.sockets) return;
      // Parts of a message that never comes whole count too.
      front.cutAfter('down', front.carriedBytes('down') + payload.length / 2);
      await drain(connection.stream(methods.download, each(copyRequest()), { signal: never }));
      const partBytes = connection.receivedBytes - wholeBytes;
      expect(partBytes).toBeGreaterThan(payload.length / 4);
      expect(partBytes).toBeLessThanOrEqual(payload.length / 2);
    });

    it('stops a client whose server does not read', async () => {
      const read = defer();
      stage = await openStage(
        kind,
        {
          async *talk(requests) {
            yield beatAnswer({});
            await read.promise;
            let received = 0n;
            for await (const _ of requests) received += 1n;
            yield beatAnswer({ volumeSizeLimit: received });
          },
        },
        { windowBytes: 256 * KiB },
      );
      let sent = 0;
      const ip = 'x'.repeat(payload.length);
      async function* requests() {
        for (; sent < messageCount; sent++) yield beat({ ip });
      }
      const answers = drain(stage.connection.stream(methods.talk, requests(), { signal: never }));
      expect(await untilStill(() => sent)).toBeLessThan(enoughWaiting);
      read.resolve();
      const { items, error } = await answers;
      expect(error).toBeUndefined();
      expect(items.at(-1)?.volumeSizeLimit).toBe(BigInt(messageCount));
    });
  });
}
