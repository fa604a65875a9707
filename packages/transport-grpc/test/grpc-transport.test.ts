import { create, createRpcService, volumeServerPb as pb, RpcError } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { createGrpcTransport } from '../src/index.js';

// The contract itself is checked by @holdfast/conformance; here is what is gRPC's own.

const signal = new AbortController().signal;
const method = pb.VolumeServer.method.readNeedleBlob;

describe('createGrpcTransport', () => {
  it('says why it could not connect, without a wrapping', async () => {
    const error = await createGrpcTransport()
      .connect('127.0.0.1:1', { signal, timeoutMs: 5000 })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({
      code: 'unavailable',
      message: '127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
    });
  });

  it('tells a handler who calls, and carries a message of any size', async () => {
    const transport = createGrpcTransport();
    let peer = '';
    const service = createRpcService(pb.VolumeServer, {
      readNeedleBlob: async ({ size }, context) => {
        peer = context.peer;
        return create(pb.ReadNeedleBlobResponseSchema, { needleBlob: new Uint8Array(size).fill(9) });
      },
    });
    const listener = await transport.serve('127.0.0.1:0', [service]);
    const connection = await transport.connect(listener.address, { signal });
    const size = 5 * 1024 * 1024;
    const { needleBlob } = await connection.unary(method, create(pb.ReadNeedleBlobRequestSchema, { size }), {
      signal,
    });
    expect(needleBlob.length).toBe(size);
    expect(needleBlob.every((byte) => byte === 9)).toBe(true);
    expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
    await connection.close();
    await listener.close();
  });

  it('refuses a port that is in use', async () => {
    const transport = createGrpcTransport();
    const listener = await transport.serve('127.0.0.1:0', []);
    await expect(transport.serve(listener.address, [])).rejects.toMatchObject({ code: 'unavailable' });
    await listener.close();
  });
});
