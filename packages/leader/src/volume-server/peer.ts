import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  RpcError,
  type StreamMethod,
  singleRequest,
  type UnaryMethod,
  watchStream,
} from '@holdfast/protocol';
import type { VolumeServer } from './volume-server.js';

/** Without a port of its own, gRPC listens so far above HTTP (protocol.md §1). */
const GRPC_PORT_OFFSET = 10_000;
const MAX_PORT = 65_535;
const SERVER_ADDRESS = /^(?<host>\[[0-9a-f:.%]+\]|[^\s:/[\]]+):(?<port>\d{1,5})(?:\.(?<grpcPort>\d{1,5}))?$/i;

/** Another volume server over one connection: each call has an end. */
export interface Peer {
  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
  /** Given up where nothing comes for `noBytesTimeoutMs`. */
  stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    request: MessageInitShape<I>,
  ): AsyncGenerator<MessageShape<O>, void>;
}

/** Where gRPC is spoken, out of `host:port` or `host:port.grpcPort`. Fails with `invalid-argument`. */
export function grpcAddressOf(address: string): string {
  const { host, port, grpcPort } = SERVER_ADDRESS.exec(address)?.groups ?? {};
  const listensAt = grpcPort === undefined ? Number(port) + GRPC_PORT_OFFSET : Number(grpcPort);
  if (host === undefined || listensAt > MAX_PORT)
    throw new RpcError(
      'invalid-argument',
      `${JSON.stringify(address)} is no address: host:port or host:port.grpcPort`,
    );
  return `${host}:${listensAt}`;
}

/** Connects, and closes the connection when `use` is done. */
export async function withPeer<T>(
  { transport, timers, limits }: VolumeServer,
  address: string,
  signal: AbortSignal,
  use: (peer: Peer) => Promise<T>,
): Promise<T> {
  const { peerTimeoutMs: timeoutMs, noBytesTimeoutMs } = limits;
  const connection = await transport.connect(grpcAddressOf(address), { signal, timeoutMs });
  try {
    return await use({
      unary: (method, request) =>
        connection.unary(method, create(method.input, request), { signal, timeoutMs }),
      stream: (method, request) =>
        watchStream(
          (ended) =>
            connection.stream(method, singleRequest(create(method.input, request)), { signal: ended }),
          { signal, timers, noBytesTimeoutMs, receivedBytes: () => connection.receivedBytes },
        ),
    });
  } finally {
    await connection.close();
  }
}
