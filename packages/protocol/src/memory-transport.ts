import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { defaultRpcLimits, type RpcLimits } from './limits.js';
import { encode, frameSizeBytes, type MemoryCall, type MemoryFrame, startMemoryCall } from './memory-call.js';
import { RpcError, toRpcError } from './rpc-error.js';
import { type RpcRoute, rpcPath, rpcRoutes, singleRequest } from './rpc-routes.js';
import type {
  RpcCallOptions,
  RpcConnection,
  RpcServerTransport,
  RpcTransport,
  StreamMethod,
  UnaryMethod,
} from './rpc-transport.js';
import type { RpcTimers } from './timers.js';

export interface MemoryNetworkOptions {
  /** For deadlines. */
  readonly timers: RpcTimers;
  /** Default `defaultRpcLimits`. */
  readonly limits?: Partial<RpcLimits>;
  /** Called before a connection is made: may wait; one that throws makes the connection fail as `unavailable`. */
  readonly onConnect?: (address: string) => void | Promise<void>;
  /**
   * Called before a message arrives: may wait (a slow link), and may throw, which breaks the connection under the
   * message with all calls on it. May tell of parts of it as they come.
   */
  readonly onFrame?: (frame: MemoryFrame, onBytes: (lengthBytes: number) => void) => void | Promise<void>;
  /**
   * Called after `onFrame` with the encoded message: gives what arrives instead, `undefined` where the call ends there as
   * if it were over. Default: what was sent.
   */
  readonly alter?: (frame: MemoryFrame, message: Uint8Array) => Uint8Array | undefined;
}

/** Clients and servers in one process, with no socket between them. */
export interface MemoryNetwork extends RpcTransport, RpcServerTransport {
  /** Breaks every connection to `address`, or every one there is. The servers go on. */
  dropConnections(address?: string): void;
}

interface MemoryServer {
  readonly routes: ReadonlyMap<string, RpcRoute>;
  readonly connections: Set<MemoryConnection>;
}

interface MemoryConnection extends RpcConnection {
  drop(error: RpcError): void;
}

/**
 * Messages are really encoded and decoded, limits, deadlines, cancellation and back-pressure are those of the
 * `RpcTransport` contract.
 */
export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  const limits: RpcLimits = { ...defaultRpcLimits, ...options.limits };
  const servers = new Map<string, MemoryServer>();
  let nextPort = 1;
  let nextClient = 1;

  return {
    async connect(address, callOptions) {
      throwIfAborted(callOptions.signal);
      try {
        await options.onConnect?.(address);
      } catch (error) {
        throw new RpcError('unavailable', `${address}: ${toRpcError(error).message}`, error);
      }
      throwIfAborted(callOptions.signal);
      const server = servers.get(address);
      if (server === undefined) throw new RpcError('unavailable', `${address}: nothing listens there`);
      const connection = connectTo(server, address, `memory-client:${nextClient++}`, limits, options);
      server.connections.add(connection);
      return connection;
    },
    async serve(address, services) {
      const [host, port] = splitAddress(address);
      const bound = port === '0' ? `${host}:${nextPort++}` : address;
      if (servers.has(bound)) throw new RpcError('unavailable', `${bound}: address in use`);
      const server: MemoryServer = { routes: rpcRoutes(services), connections: new Set() };
      servers.set(bound, server);
      return {
        address: bound,
        async close() {
          if (servers.get(bound) === server) servers.delete(bound);
          const error = new RpcError('unavailable', `${bound}: the server has closed`);
          for (const connection of server.connections) connection.drop(error);
        },
      };
    },
    dropConnections(address) {
      for (const [bound, { connections }] of servers) {
        if (address !== undefined && address !== bound) continue;
        for (const connection of connections) {
          connection.drop(new RpcError('unavailable', `${bound}: connection lost`));
        }
      }
    },
  };
}

