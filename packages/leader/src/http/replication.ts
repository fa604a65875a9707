import { formatTtl, type SuperBlock } from '@holdfast/format';
import { HttpRefusal } from './answers.js';
import { fileNameParameter } from './content-disposition.js';
import type { PeerLocation } from './data-api-ports.js';
import { toHeaderText } from './needle-headers.js';
import type { PeerClient } from './peer-client.js';
import type { Upload } from './upload.js';

/** A change that the other copies of a volume are to make too. */
export interface ReplicatedChange {
  readonly volumeId: number;
  /** Path of the needle, as the client named it. */
  readonly pathname: string;
  /** How the client proved that it may: passed on as it is. */
  readonly credentials: Record<string, string>;
}

export interface ReplicatedWrite extends ReplicatedChange {
  readonly upload: Omit<Upload, 'data' | 'isGzip'>;
  readonly lastModifiedSeconds: number;
  readonly isGzip: boolean;
  /** As stored. Asked for once for each copy. */
  readonly storedData: () => Uint8Array | AsyncIterable<Uint8Array>;
}

export interface Replication {
  /**
   * The other copies of a volume of this placement: none for one that has only one. Error 500 where there are fewer than
   * the placement asks for.
   */
  locate(volumeId: number, superBlock: SuperBlock): Promise<readonly PeerLocation[]>;
  /** All have to succeed: else error 500. */
  write(locations: readonly PeerLocation[], change: ReplicatedWrite): Promise<void>;
  delete(locations: readonly PeerLocation[], change: ReplicatedChange): Promise<void>;
}

export function createReplication(client: PeerClient, createBoundary: () => string): Replication {
  async function toAll(
    locations: readonly PeerLocation[],
    volumeId: number,
    what: string,
    send: (location: PeerLocation) => Promise<Response>,
  ): Promise<void> {
    const results = await Promise.allSettled(
      locations.map(async (location) => {
        const response = await send(location);
        const text = await response.text();
        if (!response.ok) throw new Error(`${location.address}: ${response.status} ${text.slice(0, 200)}`);
      }),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed === undefined) return;
    const message = `failed to ${what} replicas for volume ${volumeId}: ${(failed.reason as Error).message}`;
    throw new HttpRefusal(500, message, { cause: failed.reason });
  }

  return {
    async locate(volumeId, { replicaPlacement }) {
      const { otherDataCenters, otherRacks, sameRack } = replicaPlacement;
      const copies = 1 + otherDataCenters + otherRacks + sameRack;
      if (copies === 1) return [];
      const locations = await client.locate(volumeId);
      if (locations.length + 1 >= copies) return locations;
      const message = `replicating operations [${locations.length + 1}] is less than volume ${volumeId} replication copy count [${copies}]`;
      throw new HttpRefusal(500, message);
    },
    async write(locations, change) {
      const { volumeId, pathname, credentials, upload, lastModifiedSeconds, isGzip, storedData } = change;
      const query = new URLSearchParams({ type: 'replicate', ts: `${lastModifiedSeconds}` });
      query.set('ttl', upload.ttl === undefined ? '' : formatTtl(upload.ttl));
      if (upload.isChunkManifest) query.set('cm', 'true');
      const headers: Record<string, string> = { ...credentials, ...pairFields(upload.pairs) };
      await toAll(locations, volumeId, 'write to', (location) => {
        const boundary = createBoundary();
        return client.send(location, {
          method: 'POST',
          target: `${pathname}?${query}`,
          headers: { ...headers, 'content-type': `multipart/form-data; boundary=${boundary}` },
          body: formOf(upload, isGzip, storedData(), boundary),
        });
      });
    },
    async delete(locations, { volumeId, pathname, credentials }) {
      await toAll(locations, volumeId, 'delete from', async (location) => {
        const target = `${pathname}?type=replicate`;
        const response = await client.send(location, { method: 'DELETE', target, headers: credentials });
        // What is not there needs no deleting.
        return response.status === 404 ? new Response(await response.text()) : response;
      });
    },
  };
}

function pairFields(pairs: string | undefined): Record<string, string> {
  if (pairs === undefined) return {};
  const parsed = JSON.parse(pairs) as Record<string, string>;
  return Object.fromEntries(
    Object.entries(parsed).map(([name, value]) => [`seaweed-${name}`, toHeaderText(value)]),
  );
}

function formOf(
  { name, mime }: Pick<Upload, 'name' | 'mime'>,
  isGzip: boolean,
  data: Uint8Array | AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncIterable<Uint8Array> {
  const encoder = new TextEncoder();
  const lines = [
    `--${boundary}`,
    `Content-Disposition: form-data; name="file"; ${fileNameParameter(name)}`,
    ...(mime === '' ? [] : [`Content-Type: ${mime}`]),
    ...(isGzip ? ['Content-Encoding: gzip'] : []),
    '\r\n',
  ];
  return (async function* () {
    yield encoder.encode(lines.join('\r\n'));
    if (data instanceof Uint8Array) yield data;
    else yield* data;
    yield encoder.encode(`\r\n--${boundary}--\r\n`);
  })();
}
