import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build, preview } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface ServePageOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Where the bundle goes. Default `dist/page`. */
  readonly outDir?: string;
  /** By which conditions packages are resolved beside the usual ones. Default none. */
  readonly conditions?: readonly string[];
}

export interface ServedPage {
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Bundles the page and serves it on loopback. */
export async function servePage(options: ServePageOptions): Promise<ServedPage> {
  const { port, outDir = 'dist/page', conditions = [] } = options;
  const shared = { root, configFile: false, logLevel: 'warn', build: { outDir, emptyOutDir: true } } as const;
  await build({ ...shared, resolve: { conditions: [...conditions, 'browser', 'module', 'import'] } });
  const server = await preview({ ...shared, preview: { host: '127.0.0.1', port, strictPort: port !== 0 } });
  const { port: bound } = server.httpServer.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${bound}`, close: () => server.close() };
}
