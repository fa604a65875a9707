import type { Clock, Timers } from '@holdfast/format';
import type { HttpFetch, LeaderClient, LeaderVolume, RpcTransport } from '@holdfast/protocol';
import { defaultSeaweedLimits, type SeaweedLimits } from './limits.js';
import { createSemaphore } from './semaphore.js';
import { createStatusSweep } from './status-page.js';
import { createStockCaller } from './stock-caller.js';
import { createStockVolume } from './stock-volume.js';
import { translateError } from './translate-error.js';

export interface SeaweedLeaderOptions {
  readonly transport: RpcTransport;
  readonly fetch: HttpFetch;
  /** `host:port`. */
  readonly grpcAddress: string;
  /** `host:port`. */
  readonly httpAddress: string;
  /** Default `http`. */
  readonly httpScheme?: 'http' | 'https';
  /** The server's own id, where a master tells one that is not its address. Default `""`. */
  readonly serverId?: string;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly limits?: Partial<SeaweedLimits>;
}

/**
 * A stock SeaweedFS volume server as a leader, by calls alone that cannot bring it down in the state it is in. Keep
 * one client a server: the bounds of its load are those of the client.
 */
export function createSeaweedLeader(options: SeaweedLeaderOptions): LeaderClient {
  const {
    transport,
    fetch,
    grpcAddress,
    httpAddress,
    httpScheme = 'http',
    serverId = '',
    timers,
    clock,
  } = options;
  const limits: SeaweedLimits = { ...defaultSeaweedLimits, ...options.limits };
  const serverPlaces = createSemaphore(limits.rangesInFlightPerServer);
  const lastPlainCopyMs = new Map<number, number>();

  return {
    address: grpcAddress,

    async openSession(signal) {
      const connection = await transport
        .connect(grpcAddress, { signal, timeoutMs: limits.connectTimeoutMs })
        .catch((error: unknown) => {
          throw signal.aborted ? signal.reason : translateError(error, { address: grpcAddress });
        });
      const caller = createStockCaller({ connection, address: grpcAddress, timers, limits });
      const volumes = new Map<string, LeaderVolume>();
      return {
        serverId,
        volume(volumeId, collection) {
          const name = `${collection}_${volumeId}`;
          const volume =
            volumes.get(name) ??
            createStockVolume({
              volumeId,
              collection,
              address: grpcAddress,
              caller,
              timers,
              clock,
              limits,
              serverPlaces,
              lastPlainCopyMs,
            });
          volumes.set(name, volume);
          return volume;
        },
        close: () => connection.close(),
      };
    },

    sweep: createStatusSweep({ fetch, url: `${httpScheme}://${httpAddress}/status`, limits }),
  };
}
