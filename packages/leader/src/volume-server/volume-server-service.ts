import {
  createRpcService,
  type RpcService,
  type StreamHandler,
  type UnaryHandler,
  volumeServerPb,
  wrapHandlers,
} from '@holdfast/protocol';
import { administrationCalls } from './administration-calls.js';
import { batchDelete } from './batch-delete.js';
import { callError } from './call-errors.js';
import { copyCalls } from './copy-calls.js';
import { defaultVolumeServerLimits } from './limits.js';
import { needleCalls } from './needle-calls.js';
import { pingCall } from './ping-call.js';
import { receiveCalls } from './receive-calls.js';
import { scrubCalls } from './scrub-calls.js';
import { createSince } from './since.js';
import { assertNoMaintenance, statusCalls } from './status-calls.js';
import { tailCalls } from './tail-calls.js';
import { vacuumCalls } from './vacuum-calls.js';
import type { VolumeServer, VolumeServerServiceOptions } from './volume-server.js';

/** As the real server has it: volumes can still be taken away, mounted and marked read-only. */
const REFUSED_IN_MAINTENANCE: ReadonlySet<string> = new Set([
  'allocateVolume',
  'batchDelete',
  'vacuumVolumeCompact',
  'vacuumVolumeCommit',
  'vacuumVolumeCleanup',
  'volumeCopy',
  'volumeMarkWritable',
  'volumeTailReceiver',
  'writeNeedleBlob',
]);

/**
 * The calls of a SeaweedFS volume server over a store. Texts that clients match on are SeaweedFS's; other failures have
 * a code and name what failed. Only what is durable is told; a stream is of one generation, whatever is compacted.
 */
export function createVolumeServerService(options: VolumeServerServiceOptions): RpcService {
  const server: VolumeServer = { ...options, limits: { ...defaultVolumeServerLimits, ...options.limits } };
  const since = createSince();
  const { service, unary, streams } = createRpcService(volumeServerPb.VolumeServer, {
    ...statusCalls(server),
    ...administrationCalls(server),
    ...vacuumCalls(server),
    ...copyCalls(server, since),
    ...tailCalls(server, since),
    ...receiveCalls(server),
    ...needleCalls(server),
    ...batchDelete(server),
    ...scrubCalls(server),
    ...pingCall(server),
  });
  return { service, unary: wrapHandlers(unary, guardUnary), streams: wrapHandlers(streams, guardStream) };

  function assertAllowed(method: string): void {
    if (REFUSED_IN_MAINTENANCE.has(method)) assertNoMaintenance(server);
  }

  function guardUnary(method: string, handler: UnaryHandler<never, never>): UnaryHandler<never, never> {
    return async (request, context) => {
      try {
        assertAllowed(method);
        return await handler(request, context);
      } catch (error) {
        throw callError(error, server.store.directory, context);
      }
    };
  }

  function guardStream(method: string, handler: StreamHandler<never, never>): StreamHandler<never, never> {
    return async function* (requests, context) {
      try {
        assertAllowed(method);
        yield* handler(requests, context);
      } catch (error) {
        throw callError(error, server.store.directory, context);
      }
    };
  }
}
