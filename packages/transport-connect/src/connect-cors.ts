import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { cors } from '@connectrpc/connect';

export type RequestHandler = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/** How long a browser may keep the answer to its question: two hours, the most that any of them does. */
const PREFLIGHT_MAX_AGE_SECONDS = 7200;

/**
 * Lets pages of these origins (`*`: of all) call the handler from a browser: answers the question that a browser asks
 * first, and has it show the page what is answered. To other origins nothing is said, and browsers keep it from them.
 */
export function allowOrigins(handle: RequestHandler, allowedOrigins: readonly string[]): RequestHandler {
  if (allowedOrigins.length === 0) return handle;
  const allowed = new Set(allowedOrigins);
  return (request, response) => {
    const { origin } = request.headers;
    response.setHeader('Vary', 'Origin');
    if (origin === undefined || !(allowed.has('*') || allowed.has(origin))) {
      handle(request, response);
      return;
    }
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', cors.exposedHeaders.join(', '));
    if (request.method !== 'OPTIONS') {
      handle(request, response);
      return;
    }
    response.setHeader('Access-Control-Allow-Methods', cors.allowedMethods.join(', '));
    response.setHeader('Access-Control-Allow-Headers', cors.allowedHeaders.join(', '));
    response.setHeader('Access-Control-Max-Age', PREFLIGHT_MAX_AGE_SECONDS);
    response.statusCode = 204;
    response.end();
  };
}
