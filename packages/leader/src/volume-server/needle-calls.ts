import {
  FLAG_COMPRESSED,
  FormatError,
  formatTtl,
  legacyCrc,
  NEEDLE_HEADER_SIZE_BYTES,
  NO_TTL,
  parseNeedleHeader,
  recordLengthBytes,
  recordSizeOfEntry,
} from '@holdfast/format';
import { create, onlyRequest, volumeServerPb as pb, RpcError } from '@holdfast/protocol';
import { isStoreError, openNeedleStream } from '@holdfast/store';
import type { OpenNeedle, PinnedVolume, StoredVolume } from '../needles/stored-volume.js';
import { refusal, requireVolume } from './call-errors.js';
import { parseRecord } from './received-record.js';
import type { VolumeServer, VolumeServerHandlers } from './volume-server.js';

const EMPTY = new Uint8Array(0);

/** Single records: read as they are durable, written as another server has them. */
export function needleCalls(server: VolumeServer): VolumeServerHandlers {
  const { env, store, limits } = server;

  async function pinned<T>(volume: StoredVolume, read: (pin: PinnedVolume) => Promise<T>): Promise<T> {
    const pin = volume.pin();
    try {
      return await read(pin);
    } finally {
      await pin.close();
    }
  }

  return {
    async readNeedleBlob({ volumeId, offset: wantedOffset, size }) {
      const volume = requireVolume(store, volumeId);
      const failure = (text: string) =>
        refusal(`read needle blob offset ${wantedOffset} size ${size}: ${text}`);
      if (size < 0) throw failure(`invalid needle size ${size}`);
      if (wantedOffset < 0n) throw failure('negative offset');
      return pinned(volume, async ({ dat, datSizeBytes, version }) => {
        const lengthBytes = recordLengthBytes(version, size);
        if (wantedOffset + BigInt(lengthBytes) > BigInt(datSizeBytes)) throw failure('EOF');
        if (lengthBytes > limits.blobBytes)
          throw new RpcError(
            'resource-exhausted',
            `a blob of ${lengthBytes} bytes; ${limits.blobBytes} are the limit`,
          );
        const needleBlob = await dat.readAt(Number(wantedOffset), lengthBytes);
        if (needleBlob.length < lengthBytes) throw failure('EOF');
        return create(pb.ReadNeedleBlobResponseSchema, { needleBlob });
      });
    },

    async readNeedleMeta({ volumeId, needleId, offset: wantedOffset, size }) {
      const text = `not found volume id ${volumeId} and read needle metadata at ec shards is not supported`;
      const volume = requireVolume(store, volumeId, text);
      return pinned(volume, async ({ dat, datSizeBytes, version }) => {
        if (wantedOffset < 0n) throw refusal('negative offset');
        const sizeBytes = recordSizeOfEntry(size);
        const lengthBytes = BigInt(recordLengthBytes(version, sizeBytes));
        if (wantedOffset + lengthBytes > BigInt(datSizeBytes)) throw refusal('EOF');
        const offset = Number(wantedOffset);
        const header = parseNeedleHeader(await dat.readAt(offset, NEEDLE_HEADER_SIZE_BYTES));
        if (header.sizeBytes !== sizeBytes || header.needleId !== needleId) {
          const found = `found id ${header.needleId.toString(16)} size ${header.sizeBytes}`;
          throw refusal(`size mismatch for entry at offset ${offset}: ${found}, expected size ${size}`);
        }
        const records = { name: `${volumeId}`, version, readRange: dat.readAt };
        const needle = await openNeedleStream(records, { needleId, offset, sizeBytes }, env.crc32c);
        return create(pb.ReadNeedleMetaResponseSchema, {
          cookie: needle.cookie,
          lastModified: BigInt(needle.lastModifiedSeconds ?? 0),
          crc: legacyCrc(needle.storedCrc),
          ttl: formatTtl(needle.ttl ?? NO_TTL),
          appendAtNs: needle.appendAtNs,
        });
      });
    },

    async writeNeedleBlob({ volumeId, needleId, size, needleBlob }) {
      const volume = requireVolume(store, volumeId);
      const failure = (text: string, cause?: unknown) =>
        new RpcError('unknown', `write blob needle ${needleId} size ${size}: ${text}`, cause);
      if (size < 0) throw failure(`needle ${needleId} has invalid size ${size}`);
      if (needleBlob.length < NEEDLE_HEADER_SIZE_BYTES) {
        const length = `blob of ${needleBlob.length} bytes`;
        throw failure(`needle ${needleId} ${length} is shorter than a needle header`);
      }
      const header = parseNeedleHeader(needleBlob);
      if (header.sizeBytes !== size) {
        const found = `does not match its blob header size ${header.sizeBytes}`;
        throw failure(`needle ${needleId} size ${size} ${found}`);
      }
      if (header.needleId !== needleId)
        throw failure(`needle ${needleId} does not match its blob header id ${header.needleId}`);
      try {
        const { content, data } = parseRecord(needleBlob, volume.version, env.crc32c);
        await volume.write({ content, data }, { checksCookie: false });
      } catch (error) {
        if (error instanceof FormatError) throw failure(error.message, error);
        if (isStoreError(error, 'read-only')) throw failure(`volume ${volumeId} is read only`, error);
        throw error;
      }
      return create(pb.WriteNeedleBlobResponseSchema);
    },

    async volumeNeedleStatus({ volumeId, needleId }) {
      const volume = requireVolume(store, volumeId, `volume not found ${volumeId}`);
      const needle = await openLive(volume, needleId);
      try {
        const { cookie, sizeBytes, lastModifiedSeconds, ttl } = needle.meta;
        return create(pb.VolumeNeedleStatusResponseSchema, {
          needleId,
          cookie,
          size: sizeBytes,
          lastModified: BigInt(lastModifiedSeconds ?? 0),
          crc: legacyCrc(needle.crc),
          ttl: formatTtl(ttl ?? NO_TTL),
        });
      } finally {
        await needle.close();
      }
    },

    async *readAllNeedles(requests, { signal }) {
      const { volumeIds } = await onlyRequest(requests);
      for (const volumeId of volumeIds) {
        const pin = requireVolume(store, volumeId).pin();
        try {
          yield* allNeedles(pin, volumeId, signal);
        } finally {
          await pin.close();
        }
      }
    },
  };

  /** What is live and durable, in the order of the file, each checked. */
  async function* allNeedles(pin: PinnedVolume, volumeId: number, signal: AbortSignal) {
    const { dat, version, datSizeBytes } = pin;
    const records = { name: `${volumeId}`, version, readRange: dat.readAt };
    for (const entry of pin.liveByOffset()) {
      signal.throwIfAborted();
      const { needleId, offset, sizeBytes } = entry;
      const isDurable = offset + recordLengthBytes(version, recordSizeOfEntry(sizeBytes)) <= datSizeBytes;
      if (sizeBytes < 0 || !isDurable) continue;
      const needle = await openNeedleStream(records, entry, env.crc32c);
      if (needle.dataSizeBytes > limits.blobBytes) {
        const text = `needle ${needleId} of volume ${volumeId} has ${needle.dataSizeBytes} bytes`;
        throw new RpcError('resource-exhausted', `${text}; ${limits.blobBytes} are the limit`);
      }
      const needleBlob = new Uint8Array(needle.dataSizeBytes);
      let at = 0;
      for await (const piece of needle.data(signal)) {
        needleBlob.set(piece, at);
        at += piece.length;
      }
      yield create(pb.ReadAllNeedlesResponseSchema, {
        volumeId,
        needleId,
        cookie: needle.cookie,
        needleBlob,
        needleBlobCompressed: (needle.flags & FLAG_COMPRESSED) !== 0,
        lastModified: BigInt(needle.lastModifiedSeconds ?? 0),
        crc: legacyCrc(env.crc32c(needleBlob)),
        name: needle.name ?? EMPTY,
        mime: needle.mime ?? EMPTY,
      });
    }
  }
}

/** With SeaweedFS's texts for one that is not there, and for one that was deleted. */
async function openLive(volume: StoredVolume, needleId: bigint): Promise<OpenNeedle> {
  try {
    return await volume.open(needleId);
  } catch (error) {
    if (!isStoreError(error, 'needle-not-found')) throw error;
    const isDeleted = await volume.open(needleId, { readDeleted: true }).then(
      async (deleted) => {
        await deleted.close();
        return true;
      },
      () => false,
    );
    if (isDeleted) throw new RpcError('unknown', 'already deleted', error);
    throw new RpcError('not-found', `needle not found ${needleId}`, error);
  }
}
