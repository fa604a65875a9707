import {
  create,
  createRpcService,
  type MessageInitShape,
  masterPb,
  type RpcConnection,
  type RpcHandlers,
  type RpcListener,
  volumeServerPb,
} from '@holdfast/protocol';
import type { Front, SubjectKind, SubjectOptions } from './subject.js';

/** The three shapes of a call, in methods that exist. */
export const methods = {
  unary: volumeServerPb.VolumeServer.method.readNeedleBlob,
  download: volumeServerPb.VolumeServer.method.copyFile,
  talk: masterPb.Seaweed.method.sendHeartbeat,
} as const;

export interface StageHandlers {
  readonly unary?: NonNullable<RpcHandlers<typeof volumeServerPb.VolumeServer>['readNeedleBlob']>;
  readonly download?: NonNullable<RpcHandlers<typeof volumeServerPb.VolumeServer>['copyFile']>;
  readonly talk?: NonNullable<RpcHandlers<typeof masterPb.Seaweed>['sendHeartbeat']>;
}

/** A server, a front before it and one client's connection through the front. */
export interface Stage {
  readonly listener: RpcListener;
  readonly front: Front;
  readonly connection: RpcConnection;
  /** Another connection. */
  connect(): Promise<RpcConnection>;
  close(): Promise<void>;
}

export const never: AbortSignal = new AbortController().signal;

export async function openStage(
  kind: SubjectKind,
  handlers: StageHandlers,
  options: SubjectOptions = {},
): Promise<Stage> {
  const subject = kind.create(options);
  const services = [
    createRpcService(volumeServerPb.VolumeServer, {
      ...(handlers.unary && { readNeedleBlob: handlers.unary }),
      ...(handlers.download && { copyFile: handlers.download }),
    }),
    createRpcService(masterPb.Seaweed, { ...(handlers.talk && { sendHeartbeat: handlers.talk }) }),
  ];
  const listener = await subject.transport.serve('127.0.0.1:0', services);
  const front = await subject.front(listener.address);
  const connect = () => subject.transport.connect(front.address, { signal: never, timeoutMs: 10_000 });
  const connections: RpcConnection[] = [];
  const keep = async () => {
    const connection = await connect();
    connections.push(connection);
    return connection;
  };
  const close = async () => {
    for (const connection of connections) await connection.close();
    await front.close();
    await listener.close();
  };
  try {
    return { listener, front, connection: await keep(), connect: keep, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export const blob = (init: MessageInitShape<typeof volumeServerPb.ReadNeedleBlobResponseSchema>) =>
  create(volumeServerPb.ReadNeedleBlobResponseSchema, init);
export const blobRequest = (init: MessageInitShape<typeof volumeServerPb.ReadNeedleBlobRequestSchema>) =>
  create(volumeServerPb.ReadNeedleBlobRequestSchema, init);
export const chunk = (init: MessageInitShape<typeof volumeServerPb.CopyFileResponseSchema>) =>
  create(volumeServerPb.CopyFileResponseSchema, init);
export const copyRequest = (init: MessageInitShape<typeof volumeServerPb.CopyFileRequestSchema> = {}) =>
  create(volumeServerPb.CopyFileRequestSchema, init);
export const beat = (init: MessageInitShape<typeof masterPb.HeartbeatSchema> = {}) =>
  create(masterPb.HeartbeatSchema, init);
export const beatAnswer = (init: MessageInitShape<typeof masterPb.HeartbeatResponseSchema> = {}) =>
  create(masterPb.HeartbeatResponseSchema, init);

export async function* each<T>(...items: readonly T[]): AsyncGenerator<T, void> {
  yield* items;
}

/** A promise with its own handles. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
}

export function defer<T = void>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** All items, or those before the error and the error. */
export async function drain<T>(items: AsyncIterable<T>): Promise<{ items: T[]; error: unknown }> {
  const received: T[] = [];
  try {
    for await (const item of items) received.push(item);
    return { items: received, error: undefined };
  } catch (error) {
    return { items: received, error };
  }
}

/** Resolves with a counter's value once it has stopped rising for a while. */
export async function untilStill(count: () => number): Promise<number> {
  let last = count();
  for (let still = 0; still < 15; still++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (count() !== last) still = 0;
    last = count();
  }
  return last;
}
