import { emptyAnswer, HttpRefusal } from './answers.js';
import type { DataApiOptions } from './data-api-ports.js';
import type { IdleWatch } from './idle-watch.js';
import type { NeedlePath } from './needle-path.js';
import { answerPieces, type PeerClient } from './peer-client.js';
import { streamBody } from './response-body.js';

export interface ElsewhereRequest {
  readonly path: NeedlePath;
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly request: Request;
}

export interface ElsewhereOptions {
  readonly readMode: NonNullable<DataApiOptions['readMode']>;
  readonly scheme: 'http' | 'https';
  readonly client: PeerClient;
  readonly watch: IdleWatch;
}

/** Marks a request that one server makes for another's client: it is not passed on again. */
const PROXIED = 'proxied';

/** What is of the connection, and what belongs to the packing that is undone on the way. */
const NOT_PASSED_ON = ['connection', 'keep-alive', 'transfer-encoding', 'content-encoding', 'date', 'server'];
const ASKED_HEADERS = [
  'range',
  'if-range',
  'if-none-match',
  'if-modified-since',
  'authorization',
  'cookie',
] as const;

/** GET and HEAD of a volume that is not here: 404, 301, or the answer of a server that has it. */
export async function readElsewhere(asked: ElsewhereRequest, options: ElsewhereOptions): Promise<Response> {
  const { path, pathname, query, request } = asked;
  const { readMode, scheme, client, watch } = options;
  if (readMode === 'local' || query.get(PROXIED) === 'true') return emptyAnswer(404);
  const locations = await client.locate(path.volumeId);
  if (locations.length === 0) return emptyAnswer(404);
  if (readMode === 'redirect') {
    const search = query.size === 0 ? '' : `?${query}`;
    const location = `${scheme}://${locations[0]!.publicAddress}${pathname}${search}`;
    return emptyAnswer(301, { location });
  }
  const passed = new URLSearchParams(query);
  passed.set(PROXIED, 'true');
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  for (const name of ASKED_HEADERS) {
    const value = request.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  let why: unknown;
  for (const location of locations) {
    try {
      const { method } = request;
      return passOn(await client.send(location, { method, target: `${pathname}?${passed}`, headers }), watch);
    } catch (error) {
      why = error;
    }
  }
  throw why instanceof HttpRefusal ? new HttpRefusal(502, '', { cause: why }) : why;
}

function passOn(response: Response, watch: IdleWatch): Response {
  const headers: Record<string, string> = {};
  response.headers.forEach((value, name) => {
    if (!NOT_PASSED_ON.includes(name)) headers[name] = value;
  });
  const { status, body } = response;
  if (body === null) return new Response(null, { status, headers });
  return new Response(
    streamBody(answerPieces(response, watch), async () => {}, watch),
    { status, headers },
  );
}
