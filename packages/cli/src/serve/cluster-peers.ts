import { signToken, type TokenKeys } from '@holdfast/leader';
import type { RpcTlsOptions } from '@holdfast/protocol';
import { Agent, fetch, type RequestInit as UndiciInit } from 'undici';
import type { VolumeLocations } from './volume-locations.js';

export interface ClusterPeersOptions {
  readonly locations: VolumeLocations;
  /** `undefined`: the servers of the cluster speak plain HTTP. */
  readonly tls: RpcTlsOptions | undefined;
  /** What tokens are signed with where a request brings none, such as for the chunks of a file. */
  readonly writeKeys: TokenKeys | undefined;
  readonly readKeys: TokenKeys | undefined;
  /** Unix seconds. */
  readonly nowSeconds: () => number;
}

const TOKEN_SECONDS = 60;
const CONNECT_TIMEOUT_MS = 10_000;
const CONNECTIONS_A_SERVER = 64;
const FILE_ID = /^\/(\d+)[,/]([0-9a-f]+)/i;

/** The other servers of a cluster, for the data API: one pool of connections to each. */
export function createClusterPeers(options: ClusterPeersOptions) {
  const { locations, tls, writeKeys, readKeys, nowSeconds } = options;
  const dispatcher = new Agent({
    connections: CONNECTIONS_A_SERVER,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Whoever asks gives up by its own signal.
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(tls !== undefined && { connect: connectTls(tls) }),
  });

  async function tokenFor(request: Request): Promise<string | undefined> {
    const keys = request.method === 'GET' || request.method === 'HEAD' ? readKeys : writeKeys;
    const [, volumeId, fid] = FILE_ID.exec(new URL(request.url).pathname) ?? [];
    if (keys === undefined || fid === undefined) return undefined;
    return signToken({ fid: `${volumeId},${fid}`, exp: Math.ceil(nowSeconds()) + TOKEN_SECONDS }, keys);
  }

  return {
    scheme: tls === undefined ? ('http' as const) : ('https' as const),

    async locate(volumeId: number, signal: AbortSignal) {
      const found = await locations.find(volumeId, signal);
      return found.map(({ httpAddress, publicUrl }) => ({ address: httpAddress, publicAddress: publicUrl }));
    },

    async fetch(request: Request): Promise<Response> {
      const headers = new Headers(request.headers);
      if (!headers.has('authorization') && !headers.has('cookie')) {
        const token = await tokenFor(request);
        if (token !== undefined) headers.set('authorization', `BEARER ${token}`);
      }
      const { method, body, redirect, signal } = request;
      const init = { method, headers: [...headers], body, redirect, signal, dispatcher, duplex: 'half' };
      try {
        return (await fetch(request.url, init as UndiciInit)) as unknown as Response;
      } catch (error) {
        if (!signal.aborted) locations.forgetServer(new URL(request.url).host);
        throw reasonOf(error);
      }
    },

    close: () => dispatcher.close(),
  };
}

function connectTls({ ca, cert, key, serverName, checkServerName = true }: RpcTlsOptions) {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert, key }),
    ...(serverName !== undefined && { servername: serverName }),
    ...(!checkServerName && { checkServerIdentity: () => undefined }),
  };
}

/** `fetch failed` says nothing; why is its cause. */
function reasonOf(error: unknown): unknown {
  return error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
}
