import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { createMemoryNetwork, createRpcService, volumeServerPb as pb, RpcError } from '../src/index.js';
import { signal, timers } from './helpers.js';

const copy = createRpcService(pb.VolumeServer, {
  async *copyFile(requests) {
    for await (const { volumeId } of requests) {
      for (let index = 0; index < volumeId; index++) {
        yield create(pb.CopyFileResponseSchema, { fileContent: new Uint8Array(10).fill(index) });
      }
    }
  },
});

async function* one<T>(item: T): AsyncGenerator<T, void> {
  yield item;
}

describe('createMemoryNetwork', () => {
  it('tells of every frame, and breaks the connection where the hook throws', async () => {
    let sentBytes = 0;
    const network = createMemoryNetwork({
      timers,
      onFrame: ({ direction, sizeBytes }) => {
        if (direction === 'request') return;
        sentBytes += sizeBytes;
        if (sentBytes > 60) throw new Error('cut');
      },
    });
    const listener = await network.serve('leader:0', [copy]);
    const connection = await network.connect(listener.address, { signal });
    const received: number[] = [];
    const request = create(pb.CopyFileRequestSchema, { volumeId: 9 });
    await expect(async () => {
      for await (const { fileContent } of connection.stream(pb.VolumeServer.method.copyFile, one(request), {
        signal,
      })) {
        received.push(fileContent.length);
      }
    }).rejects.toMatchObject({ code: 'unavailable' });
    expect(received).toEqual([10, 10, 10]);
    await expect(connection.closed).resolves.toMatchObject({ code: 'unavailable' });
    await listener.close();
  });

  it('refuses to connect where the hook throws, and where nothing listens', async () => {
    const network = createMemoryNetwork({
      timers,
      onConnect: (address) => {
        if (address === 'a:1') throw new Error('no route');
      },
    });
    await expect(network.connect('a:1', { signal })).rejects.toThrow('a:1: no route');
    await expect(network.connect('b:1', { signal })).rejects.toBeInstanceOf(RpcError);
  });

  it('drops the connections to one address only', async () => {
    const network = createMemoryNetwork({ timers });
    const [first, second] = [await network.serve('a:1', [copy]), await network.serve('b:1', [copy])];
    const toFirst = await network.connect(first.address, { signal });
    const toSecond = await network.connect(second.address, { signal });
    network.dropConnections('a:1');
    await expect(toFirst.closed).resolves.toMatchObject({ code: 'unavailable' });
    const request = create(pb.CopyFileRequestSchema, { volumeId: 2 });
    const received: number[] = [];
    for await (const { fileContent } of toSecond.stream(pb.VolumeServer.method.copyFile, one(request), {
      signal,
    })) {
      received.push(fileContent.length);
    }
    expect(received).toEqual([10, 10]);
    await toSecond.close();
    await expect(toSecond.closed).resolves.toBeUndefined();
  });
});