function connectTo(
  server: MemoryServer,
  address: string,
  peer: string,
  limits: RpcLimits,
  options: MemoryNetworkOptions,
): MemoryConnection {
  const calls = new Set<MemoryCall>();
  let gone: RpcError | undefined;
  let receivedBytes = 0;
  let resolveClosed: (error: RpcError | undefined) => void;
  const closed = new Promise<RpcError | undefined>((resolve) => {
    resolveClosed = resolve;
  });

  function leave(error: RpcError, reported: RpcError | undefined): void {
    if (gone !== undefined) return;
    gone = error;
    server.connections.delete(connection);
    for (const call of calls) call.abort(error);
    resolveClosed(reported);
  }

  async function carry(
    path: string,
    direction: MemoryFrame['direction'],
    message: Uint8Array,
  ): Promise<Uint8Array | undefined> {
    const frame: MemoryFrame = { address, path, direction, sizeBytes: frameSizeBytes(message.length) };
    let leftBytes = frame.sizeBytes;
    const onBytes = (lengthBytes: number): void => {
      leftBytes -= lengthBytes;
      if (direction === 'response') receivedBytes += lengthBytes;
    };
    try {
      await options.onFrame?.(frame, onBytes);
      onBytes(leftBytes);
    } catch (error) {
      const lost = new RpcError('unavailable', `${address}: ${toRpcError(error).message}`, error);
      leave(lost, lost);
    }
    if (gone !== undefined) throw gone;
    return options.alter === undefined ? message : options.alter(frame, message);
  }

  async function* exchange<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O> | StreamMethod<I, O>,
    requests: AsyncIterable<MessageShape<I>>,
    callOptions: RpcCallOptions,
  ): AsyncGenerator<MessageShape<O>, void> {
    throwIfAborted(callOptions.signal);
    if (gone !== undefined) throw gone;
    const path = rpcPath(method);
    const call = startMemoryCall(server.routes.get(path), {
      path,
      peer,
      limits,
      carry: (direction, message) => carry(path, direction, message),
    });
    calls.add(call);
    const onAbort = () => call.abort(new RpcError('canceled', `${path}: canceled by the caller`));
    callOptions.signal.addEventListener('abort', onAbort, { once: true });
    startDeadline(call, path, callOptions.timeoutMs, options.timers);
    void sendAll(call, method.input, requests);
    try {
      for (;;) {
        const item = await call.nextResponse();
        if (item.done) return;
        yield decode(path, method.output, item.value);
        // Whoever still looks at it is to see that it is gone.
        if (callOptions.reusesMessages) item.value.fill(0xdb);
      }
    } finally {
      onAbort();
      calls.delete(call);
      callOptions.signal.removeEventListener('abort', onAbort);
    }
  }

  const connection: MemoryConnection = {
    async unary(method, request, callOptions) {
      for await (const response of exchange(method, singleRequest(request), callOptions)) return response;
      throw new RpcError('internal', `${rpcPath(method)}: ended without an answer`);
    },
    stream: exchange,
    get receivedBytes() {
      return receivedBytes;
    },
    closed,
    async close() {
      leave(new RpcError('unavailable', `${address}: the connection was closed`), undefined);
    },
    drop: (error) => leave(error, error),
  };
  return connection;
}

/** What makes no message fails the call, as every transport has it. */
function decode<O extends DescMessage>(path: string, output: O, message: Uint8Array): MessageShape<O> {
  try {
    return fromBinary(output, message);
  } catch (error) {
    throw new RpcError('internal', `${path}: an answer that is no message`, error);
  }
}

async function sendAll<I extends DescMessage>(
  call: MemoryCall,
  input: I,
  requests: AsyncIterable<MessageShape<I>>,
): Promise<void> {
  try {
    for await (const request of requests) await call.sendRequest(encode(input, request));
    call.endRequests();
  } catch (error) {
    call.abort(toRpcError(error));
  }
}

function startDeadline(
  call: MemoryCall,
  path: string,
  timeoutMs: number | undefined,
  timers: RpcTimers,
): void {
  if (timeoutMs === undefined) return;
  timers.sleep(timeoutMs, call.ended).then(
    () => call.abort(new RpcError('deadline-exceeded', `${path}: no end within ${timeoutMs} ms`)),
    () => undefined,
  );
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new RpcError('canceled', 'canceled by the caller', signal.reason);
}

function splitAddress(address: string): readonly [host: string, port: string] {
  const colon = address.lastIndexOf(':');
  if (colon < 0) throw new TypeError(`an address is host:port, not ${address}`);
  return [address.slice(0, colon), address.slice(colon + 1)];
}
