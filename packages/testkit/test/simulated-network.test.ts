import { create } from '@bufbuild/protobuf';
import { createRpcService, volumeServerPb } from '@holdfast/protocol';
import { expect, test } from 'vitest';
import { createSimulatedNetwork, createSimulatedScheduler, type FrameFault } from '../src/index.js';

const { copyFile } = volumeServerPb.VolumeServer.method;
const MESSAGES = 4;

/** What a caller gets of a stream of four messages, each of one byte, where the `at`th answer meets `fault`. */
async function received(fault: FrameFault | undefined, at = 3) {
  const scheduler = createSimulatedScheduler();
  let answers = 0;
  const network = createSimulatedNetwork({
    scheduler,
    onFrame: ({ direction }) => (direction === 'response' && ++answers === at ? fault : undefined),
  });
  await network.serve('server:1', [
    createRpcService(volumeServerPb.VolumeServer, {
      async *copyFile() {
        for (let i = 1; i <= MESSAGES; i++)
          yield create(volumeServerPb.CopyFileResponseSchema, { fileContent: new Uint8Array([i]) });
      },
    }),
  ]);
  const { signal } = new AbortController();
  const got: number[] = [];
  const end = await scheduler.run(async () => {
    const connection = await network.connect('server:1', { signal });
    const requests = (async function* () {
      yield create(copyFile.input, {});
    })();
    for await (const message of connection.stream(copyFile, requests, { signal }))
      got.push(message.fileContent[0] ?? -1);
  }, 600_000);
  return { got, end: end.kind, tookMs: scheduler.time.clock.monotonicMs() };
}

test('without a fault everything arrives', async () => {
  expect(await received(undefined)).toEqual({ got: [1, 2, 3, 4], end: 'done', tookMs: 0 });
});

test('a connection that breaks fails the call, a late message comes late', async () => {
  expect(await received({ kind: 'drop' })).toMatchObject({ got: [1, 2], end: 'failed' });
  expect(await received({ kind: 'stall', forMs: 90_000 })).toEqual({
    got: [1, 2, 3, 4],
    end: 'done',
    tookMs: 90_000,
  });
});

test('a stream that is cut short looks as if it were over', async () => {
  expect(await received({ kind: 'truncate' })).toMatchObject({ got: [1, 2], end: 'done' });
});

test('lies: an earlier answer, and other bytes', async () => {
  expect(await received({ kind: 'stale' })).toMatchObject({ got: [1, 2, 2, 4], end: 'done' });
  const ends = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const { got, end } = await received({ kind: 'flip', seed });
    ends.add(`${end} ${got.join()}`);
  }
  expect(ends.size).toBeGreaterThan(2);
});

/** A server whose only call counts on, one message an hour, and says when it was ended. */
async function longCall(isProxied: boolean, isSilent = false) {
  const scheduler = createSimulatedScheduler();
  const { timers } = scheduler.time;
  const [ends, renewals, got]: [string[], string[], string[]] = [[], [], []];
  const network = createSimulatedNetwork({ scheduler, isProxied, onRenewed: () => renewals.push('renewed') });
  const serve = (name: string, isSilent = false) =>
    network.serve('server:1', [
      createRpcService(volumeServerPb.VolumeServer, {
        async *copyFile(_requests, { signal }) {
          signal.addEventListener('abort', () => ends.push(name));
          if (isSilent) await timers.sleep(3_600_000, signal);
          for (;;) {
            yield create(volumeServerPb.CopyFileResponseSchema, {
              fileContent: new TextEncoder().encode(name),
            });
            await timers.sleep(3_600_000, signal);
          }
        },
      }),
    ]);
  const first = await serve('first', isSilent);
  const { signal } = new AbortController();
  const connection = await network.connect('server:1', { signal });
  async function call(onMessage: () => void | Promise<void>): Promise<string> {
    const requests = (async function* () {
      yield create(copyFile.input, {});
    })();
    try {
      for await (const { fileContent } of connection.stream(copyFile, requests, { signal })) {
        got.push(new TextDecoder().decode(fileContent));
        await onMessage();
      }
    } catch (error) {
      return (error as { code: string }).code;
    }
    return 'ended';
  }
  return { scheduler, network, first, serve, connection, call, ends, renewals, got };
}

test('a connection that only its client has lost: the server goes on', async () => {
  const { scheduler, network, connection, call, ends, got } = await longCall(false);
  const end = await scheduler.run(async () => await call(() => network.abandonConnections()), 60_000);
  expect(end).toEqual({ kind: 'done', value: 'unavailable' });
  expect(got).toEqual(['first']);
  expect((await connection.closed)?.code).toBe('unavailable');
  await connection.close();
  expect(ends).toEqual([]);
  network.dropConnections();
  expect(ends).toEqual(['first']);
});

test.each([true, false])('a connection that outlives its server, through a proxy: %s', async (isProxied) => {
  const { scheduler, first, serve, call, renewals, got } = await longCall(isProxied);
  const end = await scheduler.run(async () => {
    const broken = await call(() => first.close());
    await serve('second');
    const second = await call(() => {
      throw Object.assign(new Error(), { code: 'enough' });
    });
    return [broken, second];
  }, 60_000);
  expect(end).toEqual({ kind: 'done', value: ['unavailable', isProxied ? 'enough' : 'unavailable'] });
  expect(got).toEqual(isProxied ? ['first', 'second'] : ['first']);
  expect(renewals.length).toBe(isProxied ? 1 : 0);
});

test('a call that a proxy has not had an answer to is made again with the next process', async () => {
  const { scheduler, first, serve, call, renewals, got } = await longCall(true, true);
  const end = await scheduler.run(async () => {
    const answered = call(() => {
      throw Object.assign(new Error(), { code: 'enough' });
    });
    await scheduler.time.timers.sleep(1000);
    const closing = first.close();
    await serve('second');
    await closing;
    return await answered;
  }, 60_000);
  expect(end).toEqual({ kind: 'done', value: 'enough' });
  expect(got).toEqual(['second']);
  expect(renewals.length).toBe(1);
});
