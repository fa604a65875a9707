import { RpcError } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { beat, beatAnswer, chunk, copyRequest, drain, each, methods, never, openStage } from './stage.js';
import type { Direction, SubjectKind } from './subject.js';

const messages = [1, 2, 3].map((index) => ({ fileContent: new Uint8Array(20 + index).fill(index) }));

interface Outcome {
  /** What the client saw. */
  readonly received: readonly number[];
  readonly error: unknown;
  /** Requests that the handler counted when theirs came to a clean end. */
  readonly cleanRequests: number | undefined;
}

/** One connection with two calls on it, cut after so many bytes; without a limit, how many there are. */
async function run(
  kind: SubjectKind,
  direction: Direction,
  limitBytes: number,
): Promise<Outcome & { bytes: number }> {
  let cleanRequests: number | undefined;
  let handlerDone: Promise<void> = Promise.resolve();
  const subject = kind.create({});
  const stage = await openStage(
    { ...kind, create: () => cutting(subject, direction, limitBytes) },
    {
      async *download() {
        for (const message of messages) yield chunk(message);
      },
      async *talk(requests) {
        const counting = (async () => {
          let count = 0;
          for await (const _ of requests) count += 1;
          cleanRequests = count;
        })();
        handlerDone = counting.catch(() => undefined);
        await counting;
        yield beatAnswer({});
      },
    },
  ).catch((error: unknown) => error);
  if (stage instanceof Error) return { received: [], error: stage, cleanRequests, bytes: 0 };
  if (typeof stage !== 'object' || stage === null || !('front' in stage)) throw stage;
  const opened = stage as Awaited<ReturnType<typeof openStage>>;
  const download = opened.connection.stream(methods.download, each(copyRequest()), { signal: never });
  const { items, error } = await drain(download);
  const talk = opened.connection.stream(methods.talk, each(beat({ ip: 'a' }), beat({ ip: 'b' })), {
    signal: never,
  });
  const talked = await drain(talk);
  const bytes = opened.front.carriedBytes(direction);
  await opened.close();
  await handlerDone;
  if (talked.error === undefined) expect(talked.items.length).toBe(1);
  const received = items.map(({ fileContent }) => fileContent.length);
  return { received, error: error ?? talked.error, cleanRequests, bytes };
}

function cutting(subject: ReturnType<SubjectKind['create']>, direction: Direction, limitBytes: number) {
  return {
    transport: subject.transport,
    async front(address: string) {
      const front = await subject.front(address);
      front.cutAfter(direction, limitBytes);
      return front;
    },
  };
}

/** A stream cut at every byte is a prefix and an error, never a short success; nor do its requests end cleanly. */
export function cutConformance(kind: SubjectKind): void {
  describe('cuts', () => {
    it.each<Direction>(['down', 'up'])('survives a cut at every byte %s', async (direction) => {
      const whole = await run(kind, direction, Number.POSITIVE_INFINITY);
      expect(whole.error).toBeUndefined();
      expect(whole.bytes).toBeGreaterThan(0);
      const expected = messages.map(({ fileContent }) => fileContent.length);
      for (let limit = 0; limit < whole.bytes; limit++) {
        const { received, error, cleanRequests } = await run(kind, direction, limit);
        const where = `cut ${direction} after ${limit} of ${whole.bytes} bytes`;
        expect(received, where).toEqual(expected.slice(0, received.length));
        if (error === undefined) expect(received, where).toEqual(expected);
        else {
          expect(error, where).toBeInstanceOf(RpcError);
          expect((error as RpcError).code, `${where}: ${error}`).toBe('unavailable');
        }
        expect([undefined, 2], where).toContain(cleanRequests);
      }
    });
  });
}
