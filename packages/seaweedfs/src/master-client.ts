import { replicaPlacementToByte, type Timers, ttlToUint32 } from '@holdfast/format';
import { type HttpFetch, masterPb, type RpcTransport } from '@holdfast/protocol';
import { locationAddress, parseServerAddress, type ServerAddress } from './address.js';
import { type ClusterTopology, clusterTopology } from './cluster-volumes.js';
import { SeaweedError } from './errors.js';
import type { AnnouncedServer, AnnouncedVolume } from './heartbeat/announced-server.js';
import { readJsonPage } from './http-page.js';
import { defaultSeaweedLimits, type SeaweedLimits } from './limits.js';
import { masterError } from './master-error.js';
import { createMasterLink, keepConnected } from './master-link.js';

export interface MasterClientOptions {
  readonly transport: RpcTransport;
  /** For the cluster's id; without it there is none. */
  readonly fetch?: HttpFetch;
  /** Default `http`. */
  readonly httpScheme?: 'http' | 'https';
  /** At least one, `host:port` or `host:port.grpcPort`; the one that leads is found out. */
  readonly addresses: readonly string[];
  readonly timers: Timers;
  readonly limits?: Partial<SeaweedLimits>;
}

/** A server that has a volume, as a lookup tells it. */
export interface VolumeLocation extends ServerAddress {
  /** `host:port` for clients outside the cluster. */
  readonly publicUrl: string;
  readonly dataCenter: string;
}

/** What one server holds more or less than before. The first ones of a watch tell all that each server holds. */
export interface LocationChange {
  readonly server: VolumeLocation;
  readonly addedVolumeIds: readonly number[];
  readonly removedVolumeIds: readonly number[];
}

/** Every copy of every volume is in it, those that cannot be followed included. */
export interface ClusterListing extends ClusterTopology {
  readonly volumeSizeLimitBytes: number;
}

