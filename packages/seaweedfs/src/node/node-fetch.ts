import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import {
  describeTlsError,
  type HttpFetch,
  isTlsErrorCode,
  RpcError,
  type RpcTlsOptions,
} from '@holdfast/protocol';

export interface NodeFetchOptions {
  /** For `https:` addresses. */
  readonly tls?: RpcTlsOptions;
  /** No byte for so long ends a request. Default 30 s. */
  readonly idleTimeoutMs?: number;
}

const IDLE_TIMEOUT_MS = 30_000;

/** `HttpFetch` over node:http and node:https, with `security.toml`'s certificates. */
export function createNodeFetch({ tls, idleTimeoutMs = IDLE_TIMEOUT_MS }: NodeFetchOptions = {}): HttpFetch {
  return async (url, { signal }) => {
    signal.throwIfAborted();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const isSecure = url.startsWith('https:');
      const request = isSecure
        ? httpsRequest(url, { ...requestTls(tls), signal })
        : httpRequest(url, { signal });
      request.setTimeout(idleTimeoutMs, () => {
        request.destroy(new RpcError('deadline-exceeded', `nothing came for ${idleTimeoutMs} ms`));
      });
      request.on('response', resolve);
      request.on('error', (error) => reject(signal.aborted ? signal.reason : unreachable(error)));
      request.end();
    });
    return {
      status: response.statusCode ?? 0,
      async text(maxBytes) {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        try {
          for await (const chunk of response as AsyncIterable<Buffer>) {
            sizeBytes += chunk.length;
            if (sizeBytes > maxBytes) {
              throw new RpcError('resource-exhausted', `a page of more than ${maxBytes} bytes`);
            }
            chunks.push(chunk);
          }
        } catch (error) {
          throw signal.aborted ? signal.reason : unreachable(error);
        }
        return Buffer.concat(chunks).toString('utf8');
      },
    };
  };
}

function requestTls(tls: RpcTlsOptions = {}): RequestOptions {
  const { ca, cert, key, serverName, checkServerName = true } = tls;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert, key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(checkServerName ? {} : { checkServerIdentity: () => undefined }),
  };
}

function unreachable(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  if (!(error instanceof Error)) return new RpcError('unavailable', String(error), error);
  const isTls = isTlsErrorCode((error as NodeJS.ErrnoException).code);
  return isTls
    ? new RpcError('unauthenticated', describeTlsError(error), error)
    : new RpcError('unavailable', error.message, error);
}
