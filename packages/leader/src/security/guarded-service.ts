import {
  RpcError,
  type RpcHandlerContext,
  type RpcService,
  type StreamHandler,
  type UnaryHandler,
  wrapHandlers,
} from '@holdfast/protocol';
import { type CommonNames, isCommonNameAllowed } from './common-names.js';
import type { WhiteList } from './white-list.js';

export interface RpcGuardOptions {
  /** Set: only from these addresses are calls taken that change something, or read all there is. */
  readonly whiteList?: WhiteList | undefined;
  /** Set: only clients with such a certificate are let in, whatever they call. */
  readonly commonNames?: CommonNames | undefined;
}

/**
 * Calls of a volume server that only tell what one volume has, which no white list closes: followers, backups and
 * other servers make them. `WriteNeedleBlob`, open on a stock server, is not among them.
 */
const READING_CALLS: ReadonlySet<string> = new Set([
  'copyFile',
  'getState',
  'ping',
  'readNeedleBlob',
  'readNeedleMeta',
  'readVolumeFileStatus',
  'vacuumVolumeCheck',
  'volumeIncrementalCopy',
  'volumeServerStatus',
  'volumeStatus',
  'volumeSyncStatus',
  'volumeTailSender',
]);

/** A service whose handlers are reached by those alone who may. Others get `permission-denied` or `unauthenticated`. */
export function guardService(service: RpcService, { whiteList, commonNames }: RpcGuardOptions): RpcService {
  const isStock = service.service.typeName === 'volume_server_pb.VolumeServer';

  function admit(localName: string, { peer, peerCommonName }: RpcHandlerContext): void {
    if (commonNames !== undefined && !isCommonNameAllowed(commonNames, peerCommonName)) {
      const shown = peerCommonName ?? 'no certificate';
      throw new RpcError('unauthenticated', `invalid subject client common name: ${shown}`);
    }
    if (whiteList === undefined || !isStock || READING_CALLS.has(localName)) return;
    const address = peer.slice(0, Math.max(peer.lastIndexOf(':'), 0));
    if (!whiteList.allows(address)) throw new RpcError('permission-denied', `not authorized: ${address}`);
  }

  const unary =
    (name: string, handler: UnaryHandler<never, never>): UnaryHandler<never, never> =>
    async (request, context) => {
      admit(name, context);
      return handler(request, context);
    };
  const stream = (name: string, handler: StreamHandler<never, never>): StreamHandler<never, never> =>
    async function* (requests, context) {
      admit(name, context);
      yield* handler(requests, context);
    };
  return {
    service: service.service,
    unary: wrapHandlers(service.unary, unary),
    streams: wrapHandlers(service.streams, stream),
  };
}
