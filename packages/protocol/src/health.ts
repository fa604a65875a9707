import { create } from '@bufbuild/protobuf';
import * as pb from './gen/grpc/health/v1/health_pb.js';
import { RpcError } from './rpc-error.js';
import { createRpcService, onlyRequest } from './rpc-routes.js';
import type { RpcService } from './rpc-transport.js';

const { HealthCheckResponse_ServingStatus: ServingStatus } = pb;

/** Whether a server takes calls, as `grpc.health.v1` tells it. */
export interface Health {
  readonly service: RpcService;
  /** The server is about to close: from now on it says that it does not serve. Watches end with that. Idempotent. */
  stopServing(): void;
}

/** Of these services, and of the server as a whole (`""`): all of them are served, until it closes. */
export function createHealth(services: readonly RpcService[]): Health {
  const known = new Set(['', ...services.map(({ service }) => service.typeName)]);
  const stopped = new AbortController();
  const response = (status: pb.HealthCheckResponse_ServingStatus) =>
    create(pb.HealthCheckResponseSchema, { status });
  const present = () => response(stopped.signal.aborted ? ServingStatus.NOT_SERVING : ServingStatus.SERVING);

  return {
    service: createRpcService(pb.Health, {
      async check({ service }) {
        if (!known.has(service)) throw new RpcError('not-found', `unknown service ${service}`);
        return present();
      },
      async *watch(requests, { signal }) {
        const { service } = await onlyRequest(requests);
        yield known.has(service) ? present() : response(ServingStatus.SERVICE_UNKNOWN);
        if (stopped.signal.aborted) return;
        await firstAbort(signal, stopped.signal);
        if (known.has(service) && !signal.aborted) yield present();
      },
    }),
    stopServing: () => stopped.abort(),
  };
}

function firstAbort(...signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals]);
  return new Promise((resolve) => {
    if (any.aborted) resolve();
    else any.addEventListener('abort', () => resolve(), { once: true });
  });
}
