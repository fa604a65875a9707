import type { DataApi } from '@holdfast/leader';
import { getRequestListener } from '@hono/node-server';
import type { FastifyPluginCallback } from 'fastify';

/** Every path of its scope that no other route takes, answered by the data API. Hooks of the app come before it. */
export function needleRoutes(api: DataApi): FastifyPluginCallback {
  const listener = getRequestListener(
    (request, { incoming }) => api(request, { address: incoming.socket.remoteAddress ?? '' }),
    { overrideGlobalObjects: false },
  );
  return (scope, _options, done) => {
    // Bodies are the API's, which reads them in pieces and has limits of its own.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, body, parsed) => parsed(null, body));
    scope.all('/*', async ({ raw: incoming }, reply) => {
      reply.hijack();
      await listener(incoming, reply.raw);
    });
    done();
  };
}
