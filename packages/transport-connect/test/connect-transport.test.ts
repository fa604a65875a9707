import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { create, createRpcService, volumeServerPb as pb } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { type ConnectProtocol, createConnectTransport } from '../src/index.js';

// The contract itself is checked by @holdfast/conformance; here is what is Connect's own.

const signal = new AbortController().signal;
const path = 'volume_server_pb.VolumeServer/ReadNeedleBlob';
const service = createRpcService(pb.VolumeServer, {
  readNeedleBlob: async ({ size }) =>
    create(pb.ReadNeedleBlobResponseSchema, { needleBlob: new Uint8Array(size).fill(65) }),
});

describe('createConnectTransport', () => {
  it('serves all protocols on one port, HTTP/1.1 with JSON beside them', async () => {
    const listener = await createConnectTransport().serve('127.0.0.1:0', [service]);
    for (const protocol of ['grpc', 'grpc-web', 'connect'] satisfies ConnectProtocol[]) {
      const connection = await createConnectTransport({ protocol }).connect(listener.address, { signal });
      const request = create(pb.ReadNeedleBlobRequestSchema, { size: 3 });
      const answer = await connection.unary(pb.VolumeServer.method.readNeedleBlob, request, { signal });
      expect([...answer.needleBlob]).toEqual([65, 65, 65]);
      await connection.close();
    }
    const response = await fetch(`http://${listener.address}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: '{"size":3}',
    });
    expect(await response.json()).toEqual({ needleBlob: 'QUFB' });
    await listener.close();
  });

  // The pings go out faster than a session ends: one to a session that is going would throw where nobody catches.
  it.each([50, 1])('notices a server that stops answering pings of every %d ms', async (keepaliveTimeMs) => {
    const listener = await createConnectTransport().serve('127.0.0.1:0', [service]);
    const [host, port] = listener.address.split(':') as [string, string];
    const sockets: Socket[] = [];
    const relay = createServer((client) => {
      const server = connect(Number(port), host);
      sockets.push(client, server);
      client.pipe(server);
      server.pipe(client);
    });
    await new Promise<void>((resolve) => {
      relay.listen(0, host, resolve);
    });
    const { port: relayPort } = relay.address() as AddressInfo;
    const transport = createConnectTransport({ keepaliveTimeMs, keepaliveTimeoutMs: 20 * keepaliveTimeMs });
    const connection = await transport.connect(`${host}:${relayPort}`, { signal });
    for (const socket of sockets) socket.unpipe();
    await expect(connection.closed).resolves.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('keepalive'),
    });
    for (const socket of sockets) socket.destroy();
    relay.close();
    await listener.close();
  });

  it('refuses a port that is in use', async () => {
    const transport = createConnectTransport();
    const listener = await transport.serve('127.0.0.1:0', []);
    await expect(transport.serve(listener.address, [])).rejects.toMatchObject({ code: 'unavailable' });
    await listener.close();
  });
});
