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
