import {
  create,
  createMemoryNetwork,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  type RpcConnection,
  type StreamMethod,
  type UnaryMethod,
  volumeServerPb,
} from '@holdfast/protocol';
import { expect } from 'vitest';
import {
  createVolumeServerService,
  type NeedleStore,
  openServerState,
  type VolumeServerServiceOptions,
} from '../../src/index.js';

export const { method } = volumeServerPb.VolumeServer;
export const signal = AbortSignal.timeout(60_000);

/** A volume server over a store, and one connection to it. */
export interface ServedStore {
  readonly address: string;
  readonly connection: RpcConnection;
  unary<I extends DescMessage, O extends DescMessage>(
    method: UnaryMethod<I, O>,
    request?: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
  stream<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    request: MessageInitShape<I>,
    calling?: AbortSignal,
  ): AsyncIterable<MessageShape<O>>;
  /** All messages of a stream. */
  all<I extends DescMessage, O extends DescMessage>(
    method: StreamMethod<I, O>,
    request: MessageInitShape<I>,
  ): Promise<readonly MessageShape<O>[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

export type ServeOptions = Pick<VolumeServerServiceOptions, 'env' | 'timers'> &
  Partial<VolumeServerServiceOptions> & { readonly network?: ReturnType<typeof createMemoryNetwork> };

export async function serveVolumes(store: NeedleStore, options: ServeOptions): Promise<ServedStore> {
  const network = options.network ?? createMemoryNetwork({ timers: options.timers });
  const state = options.state ?? (await openServerState(options.env, store.directory));
  const service = createVolumeServerService({
    transport: network,
    address: 'volumes:8080',
    ...options,
    store,
    state,
  });
  const listener = await network.serve('volumes:0', [service]);
  const connection = await network.connect(listener.address, { signal });
  const stream: ServedStore['stream'] = (called, request, calling = signal) =>
    connection.stream(called, only(create(called.input, request)), { signal: calling });
  return {
    address: listener.address,
    connection,
    unary: (called, request) => connection.unary(called, create(called.input, request), { signal }),
    stream,
    async all<I extends DescMessage, O extends DescMessage>(
      called: StreamMethod<I, O>,
      request: MessageInitShape<I>,
    ) {
      const messages: MessageShape<O>[] = [];
      for await (const message of stream(called, request)) messages.push(message);
      return messages;
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
      await listener.close();
    },
  };
}

/** What a copy's messages come to. */
export function contentOf(messages: readonly { readonly fileContent: Uint8Array }[]): Buffer {
  return Buffer.concat(messages.map(({ fileContent }) => fileContent));
}

export async function expectFailure(call: Promise<unknown>, code: string, message: string | RegExp) {
  const failure = await call.then(
    () => 'no failure',
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({
    name: 'RpcError',
    code,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });
}

async function* only<T>(item: T): AsyncGenerator<T> {
  yield item;
}
