import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UsageError } from './usage-error.js';

export interface HttpPage {
  readonly contentType: string;
  render(): string | Promise<string>;
}

export interface HttpPages {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves a few pages by their paths, for reading only. Fails with `UsageError` where the port cannot be had. */
export async function serveHttpPages(
  flag: string,
  port: number,
  pages: Readonly<Record<string, HttpPage>>,
): Promise<HttpPages> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (page === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      response.writeHead(page === undefined ? 404 : 405).end();
      return;
    }
    Promise.resolve(page.render()).then(
      (body) => response.writeHead(200, { 'content-type': page.contentType }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new UsageError(`${flag} ${port} cannot be listened on (${cause.code}): take a free port`, { cause }),
      ),
    );
    server.listen(port, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
