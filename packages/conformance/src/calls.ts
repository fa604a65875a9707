import { RpcError, rpcCodes } from '@holdfast/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import {
  beat,
  beatAnswer,
  blob,
  blobRequest,
  chunk,
  copyRequest,
  drain,
  each,
  methods,
  never,
  openStage,
  type Stage,
  type StageHandlers,
} from './stage.js';
import type { SubjectKind, SubjectOptions } from './subject.js';

const text = 'needle 7: 100 % übel, "✓"\nsecond line';

/** What a call carries: messages, errors, limits. */
export function callConformance(kind: SubjectKind): void {
  describe('calls', () => {
    let stage: Stage | undefined;
    const open = async (handlers: StageHandlers, options?: SubjectOptions) => {
      stage = await openStage(kind, handlers, options);
      return stage.connection;
    };
    afterEach(() => stage?.close());

    it('carries bytes and 64-bit numbers exactly', async () => {
      const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => index * 31);
      const offset = 2n ** 62n + 1n;
      const connection = await open({
        unary: async (request) => blob({ needleBlob: request.offset === offset ? bytes : new Uint8Array() }),
      });
      const answer = await connection.unary(methods.unary, blobRequest({ offset }), { signal: never });
      expect(Buffer.from(answer.needleBlob).equals(bytes)).toBe(true);
      expect(answer.needleBlob.constructor).toBe(Uint8Array);
    });

    it.each([false, true])(
      'gives each message whole, and keeps it as long as it says: reused %s',
      async (reusesMessages) => {
        // Beyond what waits at a time, and of sizes that go up and down.
        const sizesBytes = Array.from({ length: 24 }, (_, index) => 40_000 + ((index * 77_777) % 200_000));
        const bytesOf = (index: number) => new Uint8Array(sizesBytes[index] as number).fill(index + 1);
        const connection = await open({
          async *download() {
            for (const index of sizesBytes.keys()) yield chunk({ fileContent: bytesOf(index) });
          },
        });
        const options = { signal: never, reusesMessages };
        const kept: Uint8Array[] = [];
        for await (const { fileContent } of connection.stream(
          methods.download,
          each(copyRequest()),
          options,
        )) {
          expect(Buffer.compare(fileContent, bytesOf(kept.length))).toBe(0);
          kept.push(reusesMessages ? fileContent.slice() : fileContent);
        }
        expect(kept.map((bytes, index) => Buffer.compare(bytes, bytesOf(index)))).toEqual(
          sizesBytes.map(() => 0),
        );
      },
    );

    it('streams in order, empty messages and empty streams included', async () => {
      const connection = await open({
        async *download(requests) {
          for await (const { volumeId } of requests) {
            for (let index = 0; index < volumeId; index++) {
              yield chunk({ fileContent: new Uint8Array(index % 3), modifiedTsNs: BigInt(index) });
            }
          }
        },
      });
      for (const count of [0, 1, 100]) {
        const request = each(copyRequest({ volumeId: count }));
        const { items, error } = await drain(connection.stream(methods.download, request, { signal: never }));
        expect(error).toBeUndefined();
        expect(items.map((item) => Number(item.modifiedTsNs))).toEqual([...Array(count).keys()]);
      }
    });

    it('talks in both directions at once', async () => {
      const connection = await open({
        async *talk(requests) {
          for await (const { ip } of requests) yield beatAnswer({ leader: `for ${ip}` });
        },
      });
      let answered: () => void = () => undefined;
      async function* requests() {
        for (const ip of ['a', 'b', 'c']) {
          const wait = new Promise<void>((resolve) => {
            answered = resolve;
          });
          yield beat({ ip });
          await wait;
        }
      }
      const heard: string[] = [];
      for await (const { leader } of connection.stream(methods.talk, requests(), { signal: never })) {
        heard.push(leader);
        answered();
      }
      expect(heard).toEqual(['for a', 'for b', 'for c']);
    });

    it('runs many calls on one connection', async () => {
      const connection = await open({
        unary: async ({ size }) => blob({ needleBlob: new Uint8Array(size) }),
      });
      const sizes = [...Array(50).keys()];
      const answers = await Promise.all(
        sizes.map((size) => connection.unary(methods.unary, blobRequest({ size }), { signal: never })),
      );
      expect(answers.map(({ needleBlob }) => needleBlob.length)).toEqual(sizes);
      expect(stage?.front.connectionCount()).toBe(1);
    });

    it.each(rpcCodes)('brings the error %s with its text', async (code) => {
      const connection = await open({
        unary: async () => {
          throw new RpcError(code, text);
        },
        async *download() {
          yield chunk({ modifiedTsNs: 1n });
          yield chunk({ modifiedTsNs: 2n });
          throw new RpcError(code, text);
        },
      });
      await expect(connection.unary(methods.unary, blobRequest({}), { signal: never })).rejects.toMatchObject(
        { name: 'RpcError', code, message: text },
      );
      const download = connection.stream(methods.download, each(copyRequest()), { signal: never });
      const { items, error } = await drain(download);
      expect(items.map(({ modifiedTsNs }) => modifiedTsNs)).toEqual([1n, 2n]);
      expect(error).toMatchObject({ name: 'RpcError', code, message: text });
    });

    it('makes any other throw of a handler `unknown` with its text', async () => {
      const connection = await open({
        unary: async () => {
          throw new Error('not found volume id 77');
        },
      });
      await expect(connection.unary(methods.unary, blobRequest({}), { signal: never })).rejects.toMatchObject(
        { code: 'unknown', message: 'not found volume id 77' },
      );
    });

    it('answers `unimplemented` for a method without a handler', async () => {
      const connection = await open({});
      await expect(connection.unary(methods.unary, blobRequest({}), { signal: never })).rejects.toMatchObject(
        { code: 'unimplemented' },
      );
      const { error } = await drain(connection.stream(methods.talk, each(beat()), { signal: never }));
      expect(error).toMatchObject({ code: 'unimplemented' });
    });

    it('refuses a message over the limit in either direction, and goes on', async () => {
      const messageBytes = 64 * 1024;
      const handlers: StageHandlers = {
        unary: async ({ size }) => blob({ needleBlob: new Uint8Array(size) }),
        async *download(requests) {
          for await (const { volumeId } of requests) yield chunk({ fileContent: new Uint8Array(volumeId) });
        },
      };
      const connection = await open(handlers, { limits: { messageBytes } });
      const unary = (size: number) =>
        connection.unary(methods.unary, blobRequest({ size }), { signal: never });
      const download = (request: Parameters<typeof copyRequest>[0]) =>
        drain(connection.stream(methods.download, each(copyRequest(request)), { signal: never }));
      await expect(unary(messageBytes + 1)).rejects.toMatchObject({ code: 'resource-exhausted' });
      expect((await download({ volumeId: messageBytes + 1 })).error).toMatchObject({
        code: 'resource-exhausted',
      });
      expect((await download({ collection: 'x'.repeat(messageBytes + 1) })).error).toMatchObject({
        code: 'resource-exhausted',
      });
      expect((await unary(messageBytes - 100)).needleBlob.length).toBe(messageBytes - 100);
    });
  });
}
