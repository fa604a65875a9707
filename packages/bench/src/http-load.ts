import { randomBytes } from 'node:crypto';
import { formatFileId } from '@holdfast/format';
import { Client } from 'undici';

const CONNECTIONS = 64;
const NEEDLE_BYTES = 4096;
const COOKIE = 0x1234abcd;

/** What 64 connections do, each one request after the other. */
export type Load = 'reads' | 'durable-writes' | 'mixed';

/** Requests a second that were answered as they should be. */
export interface HttpLoadFigures {
  readonly reads: number;
  readonly writes: number;
}

/** A volume server with one volume that it may write to, and how many needles the load has put there. */
export interface LoadedServer {
  readonly httpAddress: string;
  readonly volumeId: number;
  needles: number;
}

/**
 * Needles of 4 KB, read at random or written anew with `fsync=true`; `mixed` is a read and a write in turn. Throws
 * where an answer is not what it should be.
 */
export async function runHttpLoad(
  server: LoadedServer,
  load: Load,
  seconds: number,
): Promise<HttpLoadFigures> {
  const { httpAddress, volumeId } = server;
  const clients = Array.from({ length: CONNECTIONS }, () => new Client(`http://${httpAddress}`));
  const data = randomBytes(NEEDLE_BYTES);
  const headers = { 'content-type': 'application/octet-stream' };
  const startedAtMs = performance.now();
  const endsAtMs = startedAtMs + seconds * 1000;
  let reads = 0;
  let writes = 0;

  const pathOf = (needle: number) =>
    `/${formatFileId({ volumeId, needleId: BigInt(needle), cookie: COOKIE })}`;

  async function read(client: Client): Promise<void> {
    const path = pathOf(1 + Math.floor(Math.random() * server.needles));
    const { statusCode, body } = await client.request({ method: 'GET', path });
    const { byteLength } = await body.arrayBuffer();
    if (statusCode !== 200 || byteLength !== NEEDLE_BYTES)
      throw new Error(`GET ${path}: ${statusCode}, ${byteLength} bytes`);
    reads++;
  }

  async function write(client: Client): Promise<void> {
    const needle = server.needles + ++writesBegun;
    const path = `${pathOf(needle)}?fsync=true`;
    const { statusCode, body } = await client.request({ method: 'PUT', path, headers, body: data });
    await body.dump();
    if (statusCode !== 201) throw new Error(`PUT ${path}: ${statusCode}`);
    writes++;
  }

  let writesBegun = 0;
  try {
    await Promise.all(
      clients.map(async (client, number) => {
        for (let turn = number; performance.now() < endsAtMs; turn++)
          await (load === 'reads' || (load === 'mixed' && turn % 2 === 0) ? read(client) : write(client));
      }),
    );
  } finally {
    await Promise.all(clients.map((client) => client.destroy()));
  }
  server.needles += writesBegun;
  const tookSeconds = (performance.now() - startedAtMs) / 1000;
  return { reads: reads / tookSeconds, writes: writes / tookSeconds };
}
