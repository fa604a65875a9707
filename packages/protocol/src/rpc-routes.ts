import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { RpcError } from './rpc-error.js';
import type { RpcService, StreamHandler, StreamMethod, UnaryHandler, UnaryMethod } from './rpc-transport.js';

/** The handlers of one service by the method's `localName`, each typed by its method. */
export type RpcHandlers<S extends DescService> = {
  readonly [K in keyof S['method']]?: S['method'][K] extends UnaryMethod<infer I, infer O>
    ? UnaryHandler<I, O>
    : S['method'][K] extends StreamMethod<infer I, infer O>
      ? StreamHandler<I, O>
      : never;
};

/** An `RpcService` out of typed handlers. */
export function createRpcService<S extends DescService>(service: S, handlers: RpcHandlers<S>): RpcService {
  const unary: Record<string, UnaryHandler<never, never>> = {};
  const streams: Record<string, StreamHandler<never, never>> = {};
  for (const method of service.methods) {
    const handler = handlers[method.localName as keyof S['method']] as unknown;
    if (handler === undefined) continue;
    if (method.methodKind === 'unary') unary[method.localName] = handler as UnaryHandler<never, never>;
    else streams[method.localName] = handler as StreamHandler<never, never>;
  }
  return { service, unary, streams };
}

/** The request of a call that has one request and a stream of answers. Fails with `invalid-argument` without any. */
export async function onlyRequest<T>(requests: AsyncIterable<T>): Promise<T> {
  for await (const request of requests) return request;
  throw new RpcError('invalid-argument', 'no request');
}

/** The request side of a call that has one request. */
export async function* singleRequest<T>(request: T): AsyncGenerator<T, void> {
  yield request;
}

/** The handlers of a service, each wrapped by its method's `localName`: what has to happen around every call. */
export function wrapHandlers<T>(
  handlers: Readonly<Record<string, T | undefined>>,
  wrap: (localName: string, handler: T) => T,
): Readonly<Record<string, T>> {
  const wrapped: Record<string, T> = {};
  for (const [localName, handler] of Object.entries(handlers))
    if (handler !== undefined) wrapped[localName] = wrap(localName, handler);
  return wrapped;
}

/** One method that a server answers. */
export type RpcRoute =
  | { readonly kind: 'unary'; readonly method: UnaryMethod; readonly handler: UnaryHandler }
  | { readonly kind: 'stream'; readonly method: StreamMethod; readonly handler: StreamHandler };

/** The path of a method in a request: `/package.Service/Method`. */
export function rpcPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Every method that has a handler, by its path. */
export function rpcRoutes(services: readonly RpcService[]): ReadonlyMap<string, RpcRoute> {
  const routes = new Map<string, RpcRoute>();
  for (const { service, unary, streams } of services) {
    for (const method of service.methods) {
      const route = routeOf(method, unary[method.localName], streams[method.localName]);
      if (route !== undefined) routes.set(rpcPath(method), route);
    }
  }
  return routes;
}

function routeOf(
  method: DescMethod,
  unary: UnaryHandler<never, never> | undefined,
  stream: StreamHandler<never, never> | undefined,
): RpcRoute | undefined {
  if (method.methodKind === 'unary') {
    if (unary === undefined) return undefined;
    return { kind: 'unary', method: method as UnaryMethod, handler: unary as UnaryHandler };
  }
  if (stream === undefined) return undefined;
  return { kind: 'stream', method: method as StreamMethod, handler: stream as StreamHandler };
}
