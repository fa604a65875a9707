import { create, createMemoryNetwork, createRpcService, volumeServerPb } from '@holdfast/protocol';
import { createVirtualTime } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { createRangeGauge } from '../src/oracles/range-gauge.js';

const { readNeedleBlob } = volumeServerPb.VolumeServer.method;

const RANGE_BYTES = 96;

/** So many ranges of each of these volumes, asked for at once. */
async function asked(ranges: readonly number[], size = RANGE_BYTES): Promise<readonly number[]> {
  const network = createMemoryNetwork({ timers: createVirtualTime().timers });
  await network.serve('server:1', [
    createRpcService(volumeServerPb.VolumeServer, {
      readNeedleBlob: async () => create(volumeServerPb.ReadNeedleBlobResponseSchema, {}),
    }),
  ]);
  const seen: number[] = [];
  const gauge = createRangeGauge({
    rangeBytes: RANGE_BYTES,
    onRange: (atOnce) => seen.push(atOnce),
  });
  const { signal } = new AbortController();
  const connection = await gauge.over(network).connect('server:1', { signal });
  const calls = ranges.flatMap((number, volumeId) =>
    Array.from({ length: number }, () =>
      connection.unary(readNeedleBlob, create(readNeedleBlob.input, { volumeId, size }), { signal }),
    ),
  );
  await Promise.all(calls);
  await connection.unary(readNeedleBlob, create(readNeedleBlob.input, { volumeId: 1 }), { signal });
  gauge.assertGentle();
  return seen;
}

test('ranges within the bounds are counted, and forgotten when they are answered', async () => {
  expect(await asked([4, 4])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 1]);
});

test.each([[[5]], [[4, 4, 1]]])('more than a server is to be asked for: %j', async (ranges) => {
  await expect(asked(ranges)).rejects.toMatchObject({ rule: 'gentle' });
});

test.each([97, -1])('a range of %i bytes', async (size) => {
  await expect(asked([1], size)).rejects.toMatchObject({ rule: 'bounded' });
});