/** A SeaweedFS master. Every failure is a `SeaweedError`, an abort is the signal's reason; nothing is retried. */
export interface MasterClient {
  /** Where each volume is; one that no server has is not in the answer. */
  lookup(
    volumeIds: readonly number[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, readonly VolumeLocation[]>>;
  listVolumes(signal: AbortSignal): Promise<ClusterListing>;
  /**
   * What every server holds, then each change as the master hears of it. Ends only by failing: `master-unreachable`
   * when the stream breaks or another master takes over; then everything is told anew by the next watch.
   */
  watch(signal: AbortSignal): AsyncIterable<LocationChange>;
  /**
   * Tells the master now that it is to place no more files in a server's volume, or may again; the heartbeat says the
   * same later.
   */
  markReadOnly(
    server: Pick<AnnouncedServer, 'ip' | 'port'>,
    volume: Pick<
      AnnouncedVolume,
      'volumeId' | 'collection' | 'version' | 'replicaPlacement' | 'ttl' | 'isReadOnly'
    >,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * When a master answered, by its own clock in Unix nanoseconds. `undefined` for an address that is neither one of the
   * masters given nor the one that leads.
   */
  ping(address: string, signal: AbortSignal): Promise<bigint | undefined>;
  /**
   * The `TopologyId` of `/dir/status`: made once by the first leader and kept in the masters' own state, so it
   * outlives restarts and changes of the leader, and is a new one where that state is lost. `undefined` where a
   * release has none.
   */
  clusterId(signal: AbortSignal): Promise<string | undefined>;
}

const MiB = 1024 * 1024;
const MAX_VOLUME_ID = 0xffff_ffff;

/** Throws `SeaweedError` code `bad-address`, and `RangeError` without any address. */
export function createMasterClient(options: MasterClientOptions): MasterClient {
  const { transport, fetch, httpScheme = 'http', timers } = options;
  const limits: SeaweedLimits = { ...defaultSeaweedLimits, ...options.limits };
  const addresses = options.addresses.map(parseServerAddress);
  if (addresses.length === 0) throw new RangeError('a master client needs the address of a master');
  const link = createMasterLink({ transport, addresses, timers, limits });
  const { lookupVolume, volumeList, volumeMarkReadonly, ping } = masterPb.Seaweed.method;

  return {
    lookup: (volumeIds, signal) =>
      link.onLeader(async ({ caller }) => {
        const request = { volumeOrFileIds: volumeIds.map(String) };
        const { volumeIdLocations } = await caller.unary(lookupVolume, request, { signal, detail: {} });
        const found = volumeIdLocations.filter(({ locations }) => locations.length > 0);
        return new Map(
          found.map(({ volumeOrFileId, locations }) => [
            volumeIdOf(volumeOrFileId),
            locations.map(volumeLocation),
          ]),
        );
      }, signal),

    listVolumes: (signal) =>
      link.onLeader(async ({ caller }) => {
        const { topologyInfo, volumeSizeLimitMb } = await caller.unary(
          volumeList,
          {},
          { signal, detail: {} },
        );
        return {
          volumeSizeLimitBytes: Number(volumeSizeLimitMb) * MiB,
          ...clusterTopology(topologyInfo),
        };
      }, signal),

    async *watch(signal) {
      const address = await link.onLeader(async (master) => master.address, signal);
      const master = await link.connect(address, signal);
      try {
        for await (const { volumeLocation: change } of keepConnected(master, signal)) {
          if (!change || change.url === '') continue;
          yield {
            server: volumeLocation(change),
            addedVolumeIds: change.newVids,
            removedVolumeIds: change.deletedVids,
          };
        }
      } catch (error) {
        throw signal.aborted ? signal.reason : masterError(error, address.grpcAddress);
      } finally {
        await master.connection.close();
      }
      throw new SeaweedError('master-unreachable', `${address.grpcAddress} has ended the watch`);
    },

    markReadOnly: (
      { ip, port },
      { volumeId, collection, version, replicaPlacement, ttl, isReadOnly },
      signal,
    ) =>
      link.onLeader(async ({ caller }) => {
        const request = {
          ip,
          port,
          volumeId,
          collection,
          version,
          replicaPlacement: replicaPlacementToByte(replicaPlacement),
          ttl: ttlToUint32(ttl),
          isReadonly: isReadOnly,
        };
        await caller.unary(volumeMarkReadonly, request, { signal, detail: {} });
      }, signal),

    async ping(text, signal) {
      const address = parseServerAddress(text);
      const isSame = (other: ServerAddress) => other.grpcAddress === address.grpcAddress;
      if (!addresses.some(isSame)) {
        const leader = await link.onLeader(async (master) => master.address, signal);
        if (!isSame(leader)) return undefined;
      }
      const { caller, connection } = await link.connect(address, signal);
      try {
        return (await caller.unary(ping, {}, { signal, detail: {} })).stopTimeNs;
      } catch (error) {
        throw masterError(error, address.grpcAddress);
      } finally {
        await connection.close();
      }
    },

    async clusterId(signal) {
      if (!fetch) return undefined;
      let failure: unknown;
      for (const { httpAddress } of addresses) {
        try {
          const url = `${httpScheme}://${httpAddress}/dir/status`;
          const page = (await readJsonPage({ fetch, url, limits }, signal)) as {
            readonly TopologyId?: unknown;
          } | null;
          const id = page?.TopologyId;
          return typeof id === 'string' && id !== '' ? id : undefined;
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          failure = masterError(error, httpAddress);
        }
      }
      throw failure;
    },
  };
}

function volumeIdOf(text: string): number {
  const volumeId = Number(text);
  if (/^\d{1,10}$/.test(text) && volumeId <= MAX_VOLUME_ID) return volumeId;
  throw new SeaweedError(
    'bad-answer',
    `a master tells where volume ${JSON.stringify(text)} is: there is no such id`,
  );
}

function volumeLocation(location: {
  readonly url: string;
  readonly publicUrl: string;
  readonly grpcPort: number;
  readonly dataCenter: string;
}): VolumeLocation {
  const { url, publicUrl, grpcPort, dataCenter } = location;
  return { ...locationAddress(url, grpcPort), publicUrl: publicUrl === '' ? url : publicUrl, dataCenter };
}
