import { RpcError } from '@holdfast/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import {
  aborted,
  beat,
  beatAnswer,
  blobRequest,
  chunk,
  copyRequest,
  defer,
  drain,
  each,
  methods,
  never,
  openStage,
  type Stage,
  type StageHandlers,
} from './stage.js';
import type { SubjectKind } from './subject.js';

/** How calls and connections end before their time, on both sides. */
export function endingConformance(kind: SubjectKind): void {
  describe('endings', () => {
    let stage: Stage | undefined;
    const open = async (handlers: StageHandlers) => {
      stage = await openStage(kind, handlers);
      return stage.connection;
    };
    afterEach(() => stage?.close());

    /** Handlers that wait for their signal, having sent one message where they can. */
    function waiting() {
      const started = defer();
      const ended = defer();
      const wait = async (signal: AbortSignal): Promise<never> => {
        started.resolve();
        await aborted(signal);
        ended.resolve();
        throw new RpcError('aborted', 'the handler was told to stop');
      };
      const handlers: StageHandlers = {
        unary: (_request, { signal }) => wait(signal),
        async *download(_requests, { signal }) {
          yield chunk({ modifiedTsNs: 1n });
          await wait(signal);
        },
      };
      return { handlers, started: started.promise, ended: ended.promise };
    }

    it('ends a call at its deadline, on both sides', async () => {
      const { handlers, ended } = waiting();
      const connection = await open(handlers);
      const options = { signal: never, timeoutMs: 150 };
      await expect(connection.unary(methods.unary, blobRequest({}), options)).rejects.toMatchObject({
        code: 'deadline-exceeded',
      });
      await ended;
    });

    it('ends a stream at its deadline, after what came before it', async () => {
      const { handlers, ended } = waiting();
      const connection = await open(handlers);
      const options = { signal: never, timeoutMs: 150 };
      const { items, error } = await drain(connection.stream(methods.download, each(copyRequest()), options));
      expect(items.length).toBe(1);
      expect(error).toMatchObject({ code: 'deadline-exceeded' });
      await ended;
    });

    it('cancels a unary call by its signal, on both sides', async () => {
      const { handlers, started, ended } = waiting();
      const connection = await open(handlers);
      const controller = new AbortController();
      const call = connection.unary(methods.unary, blobRequest({}), { signal: controller.signal });
      void started.then(() => controller.abort());
      await expect(call).rejects.toMatchObject({ code: 'canceled' });
      await ended;
    });

    it('cancels a stream by its signal, on both sides', async () => {
      const { handlers, ended } = waiting();
      const connection = await open(handlers);
      const controller = new AbortController();
      const call = connection.stream(methods.download, each(copyRequest()), { signal: controller.signal });
      await expect(async () => {
        for await (const _ of call) controller.abort();
      }).rejects.toMatchObject({ code: 'canceled' });
      await ended;
    });

    it('cancels a stream that its reader leaves', async () => {
      const { handlers, ended } = waiting();
      const connection = await open(handlers);
      for await (const _ of connection.stream(methods.download, each(copyRequest()), { signal: never }))
        break;
      await ended;
    });

    it('starts nothing for a signal that has aborted', async () => {
      let calls = 0;
      const connection = await open({
        unary: async () => {
          calls += 1;
          throw new Error('never asked');
        },
      });
      const signal = AbortSignal.abort();
      await expect(connection.unary(methods.unary, blobRequest({}), { signal })).rejects.toMatchObject({
        code: 'canceled',
      });
      const { error } = await drain(connection.stream(methods.download, each(copyRequest()), { signal }));
      expect(error).toMatchObject({ code: 'canceled' });
      expect(calls).toBe(0);
    });

    it('lets a handler end a stream whose requests are still open', async () => {
      const connection = await open({
        async *talk(requests) {
          for await (const { ip } of requests) {
            yield beatAnswer({ leader: ip });
            return;
          }
        },
      });
      const left = defer();
      async function* requests() {
        try {
          yield beat({ ip: 'a' });
          await left.promise;
        } finally {
          left.resolve();
        }
      }
      const { items, error } = await drain(connection.stream(methods.talk, requests(), { signal: never }));
      left.resolve();
      expect(error).toBeUndefined();
      expect(items.map(({ leader }) => leader)).toEqual(['a']);
    });

    it('ends a call whose requests fail, with their error on the caller’s side', async () => {
      const handlerEnded = defer();
      const connection = await open({
        async *talk(requests, { signal }) {
          void aborted(signal).then(() => handlerEnded.resolve());
          for await (const _ of requests) yield beatAnswer({});
        },
      });
      async function* requests() {
        yield beat();
        throw new RpcError('data-loss', 'no more');
      }
      const { error } = await drain(connection.stream(methods.talk, requests(), { signal: never }));
      expect(error).toMatchObject({ code: 'data-loss', message: 'no more' });
      await handlerEnded.promise;
    });

    /** A unary call and two streams that have begun on the server: it takes calls of one connection in their order. */
    async function threeCalls() {
      const { handlers, started, ended } = waiting();
      const connection = await open(handlers);
      const failureOf = (call: Promise<unknown>) =>
        call.then(
          () => undefined,
          (error: unknown) => error,
        );
      const unary = failureOf(connection.unary(methods.unary, blobRequest({}), { signal: never }));
      const streams = await Promise.all(
        [1, 2].map(async () => {
          const stream = connection.stream(methods.download, each(copyRequest()), { signal: never });
          const iterator = stream[Symbol.asyncIterator]();
          await iterator.next();
          return iterator;
        }),
      );
      await started;
      const outcomes = Promise.all([unary, ...streams.map((iterator) => failureOf(iterator.next()))]);
      return { connection, ended, outcomes };
    }

    async function expectGone(connection: Stage['connection']): Promise<void> {
      await expect(connection.unary(methods.unary, blobRequest({}), { signal: never })).rejects.toMatchObject(
        { code: 'unavailable' },
      );
      const { error } = await drain(
        connection.stream(methods.download, each(copyRequest()), { signal: never }),
      );
      expect(error).toMatchObject({ code: 'unavailable' });
      expect(stage?.front.connectionCount()).toBe(1);
    }

    it('fails every call when the connection breaks, and never connects again', async () => {
      const { connection, ended, outcomes } = await threeCalls();
      stage?.front.drop();
      for (const error of await outcomes) expect(error).toMatchObject({ code: 'unavailable' });
      await expect(connection.closed).resolves.toMatchObject({ code: 'unavailable' });
      await ended;
      await expectGone(connection);
    });

    it('fails every call when the server closes', async () => {
      const { connection, ended, outcomes } = await threeCalls();
      await stage?.listener.close();
      for (const error of await outcomes) expect(error).toMatchObject({ code: 'unavailable' });
      await expect(connection.closed).resolves.toMatchObject({ code: 'unavailable' });
      await ended;
      await stage?.listener.close();
    });

    it('fails every call when the client closes, and closes without an error', async () => {
      const { connection, ended, outcomes } = await threeCalls();
      await connection.close();
      for (const error of await outcomes) expect(error).toMatchObject({ code: 'unavailable' });
      await expect(connection.closed).resolves.toBeUndefined();
      await ended;
      await expectGone(connection);
      await connection.close();
    });

    it('fails at once where nobody listens', async () => {
      await open({});
      await stage?.listener.close();
      const { transport } = kind.create({});
      await expect(
        transport.connect(stage?.listener.address ?? '', { signal: never, timeoutMs: 5000 }),
      ).rejects.toMatchObject({ code: 'unavailable' });
    });
  });
}
