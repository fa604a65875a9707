import { ConnectError, createContextKey, type HandlerContext } from '@connectrpc/connect';
import {
  grpcStatusOfCode,
  type RpcHandlerContext,
  type RpcRoute,
  type RpcService,
  rpcRoutes,
  singleRequest,
  toRpcError,
} from '@holdfast/protocol';

import type { AnyMessage, AnyMessages, RouteTarget } from './connect-types.js';

/** The peer of a request, put there by the server. */
export const peerKey = createContextKey('');

/** Gives the common name in the peer's certificate, put there by the server. */
export const peerCommonNameKey = createContextKey<() => string | undefined>(() => undefined);

/**
 * Aborts when the stream or socket of a request has closed, put there by the server: connect's own signal misses a
 * client that closes its connection in order.
 */
export const closedKey = createContextKey(new AbortController().signal);

/** Gives every handler to connect's router, its errors translated. */
export function addRoutes(router: RouteTarget, services: readonly RpcService[]): void {
  for (const route of rpcRoutes(services).values()) addRoute(router, route);
}

function addRoute(router: RouteTarget, route: RpcRoute): void {
  if (route.kind === 'unary') {
    const { method, handler } = route;
    router.rpc(method, async (request: AnyMessage, context: HandlerContext) => {
      try {
        return await handler(request, contextOf(context));
      } catch (error) {
        throw connectError(error);
      }
    });
    return;
  }
  const { method, handler } = route;
  async function* answer(requests: AnyMessages, context: HandlerContext) {
    try {
      yield* handler(requests, contextOf(context));
    } catch (error) {
      throw connectError(error);
    }
  }
  switch (method.methodKind) {
    case 'server_streaming':
      router.rpc(method, (request: AnyMessage, context: HandlerContext) =>
        answer(singleRequest(request), context),
      );
      return;
    case 'bidi_streaming':
      router.rpc(method, (requests: AnyMessages, context: HandlerContext) => answer(requests, context));
      return;
    case 'client_streaming':
      router.rpc(method, async (requests: AnyMessages, context: HandlerContext) => {
        for await (const response of answer(requests, context)) return response;
        throw new ConnectError(`${method.name}: the handler gave no answer`, grpcStatusOfCode('internal'));
      });
  }
}

function contextOf(context: HandlerContext): RpcHandlerContext {
  const signal = AbortSignal.any([context.signal, context.values.get(closedKey)]);
  const commonNameOf = context.values.get(peerCommonNameKey);
  return {
    signal,
    peer: context.values.get(peerKey),
    get peerCommonName() {
      return commonNameOf();
    },
  };
}

function connectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  const { code, message } = toRpcError(error);
  return new ConnectError(message, grpcStatusOfCode(code), undefined, undefined, error);
}
