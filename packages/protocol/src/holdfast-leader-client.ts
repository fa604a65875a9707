import { create } from '@bufbuild/protobuf';
import type { Checksum } from './checksum.js';
import * as pb from './gen/holdfast/v1/follow_pb.js';
import { createHoldfastVolume, type HoldfastVolume } from './holdfast-volume.js';
import type { LeaderClient, LeaderSession } from './leader-client.js';
import { LeaderError } from './leader-error.js';
import { leaderErrorOfRpcError } from './leader-error-wire.js';
import { followLimits } from './limits.js';
import type { RpcConnection, RpcTransport } from './rpc-transport.js';
import { safeNumber } from './safe-number.js';
import type { RpcTimers } from './timers.js';

export interface HoldfastLeaderClientOptions {
  /** `host:port`. */
  readonly address: string;
  readonly transport: RpcTransport;
  readonly crc32c: Checksum;
  readonly timers: RpcTimers;
  /** Default `followLimits.noBytesTimeoutMs`. More than the leader's time between heartbeats. */
  readonly noBytesTimeoutMs?: number;
  /** Default `followLimits.unaryTimeoutMs`. Holds for connecting too. */
  readonly unaryTimeoutMs?: number;
}

export interface HoldfastLeaderSession extends LeaderSession {
  volume(volumeId: number, collection: string): HoldfastVolume;
}

export interface HoldfastLeaderClient extends LeaderClient {
  openSession(signal: AbortSignal): Promise<HoldfastLeaderSession>;
}

/** `LeaderClient` for `holdfast.v1`. Every stream is held against its trailer before its end is reported. */
export function createHoldfastLeaderClient(options: HoldfastLeaderClientOptions): HoldfastLeaderClient {
  const { address, transport, crc32c, timers } = options;
  const noBytesTimeoutMs = options.noBytesTimeoutMs ?? followLimits.noBytesTimeoutMs;
  const unaryTimeoutMs = options.unaryTimeoutMs ?? followLimits.unaryTimeoutMs;

  async function connected<T>(
    signal: AbortSignal,
    use: (connection: RpcConnection) => Promise<T>,
  ): Promise<T> {
    let connection: RpcConnection | undefined;
    try {
      connection = await transport.connect(address, { signal, timeoutMs: unaryTimeoutMs });
      return await use(connection);
    } catch (error) {
      await connection?.close();
      throw leaderErrorOfRpcError(error, { address });
    }
  }

  return {
    address,
    openSession: (signal) =>
      connected(signal, async (connection) => {
        const { serverInfo } = pb.FollowService.method;
        const request = create(pb.ServerInfoRequestSchema);
        const { serverId } = await connection.unary(serverInfo, request, {
          signal,
          timeoutMs: unaryTimeoutMs,
        });
        if (serverId.length > followLimits.idLength) {
          throw new LeaderError('bad-answer', `a server id of ${serverId.length} characters`);
        }
        const limits = { address, crc32c, timers, noBytesTimeoutMs, unaryTimeoutMs };
        return {
          serverId,
          volume: (volumeId, collection) => createHoldfastVolume(connection, volumeId, collection, limits),
          close: () => connection.close(),
        };
      }),
    sweep: (signal) =>
      connected(signal, async (connection) => {
        const { sweep } = pb.FollowService.method;
        const request = create(pb.SweepRequestSchema);
        const { entries } = await connection.unary(sweep, request, { signal, timeoutMs: unaryTimeoutMs });
        await connection.close();
        return entries.map(({ volumeId, collection, revision, ...counts }) => ({
          volumeId,
          collection,
          revision,
          contentBytes: safeNumber(counts.contentBytes, 'dat_size_bytes'),
          fileCount: safeNumber(counts.fileCount, 'file_count'),
          deleteCount: safeNumber(counts.deleteCount, 'delete_count'),
          modifiedAtSeconds: safeNumber(counts.modifiedAtSeconds, 'modified_at_seconds'),
        }));
      }),
  };
}
