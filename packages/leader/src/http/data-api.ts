import { isStoreError } from '@holdfast/store';
import { emptyAnswer, errorAnswer, HttpRefusal, textAnswer } from './answers.js';
import { createChunkAccess } from './chunk-access.js';
import { type DataApiOptions, defaultHttpLimits, type HttpPeer } from './data-api-ports.js';
import { createNeedleDeleter } from './delete-needle.js';
import { createIdleWatch } from './idle-watch.js';
import { standardMimeTypeOf } from './mime-types.js';
import { parseNeedlePath, splitUrl } from './needle-path.js';
import { createPeerClient } from './peer-client.js';
import { readElsewhere } from './read-elsewhere.js';
import { createNeedleReader } from './read-needle.js';
import { createReplication } from './replication.js';
import { statusAnswer } from './status-page.js';
import { createNeedleWriter } from './write-needle.js';

/** Answers one request. Never fails; the body of an answer may, which then must not end as if it were whole. */
export type DataApi = (request: Request, peer: HttpPeer) => Promise<Response>;

const BOUNDARY_BYTES = 16;

/** The HTTP data API of a volume server (protocol.md §6). */
export function createDataApi(options: DataApiOptions): DataApi {
  const { env, reads, writes, peers, guard, isDurable = true, version = 'Holdfast' } = options;
  const { gzip } = env;
  const limits = { ...defaultHttpLimits, ...options.limits };
  const mimeTypeOf = options.mimeTypeOf ?? standardMimeTypeOf;
  const readMode = peers === undefined ? 'local' : (options.readMode ?? 'proxy');
  const watch = createIdleWatch(env.clock, env.timers, limits.bodyIdleMs);
  const peerWatch = createIdleWatch(env.clock, env.timers, limits.peerTimeoutMs);
  const createBoundary = () =>
    Array.from(env.random.bytes(BOUNDARY_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const client = createPeerClient(peers, peerWatch);
  const replication = createReplication(client, createBoundary);
  const chunks = createChunkAccess({
    reads,
    writes,
    client,
    replication,
    gzip,
    limits,
    watch: peerWatch,
    isDurable,
  });
  const read = createNeedleReader({ gzip, mimeTypeOf, limits, watch, chunks, createBoundary });
  const write = createNeedleWriter({ env, mimeTypeOf, limits, watch, replication, isDurable });
  const remove = createNeedleDeleter({ gzip, limits, replication, isDurable, deleteChunk: chunks.delete });
  const elsewhere = { readMode, scheme: peers?.scheme ?? 'http', client, watch: peerWatch } as const;

  async function route(request: Request, peer: HttpPeer): Promise<Response> {
    const { method } = request;
    const { pathname, query } = splitUrl(request.url);
    const isRead = method === 'GET' || method === 'HEAD';
    if (isRead && pathname === '/status') return statusAnswer(reads, version);
    if (isRead && pathname === '/healthz') return emptyAnswer(200);
    if (method === 'OPTIONS') return emptyAnswer(200, PREFLIGHT);
    if (!isRead && method !== 'POST' && method !== 'PUT' && method !== 'DELETE')
      return errorAnswer(400, `unsupported method ${method}`);
    const path = parseNeedlePath(pathname);
    if (path === undefined)
      return isRead ? emptyAnswer(400) : errorAnswer(400, `Invalid fid: ${/[^,/]*$/.exec(pathname)![0]}`);
    if (guard !== undefined) {
      const answer = await guard({ kind: isRead ? 'read' : 'write', fid: path.fid, request, peer });
      if (answer !== undefined) return answer;
    }
    const asked = { path, pathname, query, request };
    if (isRead) {
      const volume = reads.find(path.volumeId);
      return volume === undefined ? readElsewhere(asked, elsewhere) : read(volume, asked);
    }
    if (writes === undefined)
      return errorAnswer(405, 'only reading is served', { allow: 'GET, HEAD, OPTIONS' });
    const volume = writes.find(path.volumeId);
    return method === 'DELETE' ? remove(volume, asked) : write(volume, asked);
  }

  return async (request, peer) => {
    let answer: Response;
    try {
      answer = await route(request, peer);
    } catch (error) {
      answer = answerToError(error, request.method);
    }
    // A page of another origin may read what it was answered, as of every volume server.
    if (request.headers.get('origin') !== null) answer.headers.set('access-control-allow-origin', '*');
    return answer;
  };
}

const PREFLIGHT = {
  'access-control-allow-methods': 'PUT, POST, GET, DELETE, OPTIONS',
  'access-control-allow-headers': '*',
};

function answerToError(error: unknown, method: string): Response {
  const isRead = method === 'GET' || method === 'HEAD';
  if (error instanceof HttpRefusal) {
    const { status, message, headers } = error;
    if (!isRead) return errorAnswer(status, message, headers);
    return message === '' || method === 'HEAD'
      ? emptyAnswer(status, headers)
      : textAnswer(status, message, headers);
  }
  if (isRead) return emptyAnswer(500);
  return errorAnswer(500, isStoreError(error) ? error.message : 'internal error');
}
